"""What a quantity of an action costs, exactly: many small debits sum to one large one."""

from dataclasses import dataclass
from enum import StrEnum

from domain.credits import MICRO, MOST
from domain.errors import InvalidInput
from domain.money import Ratio, half_up


class Rounding(StrEnum):
    """Exact to six decimals, or every started unit of an event in full."""

    EXACT = "exact"
    STARTED_UNIT = "started_unit"


@dataclass(frozen=True, slots=True)
class Rate:
    """Micro-credits per micro-quantity: "10 credits per 60 seconds"."""

    credits_micro: int
    per_micro: int
    rounding: Rounding = Rounding.EXACT

    def __post_init__(self) -> None:
        if self.credits_micro <= 0 or self.per_micro <= 0:
            raise InvalidInput("invalid_rate", "a rate needs credits and a quantity above zero")

    @property
    def ratio(self) -> Ratio:
        """Micro-credits per micro-quantity."""
        return Ratio(self.credits_micro, self.per_micro)


def cost(quantity_micro: int, rate: Rate, used_before_micro: int = 0) -> int:
    """Return the micro-credits of an event after `used_before_micro` of the same action.

    An exact rate rounds the running total half up and charges the difference, so that the debits
    of a window sum to the rounded total. Started units are counted per event: each is a job.
    Raises `InvalidInput` (`invalid_quantity`) for more than a wallet ever holds.
    """
    if rate.rounding is Rounding.STARTED_UNIT:
        micro = -(-quantity_micro // rate.per_micro) * rate.credits_micro
    else:
        total = _rounded(used_before_micro + quantity_micro, rate)
        micro = total - _rounded(used_before_micro, rate)
    if micro > MOST * MICRO:
        raise InvalidInput("invalid_quantity", f"it would cost more than {MOST} credits")
    return micro


def _rounded(quantity_micro: int, rate: Rate) -> int:
    return half_up(quantity_micro * rate.credits_micro, rate.per_micro)
