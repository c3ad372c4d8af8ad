"""How long credits last at the recent rate of use, and which pack would cover what is missing."""

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
    """Whole days that are surely covered (None: nothing is being used), burn of a day, a pack.

    `per_day_micro` is in micro-credits, rounded up. `suggested` is None where credits last long
    enough or no pack is sold.
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

    `burns` are micro-credits a day, the newest last, one for each day the customer has had; days
    without use are zeros. `packs` are those that the customer may buy, of this credit type.
    `cover_days` is how long credits should last: up to the next allowance, where that is nearer.
    Raises `InvalidInput` (`invalid_use`) for a negative burn.
    """
    if any(burn < 0 for burn in burns):
        raise InvalidInput("invalid_use", "a day burns nothing or more: net corrections out first")
    per_day = burn_rate(burns)
    if not per_day:
        return Forecast(None, 0, None)
    missing = per_day * cover_days - available_micro
    return Forecast(max(available_micro, 0) // per_day, ceil(per_day), _suggested(missing, packs))


def burn_rate(burns: Sequence[int]) -> Fraction:
    """Return micro-credits a day: the higher mean of the last week and of the last month.

    A warning too early does less harm than one too late: use that has just begun counts at once,
    and a quiet week does not hide a busy month.
    """
    means = [
        Fraction(sum(recent), len(recent))
        for days in (SHORT_DAYS, LONG_DAYS)
        if (recent := burns[-days:])
    ]
    return max(means, default=Fraction())


def _suggested(missing: Fraction, packs: Sequence[Pack]) -> Pack | None:
    """Return the cheapest pack that covers what is missing; the largest where none does."""
    if missing <= 0 or not packs:
        return None
    enough = [pack for pack in packs if pack.quantity_micro >= missing]
    if enough:
        return min(enough, key=lambda pack: (pack.price_minor, -pack.quantity_micro, pack.pack_id))
    return max(packs, key=lambda pack: (pack.quantity_micro, -pack.price_minor, pack.pack_id))
