"""What a person chooses: a plan of a price list, by its name or in a file, for some usage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from catalogs.drafts import with_value
from catalogs.reader import load_catalogs, read_catalog
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.payments.imports import Brought
from domain.pricing.catalog import Action, Catalog, Plan
from domain.pricing.discounts import Coupon, CouponFor, coupon_named
from domain.pricing.in_currency import plan_in
from domain.pricing.rates import Rounding
from local.simulator.calendar import Months, Move
from local.simulator.changes import PlanChange
from local.simulator.usage import Usage
from settings import CATALOGS


@dataclass(frozen=True)
class Side:
    """One plan to cost; `source` is the price list's text as workers read it.

    Its customer has a `coupon` of the list, given at the start or with each purchase, wherever the
    list lets it take something off; "": none. It pays by card or, `by_debit`, from a bank account,
    and lives at a `place` such as `GB` or `US-NY`, which taxes a plan that is taxed. On days that
    were named it asks for other plans of the list: `changes`.
    """

    catalog: Catalog
    plan: Plan
    source: str
    auto: bool = False
    top_up: bool = False
    confirm: bool = False
    names: Mapping[str, str] = field(default_factory=dict)  # the usage's actions → the list's
    by_debit: bool = False
    place: str = ""
    coupon: str = ""
    changes: tuple[PlanChange, ...] = ()
    moves: tuple[Move, ...] = ()
    brings: tuple[Brought, ...] = ()

    def months_from(self, begins: date) -> Months:
        """Return the months of its customer."""
        return Months(begins, self.plan, self.moves)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Every plan that its customer has, one after another."""
        return (self.plan, *(change.plan for change in self.changes))

    def coupon_for(self, sold: CouponFor) -> str:
        """Return the customer's coupon if it is for what is sold; "": it has none.

        Raises `InvalidInput` (`unknown_coupon`).
        """
        if not self.coupon:
            return ""
        return self.coupon if sold in self._coupon().applies_to else ""

    def _coupon(self) -> Coupon:
        return coupon_named(self.catalog.coupons, self.coupon, self.plan.currency)

    @property
    def title(self) -> str:
        """How people tell it from the other side."""
        return f"{self.catalog.name}:{' → '.join(plan.plan_id for plan in self.plans)}"

    def action(self, used: str) -> Action:
        """Return the list's action for one of the usage's."""
        return self.catalog.action(self.names.get(used, used))

    def metered(self) -> Action:
        """Return the first action that costs something."""
        for action in self.catalog.actions:
            if not action.rates[-1].free:
                return action
        raise InvalidInput(
            "unknown_action", f"{self.catalog.name} has no action that costs credits"
        )

    def window_volume(self) -> int:
        """Return the micro-quantity of `metered()` that a month's allowance is enough for."""
        way = self.metered().rates[-1].ways[0]
        months = self.plan.window.months or 1
        included = self.plan.allowance_micro(way.credit_type) // months
        return included * way.rate.per_micro // way.rate.credits_micro or 1_000 * MICRO


@dataclass(frozen=True)
class SimulationRequest:
    """What is to be lived: `exact` sends every event alone; `out` names the files to write."""

    usage: Usage
    begins: date
    months: int
    exact: bool
    out: Path


def read_side(
    place: str, plan_id: str, taken: Sequence[str] = (), currency: str | None = None
) -> Side:
    """Return a plan of a price list, named as in `catalogs/` or as a file.

    A list whose name is `taken` by another is renamed, so that two drafts of one can be compared.
    `currency`: of those that the list is sold in; None: its first. Raises `InvalidInput`
    (`unknown_catalog`, `unknown_plan`, `unknown_currency`, `invalid_catalog`).
    """
    path = Path(place) if place.endswith((".yaml", ".yml")) else CATALOGS / f"{place}.yaml"
    if not path.is_file():
        known = ", ".join(one.name for one in load_catalogs(CATALOGS))
        raise InvalidInput("unknown_catalog", f"no price list {place!r:.80}; there are: {known}")
    catalog, source = read_catalog(path), path.read_text(encoding="utf-8")
    if catalog.name in taken:
        number = next(n for n in range(2, 99) if f"{catalog.name}_{n}" not in taken)
        source = with_value(source, (), ("name",), f"{catalog.name}_{number}")
        catalog = read_catalog(source, path.name)
    return Side(catalog, plan_in(catalog, plan_id, currency=currency or ""), source)


def split_place(text: str) -> tuple[str, str]:
    """Return price list and plan of `make:core_10k`."""
    place, _, plan_id = text.rpartition(":")
    if not place or not plan_id:
        raise InvalidInput("unknown_plan", f"{text!r:.80}: write CATALOG:PLAN, as make:core_10k")
    return place, plan_id


def mapped(texts: Sequence[str]) -> dict[str, str]:
    """Return what `llm_tokens=ai_email` maps."""
    names: dict[str, str] = {}
    for text in texts:
        used, sign, listed = text.partition("=")
        if not (used and sign and listed) or used in names:
            why = f"--map {text!r:.80}: write each of the usage's actions once, as used=listed"
            raise InvalidInput("unknown_action", why)
        names[used] = listed
    return names


def check_actions(usage: Usage, side: Side) -> None:
    """Refuse usage of actions that the price list does not have; `unknown_action` names all."""
    listed = {action.action_id for action in side.catalog.actions}
    used = {use.action for use in usage.uses}
    strangers = sorted(one for one in used if side.names.get(one, one) not in listed)
    if strangers:
        raise InvalidInput(
            "unknown_action",
            f"{side.catalog.name} has no {', '.join(strangers)}; it has: "
            f"{', '.join(sorted(listed))}. Name what stands for it, as --map "
            f"{strangers[0]}={side.metered().action_id}",
        )


def merges(action: Action) -> bool:
    """Return whether one event for a sum costs what its parts would: no job or object counts."""
    rounded = any(
        way.rate.rounding is not Rounding.EXACT for version in action.rates for way in version.ways
    )
    return action.once_per is None and not rounded
