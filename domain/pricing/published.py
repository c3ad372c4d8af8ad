"""Which edits of a price list would change what was published, and which may pass.

A plan version, a rate in force and the rest of a list's version are published once. Names for
people may still change, and so may a rate that has not begun.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum

from domain.money import Ratio
from domain.periods import Interval
from domain.pricing.catalog import Action, Bonus, Catalog, Pack, Plan, RateVersion
from domain.pricing.discounts import Coupon, CouponFor
from domain.pricing.policies import AtZero

_SHOWN = {Plan: "name", Pack: "name", Bonus: "name"}  # only people see these: they may change
_EVER = "1970-01-01T00:00:00+00:00"  # the start of a rate that names none
_VALUES = (Ratio, Interval)  # compared whole, though made of two numbers


class Kind(StrEnum):
    """The parts of a price list that are published separately."""

    PLAN = "plan"
    RATE = "rate"
    ACTION = "action"
    BONUS = "bonus"
    COUPON = "coupon"
    LIST = "list"


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """A published part. `version` is the plan's or the list's, or the instant a rate begins.

    `name` is the plan, the action, the bonus or the coupon; empty for the list itself. The version
    of a plan or a coupon in another currency than the list's first ends in it: `2:EUR`.
    """

    kind: Kind
    name: str
    version: str

    @property
    def currency(self) -> str:
        """Of a plan or a coupon in another currency than the list's first; "" of all else."""
        return self.version.partition(":")[2] if self.kind in (Kind.PLAN, Kind.COUPON) else ""

    @property
    def number(self) -> int:
        """The version of a plan."""
        return int(self.version.partition(":")[0])

    def __str__(self) -> str:
        match self.kind:
            case Kind.PLAN:
                priced = f" in {self.currency}" if self.currency else ""
                return f"plan {self.name} version {self.number}{priced}"
            case Kind.RATE:
                since = "" if self.version == _EVER else f" from {self.version}"
                return f"the rate of {self.name}{since}"
            case Kind.LIST:
                return f"version {self.version} of the list"
            case Kind.ACTION | Kind.BONUS | Kind.COUPON:
                number, _, currency = self.version.partition(":")
                priced = f" in {currency}" if currency else ""
                return f"{self.kind} {self.name}{priced} in version {number} of the list"


@dataclass(frozen=True, slots=True)
class ActionTerms:
    """What the list says about an action besides its rates."""

    once_per: str | None
    at_zero: AtZero
    degrades_to: str | None


@dataclass(frozen=True, slots=True)
class ListTerms:
    """What a list says for all its customers."""

    currency: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a coupon promises. How often and until when may be changed at any time."""

    applies_to: tuple[CouponFor, ...]
    percent: Ratio | None
    amount_minor: int | None
    most_minor: int | None
    first_purchase: bool
    periods: int | None = 1


Terms = Plan | RateVersion | ActionTerms | Bonus | CouponTerms | ListTerms
Published = Mapping[Item, Terms]


class Edit(StrEnum):
    """How a published item was edited."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"  # a rate for a time that is over


@dataclass(frozen=True, slots=True)
class Difference:
    """A refused edit; `path` leads through fields and positions from the item to the change."""

    item: Item
    edit: Edit
    path: tuple[str | int, ...] = ()
    published: object = None
    read: object = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is refused, what is new and may be published, and which future rates were withdrawn."""

    refused: tuple[Difference, ...]
    fresh: Published
    withdrawn: tuple[Item, ...]


def items_of(catalog: Catalog) -> Published:
    """Return every item that a price list publishes."""
    version = str(catalog.version)
    found: dict[Item, Terms] = {
        Item(Kind.LIST, "", version): ListTerms(catalog.currency, catalog.time_zone)
    }
    found |= {plan_item(plan): plan for plan in catalog.plans}
    found |= {plan_item(plan, catalog.currency): plan for plan in catalog.elsewhere}
    found |= {Item(Kind.BONUS, bonus.bonus_id, version): bonus for bonus in catalog.bonuses}
    found |= {coupon_item(coupon, catalog): _promised(coupon) for coupon in catalog.coupons}
    for action in catalog.actions:
        found[Item(Kind.ACTION, action.action_id, version)] = ActionTerms(
            action.once_per, action.at_zero, action.degrades_to
        )
        found |= {rate_item(action, rate): rate for rate in action.rates}
    return found


def _promised(coupon: Coupon) -> CouponTerms:
    return CouponTerms(
        applies_to=coupon.applies_to,
        percent=coupon.percent,
        amount_minor=coupon.amount_minor,
        most_minor=coupon.most_minor,
        first_purchase=coupon.first_purchase,
        periods=coupon.periods,
    )


def coupon_item(coupon: Coupon, catalog: Catalog) -> Item:
    """Return the item that a coupon's promise is published as."""
    own = coupon.currency in ("", catalog.currency)
    version = str(catalog.version) if own else f"{catalog.version}:{coupon.currency}"
    return Item(Kind.COUPON, coupon.code, version)


