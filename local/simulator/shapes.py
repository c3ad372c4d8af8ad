"""Made-up usage of a month's volume: the same seed always makes the same usage."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.money import allocate
from local.demo.trace import requests
from local.simulator.usage import DAY, Usage, Use

DAYS = 28  # used in every month, so that every month has the shape's volume
EVENTS_A_DAY = 8
GROWTH_PERCENT = 5  # a month
YEAR = (80, 85, 95, 100, 105, 110, 70, 60, 105, 120, 135, 135)  # weights of the months
SPIKE, CALM = 600, 70
SPIKES_PERCENT = 6  # of the days
TRACE = "trace"


def _steady(_: int, __: int, random: Random) -> int:
    return random.randint(90, 110)


def _growing(month: int, __: int, random: Random) -> int:
    level = 1_000_000
    for _ in range(month):
        level += level * GROWTH_PERCENT // 100
    return level * random.randint(90, 110)


def _spiky(_: int, __: int, random: Random) -> int:
    return SPIKE if random.randrange(100) < SPIKES_PERCENT else CALM


def _seasonal(month: int, day: int, random: Random) -> int:
    weekend = 40 if day % 7 in (5, 6) else 100
    return YEAR[month % 12] * weekend * random.randint(90, 110)


SHAPES: dict[str, Callable[[int, int, Random], int]] = {
    "steady": _steady,
    "growing": _growing,
    "spiky": _spiky,
    "seasonal": _seasonal,
}


def shaped(
    shape: str, action: str, volume_micro: int, months: int, seed: int, once_per: str | None = None
) -> Usage:
    """Return usage of `volume_micro` of an action in the average month; `growing` starts there.

    `once_per` is the tag of what is paid for only once: every one is then another's.
    Raises `InvalidInput` (`invalid_usage`) for a shape that there is not.
    """
    if shape == TRACE:
        return _traced(action)
    if shape not in SHAPES:
        known = ", ".join([*SHAPES, TRACE])
        raise InvalidInput("invalid_usage", f"{shape!r:.40} is no file and no shape of: {known}")
    random = Random(f"{shape}:{seed}")  # noqa: S311 - usage, not a secret
    weights = [
        [SHAPES[shape](month, day, random) for day in range(DAYS)] for month in range(months)
    ]
    base = sum(weights[0]) * months if shape == "growing" else sum(map(sum, weights))
    total = volume_micro * months * sum(map(sum, weights)) // base
    flat = allocate(total // MICRO, [weight for month in weights for weight in month])
    uses = [
        Use(number // DAYS, number % DAYS * DAY + into, action, part)
        for number, amount in enumerate(flat)
        for into, part in _events(amount, random)
    ]
    if once_per is not None:
        uses = _singly(uses, once_per)
    return Usage(f"{shape} usage", months, tuple(uses))


def _events(whole: int, random: Random) -> list[tuple[timedelta, int]]:
    """Split a day's quantity into whole events of its working hours."""
    weights = [random.randint(50, 150) for _ in range(EVENTS_A_DAY)]
    parts = [part * MICRO for part in allocate(whole, weights)] if whole else []
    return [(timedelta(hours=9 + hour), part) for hour, part in enumerate(parts) if part]


def _singly(uses: list[Use], tag: str) -> list[Use]:
    each = [use for use in uses for _ in range(use.quantity_micro // MICRO)]
    return [
        replace(use, quantity_micro=MICRO, tags=((tag, f"{tag}-{number}"),))
        for number, use in enumerate(each, 1)
    ]


def _traced(action: str) -> Usage:
    """Spread the traced requests evenly over a month."""
    traced = requests()
    step = DAYS * DAY / len(traced)
    uses = [Use(0, number * step, action, one.tokens * MICRO) for number, one in enumerate(traced)]
    return Usage(f"{len(traced):,} traced LLM requests a month", 1, tuple(uses))
