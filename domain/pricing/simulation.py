"""A simulation that one process asks for and another runs: order, progress and outcome.

Fields are names on the wire between the operators' console and the toolbox. Money is in minor
units, quantities are in millionths.
"""

from dataclasses import dataclass
from datetime import date

from domain.errors import InvalidInput

SHAPES = ("steady", "growing", "spiky", "seasonal")
MOST_MONTHS = 24
MOST_CUSTOMERS = 5
MOST_SOURCE = 64 * 1024  # characters of a price list
MOST_SEED = 1_000_000
MOST_VOLUME_MICRO = 10**9 * 10**6
MOST_OBJECTS_MICRO = 2_000 * 10**6  # where each is an event of its own, as it is paid for only once
MOST_SIDES = 2
LOWEST_PERCENT, RANGE_PERCENT = 50, 100  # of the volume: from half of it to half as much again


@dataclass(frozen=True, slots=True)
class Tried:
    """A plan of a price list, whose YAML text is `source`."""

    source: str
    plan_id: str


@dataclass(frozen=True, slots=True)
class SimulationOrder:
    """What is to be lived: the same customers on one plan, or on each of two.

    `volume_micro` is a month's use of the customer in the middle; None: what the first plan
    includes.
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
    for side in order.sides:
        if len(side.source) > MOST_SOURCE:
            message = f"a price list to try has at most {MOST_SOURCE:,} characters"
            raise InvalidInput("invalid_simulation", message)
    return order


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