def plan_item(plan: Plan, currency: str | None = None) -> Item:
    """Return the item that a plan version is published as; `currency`: the list's first."""
    own = currency in (None, plan.currency)
    version = str(plan.version) if own else f"{plan.version}:{plan.currency}"
    return Item(Kind.PLAN, plan.plan_id, version)


def rate_item(action: Action, rate: RateVersion) -> Item:
    """Return the item that a rate is published as."""
    return Item(Kind.RATE, action.action_id, rate.effective_from.isoformat())


def compare(
    published: Published, catalog: Catalog, at: datetime, in_use: Collection[Item]
) -> Comparison:
    """Compare a price list read at `at` with what was published.

    `in_use` are the plan versions that subscriptions are on or will move to.
    """
    read = items_of(catalog)
    known = {item.name for item in published if item.kind is Kind.RATE}
    refused: list[Difference] = []
    fresh: dict[Item, Terms] = {}
    withdrawn: list[Item] = []
    for item in sorted(read):
        terms = read[item]
        edits = tuple(_edits(item, published.get(item), terms, known))
        if edits and not _is_ahead(terms, at):
            refused += edits
        elif edits or item not in published:
            fresh[item] = terms
    for item in sorted(set(published) - set(read)):
        if _is_ahead(published[item], at):
            withdrawn.append(item)
        elif _is_missed(item, str(catalog.version), in_use):
            refused.append(Difference(item, Edit.REMOVED))
    return Comparison(tuple(refused), fresh, tuple(withdrawn))


def changes_of(item: Item, was: Terms, now: Terms) -> tuple[Difference, ...]:
    """Return every value in which two versions of an item differ, names excepted."""
    return tuple(
        Difference(item=item, edit=Edit.CHANGED, path=path, published=before, read=after)
        for path, before, after in _changes(was, now)
    )


def same_terms(one: Plan, other: Plan) -> bool:
    """Return whether two plans differ in nothing but names."""
    return not any(_changes(one, other))


def priced_until(published: Published, catalog: Catalog, item: Item) -> datetime | None:
    """Return when the action's next rate begins, published or as read now; None: never."""
    both = (*published.items(), *items_of(catalog).items())
    starts = {
        terms.effective_from
        for one, terms in both
        if isinstance(terms, RateVersion) and one.name == item.name
    }
    return min((one for one in starts if one > begins(item)), default=None)


def begins(item: Item) -> datetime:
    """Return the first instant of a rate."""
    return datetime.fromisoformat(item.version)


def _edits(
    item: Item, was: Terms | None, terms: Terms, known: Collection[str]
) -> Iterator[Difference]:
    """Yield the edits of an item. A new item is not one, except a rate of a known action.

    Events of that action were priced already, and late ones would get the new rate.
    """
    if was is None:
        if item.kind is Kind.RATE and item.name in known:
            yield Difference(item, Edit.ADDED)
        return
    yield from changes_of(item, was, terms)


Change = tuple[tuple[str | int, ...], object, object]


def _changes(was: object, now: object) -> Iterator[Change]:
    """Yield every value in which two things of one kind differ."""
    if was == now:
        return
    parts = list(_parts(was, now))
    if not parts:
        yield (), was, now
    for step, before, after in parts:
        if not (isinstance(step, str) and step == _SHOWN.get(type(was))):
            for path, *values in _changes(before, after):
                yield (step, *path), values[0], values[1]


def _parts(was: object, now: object) -> Iterator[tuple[str | int, object, object]]:
    """Yield the parts of two things that can be compared one by one; nothing for single values."""
    if isinstance(was, tuple) and isinstance(now, tuple):
        if len(was) == len(now) and all(map(is_dataclass, (*was, *now))):
            for place, (before, after) in enumerate(zip(was, now, strict=True)):
                yield place, before, after
    elif is_dataclass(was) and type(was) is type(now) and not isinstance(was, _VALUES):
        for one in fields(was):
            yield one.name, getattr(was, one.name), getattr(now, one.name)


def _is_ahead(terms: Terms, at: datetime) -> bool:
    """Return whether this is a rate that has priced nothing yet."""
    return isinstance(terms, RateVersion) and terms.effective_from > at


def _is_missed(item: Item, version: str, in_use: Collection[Item]) -> bool:
    """Return whether an item that left the list is still promised to someone."""
    match item.kind:
        case Kind.PLAN:
            return item in in_use
        case Kind.RATE:
            return True
        case Kind.BONUS:
            return item.version == version
        case Kind.ACTION | Kind.COUPON | Kind.LIST:
            return False  # a removed action shows by its rates; a coupon may be withdrawn
