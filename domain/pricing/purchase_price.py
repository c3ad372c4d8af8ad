"""What purchased credits cost, and what comes with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.credits import MICRO
from domain.money import Ratio, half_up
from domain.pricing.catalog import ManualPurchase, Pack
from domain.pricing.policies import Companion, VolumeTier

MOST_PACKS = 1_000  # of one kind in one purchase
_NOTHING_OFF = Ratio(0, 1)


@dataclass(frozen=True, slots=True)
class Price:
    """What a purchase costs in minor units, and the volume discount in percent."""

    amount_minor: int
    percent_off: Ratio


def manual_price(manual: ManualPurchase, quantity_micro: int) -> Price:
    """Return the price of credits bought by hand, rounded once, half up."""
    off = percent_off(manual.volume, quantity_micro)
    unit = manual.unit_price
    return Price(_less(quantity_micro * unit.num, unit.den, off), off)


def pack_price(pack: Pack, count: int) -> Price:
    """Return the price of `count` packs bought at once, rounded once, half up."""
    off = percent_off(pack.volume, count * pack.quantity_micro)
    return Price(_less(count * pack.price_minor, 1, off), off)


def percent_off(tiers: Sequence[VolumeTier], quantity_micro: int) -> Ratio:
    """Return the percentage that the highest tier reached takes off the whole purchase."""
    reached = [tier.percent_off for tier in tiers if tier.from_micro <= quantity_micro]
    return reached[-1] if reached else _NOTHING_OFF


def companion_micro(companion: Companion, quantity_micro: int) -> int:
    """Return the free micro-credits that come with purchased ones, rounded half up."""
    return half_up(quantity_micro * companion.per_credit_micro, MICRO)


def _less(numerator: int, denominator: int, off: Ratio) -> int:
    hundred = 100 * off.den
    return half_up(numerator * (hundred - off.num), denominator * hundred)
