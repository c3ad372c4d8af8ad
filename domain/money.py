"""Money in integer minor units of an ISO currency, rounded once per charge line, half up."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from domain.errors import InvalidInput

_NO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD JOD KWD OMR TND"
# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts: eight digits, in some
# currencies more. Most cards take twelve; American Express and other payment methods do not.
MOST_CHARGE_MINOR = 99_999_999
_MOST_CHARGES = {"INR": 999_999_999}
_LEAST_CHARGES = (
    (50, "USD EUR AUD BRL CAD CHF INR NZD SGD ZAR JPY KRW ARS COP IDR ILS PHP RUB"),
    (30, "GBP"),
    (200, "AED MYR PLN RON"),
    (250, "DKK"),
    (300, "NOK SEK"),
    (400, "HKD"),
    (1000, "MXN THB"),
    (1500, "CZK"),
    (17500, "HUF"),
    # None is published for these: fifty cents of a dollar, and room for its rate to move.
    (200, "BHD KWD OMR"),
    (400, "JOD"),
    (2000, "TND"),
)
# Amounts end in zeros: https://docs.stripe.com/currencies#special-cases, and for three decimals
# https://docs.stripe.com/currencies#three-decimal. Whole krónur and shillings are sent times 100.
_STEPS = {**dict.fromkeys(_THREE_DECIMALS.split(), 10), "ISK": 100, "UGX": 100}
# The processor's tables, not CLDR's: for instance it expects ISK and UGX with two decimals.
_MINIMUM_MINOR = {code: least for least, codes in _LEAST_CHARGES for code in codes.split()}
_EXPONENTS = {
    **dict.fromkeys((*_MINIMUM_MINOR, "ISK", "UGX", "TWD"), 2),
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}  # other dollars keep their code


@dataclass(frozen=True, slots=True)
class Ratio:
    """An exact non-negative fraction in lowest terms, so that equal ratios are equal values."""

    num: int
    den: int

    def __post_init__(self) -> None:
        if self.num < 0 or self.den <= 0:
            raise InvalidInput("invalid_ratio", "a ratio needs num >= 0 and den > 0")
        shared = gcd(self.num, self.den)
        object.__setattr__(self, "num", self.num // shared)
        object.__setattr__(self, "den", self.den // shared)


def minor_exponent(currency: str) -> int:
    """Return how many decimals the processor gives a currency. Raises `unknown_currency`."""
    if currency in _EXPONENTS:
        return _EXPONENTS[currency]
    raise InvalidInput(
        "unknown_currency", f"{currency!r} is unknown to the processor; use an ISO code such as USD"
    )


def minimum_charge_minor(currency: str) -> int:
    """Return the smallest charge in minor units. Raises `unknown_currency` if none is published."""
    if currency in _MINIMUM_MINOR:
        return _MINIMUM_MINOR[currency]
    raise InvalidInput(
        "unknown_currency",
        f"the least charge in {currency!r} is not known, so no price could be checked: use another",
    )


def charge_step_minor(currency: str) -> int:
    """Return what amounts sent to the processor must be a multiple of, in minor units.

    10 for currencies with three decimals: KWD 5.124 cannot be charged, KWD 5.120 can.
    """
    return _STEPS.get(currency, 1)


def maximum_charge_minor(currency: str) -> int:
    """Return the largest single charge in minor units that every payment method takes."""
    return _MOST_CHARGES.get(currency, MOST_CHARGE_MINOR)


def half_up(numerator: int, denominator: int) -> int:
    """Return a fraction's nearest integer; halves round away from zero, so -x mirrors x."""
    if denominator <= 0:
        raise InvalidInput("invalid_ratio", "a fraction needs a denominator above zero")
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def to_charge(numerator: int, denominator: int, currency: str) -> int:
    """Return an exact amount of minor units as it can be charged: rounded once, half up.

    Rounding to a whole minor unit first would be rounding twice where the step is larger.
    """
    step = charge_step_minor(currency)
    return step * half_up(numerator, denominator * step)


def credits_price(quantity_micro: int, unit: Ratio, currency: str) -> int:
    """Return the price to charge in minor units; `unit` is minor units per micro-credit."""
    return to_charge(quantity_micro * unit.num, unit.den, currency)


def surcharged(quantity_micro: int, unit: Ratio, percent: Ratio, currency: str) -> tuple[int, int]:
    """Return (base, surcharge) in minor units; `percent` is 30/1 for 30 %.

    The total is rounded once and the surcharge is the remainder, so the two always sum to it.
    """
    base = credits_price(quantity_micro, unit, currency)
    whole = quantity_micro * unit.num * (100 * percent.den + percent.num)
    return base, to_charge(whole, unit.den * 100 * percent.den, currency) - base


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split `total` by weight into integers that sum to it exactly (largest remainder).

    Among equal remainders the earlier weight gets the odd unit.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise InvalidInput("invalid_weights", "weights must be >= 0 and not all 0")
    sign = -1 if total < 0 else 1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    left = abs(total) - sum(share for share, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda index: (-shares[index][1], index))
    lucky = frozenset(by_remainder[:left])
    return tuple(sign * (share + (index in lucky)) for index, (share, _) in enumerate(shares))


def recognised(cost_minor: int, used: int, granted: int) -> int:
    """Return the part of a grant's cost earned by its cumulative use, in minor units.

    It is a function of the total use and is posted as differences, so the postings always sum to
    the cost, whatever the steps.
    """
    if not 0 <= used <= granted or granted == 0:
        raise InvalidInput("invalid_use", "use must be between 0 and the whole grant")
    return half_up(cost_minor * used, granted)


def format_money(amount_minor: int, currency: str) -> str:
    """Return an amount of minor units for operators: 1170 USD is "$11.70"."""
    exponent = minor_exponent(currency)
    whole, part = divmod(abs(amount_minor), 10**exponent)
    sign = "-" if amount_minor < 0 else ""
    unit = _SIGNS.get(currency, f"{currency} ")
    decimals = f".{part:0{exponent}d}" if exponent else ""
    return f"{sign}{unit}{whole:,}{decimals}"
