"""What the parts of one price list must agree on: currency, credit types, actions, packs."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from catalogs import values
from catalogs.document.section import Section
from domain.money import maximum_charge_minor, minimum_charge_minor
from domain.pricing.catalog import Action, Pack

T = TypeVar("T")
F = TypeVar("F")

FALLBACK = "?"  # stands for an id that could not be read; its own fault is already noted
NEUTRAL_MINOR = 1_000_000  # stands for a price that could not be read: neither free nor too small


@dataclass(slots=True)
class KnownNames:
    """The names that are known so far while a price list is read from top to bottom."""

    catalog: str
    currency: str  # that is being read
    currencies: tuple[str, ...]  # all of the list's
    credit_types: set[str] = field(default_factory=set)
    actions: dict[str, Action] = field(default_factory=dict)
    packs: dict[str, Pack] = field(default_factory=dict)
    private: list[tuple[str, int]] = field(default_factory=list)

    @property
    def least_minor(self) -> int:
        """The minimum charge at the processor in the price list's currency."""
        return minimum_charge_minor(self.currency)

    @property
    def most_minor(self) -> int:
        """The processor's maximum charge in the price list's currency."""
        return maximum_charge_minor(self.currency)

    def price(self, section: Section, key: str, parse: Callable[[str], T], fallback: F) -> T | F:
        """Return a price in the currency that is being read."""
        return section.of_each(key, parse, fallback, one=self.currency, among=self.currencies)

    def amount(self, section: Section, key: str) -> int | None:
        """Return minor units of the currency that is being read, or None: it has no amount."""
        parse = values.money_in(self.currency)
        minor = section.of_some(key, parse, one=self.currency, among=self.currencies)
        if minor == 0:
            section.fault(key, "must be greater than zero")
        return minor

    def credit_type(self, section: Section, key: str = "type") -> str:
        """Return the credit type a key names, which must be declared."""
        named = section.required(key, values.identifier, FALLBACK)
        if named not in self.credit_types | {FALLBACK}:
            section.fault(key, f"{named!r} is not among the credit_types")
        return named

    def scope(self, section: Section, credit_type: str) -> tuple[str, ...] | None:
        """Return the actions that a grant may pay, None for all; each must accept its type."""
        named = section.listed("scope", values.identifier, default=())
        if not section.has("scope"):
            return None
        if not named:
            section.fault("scope", "names no action, so nothing could use these credits")
        for action_id in named:
            action = self.actions.get(action_id)
            if action is None:
                section.fault("scope", f"{action_id!r} is not among the actions")
            elif credit_type not in _types_of(action):
                section.fault("scope", f"{action_id!r} is never paid with {credit_type!r}")
        return named


def unique(section: Section, key: str, named: str, known: Collection[str]) -> None:
    """Note a fault when an id was already taken."""
    if named in known and named != FALLBACK:
        section.fault(key, f"{named!r} is used twice")


def _types_of(action: Action) -> set[str]:
    return {way.credit_type for version in action.rates for way in version.ways}
