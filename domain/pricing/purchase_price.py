"""What purchased credits cost, and what comes with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.credits import MICRO
from domain.money import Ratio, half_up, surcharged, to_charge
from domain.pricing.catalog import AutoPurchase, ManualPurchase, Pack
from domain.pricing.policies import Companion, VolumeTier

MOST_PACKS = 1_000  # of one kind in one purchase
_NOTHING_OFF = Ratio(0, 1)


@dataclass(frozen=True, slots=True)
class Price:
    """What a purchase costs in minor units, and the volume discount in percent."""

    amount_minor: int
    percent_off: Ratio


def manual_price(manual: ManualPurchase, quantity_micro: int, currency: str) -> Price:
    """Return the price of credits bought by hand, rounded once, half up."""
    off = percent_off(manual.volume, quantity_micro)
    unit = manual.unit_price
    hundred, left = _left_of(off)
    whole = quantity_micro * unit.num * left
    return Price(to_charge(whole, unit.den * hundred, currency), off)


def auto_price(auto: AutoPurchase, quantity_micro: int, currency: str) -> tuple[int, int]:
    """Return (base, surcharge) of an auto-purchase in minor units."""
    return surcharged(quantity_micro, auto.unit_price, auto.surcharge_percent, currency)


def pack_price(pack: Pack, count: int, currency: str) -> Price:
    """Return the price of `count` packs bought at once, rounded once, half up."""
    off = percent_off(pack.volume, count * pack.quantity_micro)
    hundred, left = _left_of(off)
    return Price(to_charge(count * pack.price_minor * left, hundred, currency), off)


def percent_off(tiers: Sequence[VolumeTier], quantity_micro: int) -> Ratio:
    """Return the percentage that the highest tier reached takes off the whole purchase."""
    reached = [tier.percent_off for tier in tiers if tier.from_micro <= quantity_micro]
    return reached[-1] if reached else _NOTHING_OFF


def companion_micro(companion: Companion, quantity_micro: int) -> int:
    """Return the free micro-credits that come with purchased ones, rounded half up."""
    return half_up(quantity_micro * companion.per_credit_micro, MICRO)


def _left_of(off: Ratio) -> tuple[int, int]:
    """Return a hundred per cent and what a discount leaves of them, in the same parts."""
    hundred = 100 * off.den
    return hundred, hundred - off.num
