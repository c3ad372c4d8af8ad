"""A simulation that one process asks for and another runs: order, progress and outcome.

Fields are names on the wire between the operators' console and the toolbox. Money is in minor
units, quantities are in millionths.
"""

import re
from dataclasses import dataclass
from datetime import date

from domain.errors import InvalidInput
from domain.payments.kinds import PaymentKind
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.discounts import coupon_named

SHAPES = ("steady", "growing", "spiky", "seasonal")
MOST_MONTHS = 24
MOST_CUSTOMERS = 5
MOST_SOURCE = 64 * 1024  # characters of a price list
MOST_SEED = 1_000_000
MOST_VOLUME_MICRO = 10**9 * 10**6
MOST_OBJECTS_MICRO = 2_000 * 10**6  # where each is an event of its own, as it is paid for only once
MOST_SIDES = 2
LOWEST_PERCENT, RANGE_PERCENT = 50, 100  # of the volume: from half of it to half as much again
PLACE = re.compile(r"[A-Z]{2}(-[A-Z]{2,3})?")
PARTED = frozenset({"US", "CA"})  # countries that are taxed by their parts


@dataclass(frozen=True, slots=True)
class Tried:
    """A plan of a price list, whose YAML text is `source`."""

    source: str
    plan_id: str


@dataclass(frozen=True, slots=True)
class AskedPlan:
    """Another plan, which every customer asks for as a day of UTC begins.

    `at_once`: one of another interval begins then too, and not with the next period.
    """

    on: date
    plan_id: str
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class SimulationOrder:
    """What is to be lived: the same customers on one plan, or on each of two.

    `volume_micro` is a month's use of the customer in the middle; None: what the first plan
    includes. They pay in `currency`, which is the lists' first if it is ""; the rest of how they
    pay is as `PaysBy` says. `changes` are plans that they ask for meanwhile, in both lists.
    """

    sides: tuple[Tried, ...]
    begins: date
    months: int
    customers: int
    shape: str
    seed: int
    volume_micro: int | None = None
    auto: bool = False
    top_up: bool = False
    confirm: bool = False
    currency: str = ""
    by_debit: bool = False
    place: str = ""
    coupon: str = ""
    changes: tuple[AskedPlan, ...] = ()

    @property
    def pays_by(self) -> "PaysBy":
        """How its customers pay."""
        return PaysBy(self.by_debit, self.place, self.coupon)


@dataclass(frozen=True, slots=True)
class PaysBy:
    """How a simulated customer pays: by card or, `by_debit`, from a bank account.

    It lives at a `place` such as `GB` or `US-NY`, which taxes a plan that is taxed, and has a
    `coupon` of the list; "": none.
    """

    by_debit: bool = False
    place: str = ""
    coupon: str = ""


@dataclass(frozen=True, slots=True)
class SimulationProgress:
    """How far it is: months lived, of all customers on all sides; 0 of them while servers start."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class LivedMonth:
    """One month of all customers on one side."""

    start: date
    charged_minor: int
    breakage_minor: int
    events: int
    refused: int


@dataclass(frozen=True, slots=True)
class LivedSide:
    """One side: `title` is list and plan; `refusals` is why events were refused, in words."""

    title: str
    name: str
    currency: str
    months: tuple[LivedMonth, ...]
    refusals: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column; numbers stand to the right."""

    name: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Figures as texts for people, a row for each month or sum."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class SimulationOutcome:
    """What came of it: one sentence, the months of each side, and the tables behind them."""

    verdict: str
    sides: tuple[LivedSide, ...]
    tables: tuple[FigureTable, ...]


def checked(order: SimulationOrder) -> SimulationOrder:
    """Return an order that is small enough to be run. Raises `invalid_simulation`."""
    for what, number, most in (
        ("months", order.months, MOST_MONTHS),
        ("customers", order.customers, MOST_CUSTOMERS),
        ("plans", len(order.sides), MOST_SIDES),
        ("seed", order.seed, MOST_SEED),
    ):
        if not 1 <= number <= most:
            raise InvalidInput("invalid_simulation", f"{what}: choose a number from 1 to {most:,}")
    if order.shape not in SHAPES:
        known = ", ".join(SHAPES)
        raise InvalidInput("invalid_simulation", f"{order.shape!a:.40} is no shape of: {known}")
    if order.volume_micro is not None and not 0 < order.volume_micro <= MOST_VOLUME_MICRO:
        raise InvalidInput("invalid_simulation", "volume: choose up to 1,000,000,000 a month")
    for change in order.changes:
        _check_day(order, change.on)
    for side in order.sides:
        if len(side.source) > MOST_SOURCE:
            message = f"a price list to try has at most {MOST_SOURCE:,} characters"
            raise InvalidInput("invalid_simulation", message)
    return order


def _check_day(order: SimulationOrder, on: date) -> None:
    """Refuse a day before or after what is lived. Raises `InvalidInput` (`invalid_simulation`)."""
    months = (on.year - order.begins.year) * 12 + on.month - order.begins.month
    if on <= order.begins or months >= order.months:
        message = f"change of plan: choose a day within the months after {order.begins}"
        raise InvalidInput("invalid_simulation", message)


def check_payer(pays_by: PaysBy, catalog: Catalog, plan: Plan) -> None:
    """Refuse customers who could not pay for a plan, or have a coupon that is none.

    Raises `InvalidInput` (`invalid_simulation`, `unknown_coupon`).
    """
    if pays_by.coupon:
        coupon_named(catalog.coupons, pays_by.coupon, plan.currency)
    title, place, why = f"{catalog.name}:{plan.plan_id}", pays_by.place, ""
    if pays_by.by_debit and PaymentKind.BANK_DEBIT not in plan.takes.any:
        why = f"{title} takes no bank debits"
    elif plan.tax is not None and not place:
        why = f"{title} is taxed by where customers are: say where, such as GB or US-NY"
    elif place and not PLACE.fullmatch(place):
        why = f"{place!a:.20} is no place: write a country, or US-NY"
    elif place in PARTED:
        why = f"{place} is taxed by its parts: write one, such as US-NY"
    if why:
        raise InvalidInput("invalid_simulation", why)


def volume_of(volume_micro: int, customer: int, customers: int) -> int:
    """Return what one of the customers uses a month: from half to half as much again, evenly.

    A price is good for some and bad for others, so customers are not alike.
    A single one is in the middle.

    >>> [volume_of(1_000_000, number, 3) for number in range(3)]
    [500000, 1000000, 1500000]
    >>> volume_of(1_000_000, 0, 1)
    1000000
    """
    if customers == 1:
        return volume_micro
    steps = customers - 1
    return volume_micro * (LOWEST_PERCENT * steps + RANGE_PERCENT * customer) // (100 * steps)
