"""How long credits last at the recent rate of use, and which pack would cover the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from domain.errors import InvalidInput
from domain.pricing.catalog import Pack

SHORT_DAYS = 7
LONG_DAYS = 30


@dataclass(frozen=True, slots=True)
class Forecast:
    """Whole days surely covered (None: nothing is being used), daily use, and a pack.

    `per_day_micro` is micro-credits, rounded up. `suggested` is None if credits last long enough or
    no pack is sold.
    """

    days_left: int | None
    per_day_micro: int
    suggested: Pack | None


def forecast(
    available_micro: int,
    burns: Sequence[int],
    packs: Sequence[Pack],
    cover_days: int = LONG_DAYS,
) -> Forecast:
    """Return how long what is available lasts.

    `burns` are micro-credits per day, newest last, one for each day the customer has existed, zeros
    included. `packs` are those of this credit type that the customer may buy.
    `cover_days` is how long credits should last: until the next allowance, if that is nearer.
    Raises `InvalidInput` (`invalid_use`) for a negative burn.
    """
    if any(burn < 0 for burn in burns):
        raise InvalidInput("invalid_use", "a day's use must be >= 0: net out corrections first")
    per_day = burn_rate(burns)
    if not per_day:
        return Forecast(None, 0, None)
    missing = per_day * cover_days - available_micro
    return Forecast(max(available_micro, 0) // per_day, ceil(per_day), _suggested(missing, packs))


def burn_rate(burns: Sequence[int]) -> Fraction:
    """Return micro-credits per day: the higher of last week's and last month's mean.

    Warning too early does less harm than too late: use that has just begun counts at once, and a
    quiet week does not hide a busy month.
    """
    means = [
        Fraction(sum(recent), len(recent))
        for days in (SHORT_DAYS, LONG_DAYS)
        if (recent := burns[-days:])
    ]
    return max(means, default=Fraction())


def _suggested(missing: Fraction, packs: Sequence[Pack]) -> Pack | None:
    """Return the cheapest pack that covers the shortfall; the largest if none does."""
    if missing <= 0 or not packs:
        return None
    enough = [pack for pack in packs if pack.quantity_micro >= missing]
    if enough:
        return min(enough, key=lambda pack: (pack.price_minor, -pack.quantity_micro, pack.pack_id))
    return max(packs, key=lambda pack: (pack.quantity_micro, -pack.price_minor, pack.pack_id))
