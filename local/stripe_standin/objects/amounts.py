"""What amounts each currency takes: decimals, the least and the largest charge, last digits.

https://docs.stripe.com/currencies: zero-decimal and three-decimal currencies, special cases,
minimum and maximum charge amounts. For three decimals the last digit must be 0 ("5.124 KWD must be
rounded to 5120 or 5130"); whole krónur and shillings are sent with two zeros.
"""

from local.stripe_standin.objects.refusals import invalid

ZERO_DECIMAL = frozenset({"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf"})
ZERO_DECIMAL |= {"vnd", "vuv", "xaf", "xof", "xpf"}
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_OF_TWO = frozenset({"isk", "ugx"})

MINIMUMS = dict.fromkeys(("usd", "eur", "aud", "brl", "cad", "chf", "inr", "nzd", "sgd", "zar"), 50)
MINIMUMS |= {"gbp": 30, "aed": 200, "myr": 200, "pln": 200, "ron": 200, "dkk": 250, "nok": 300}
MINIMUMS |= {"sek": 300, "hkd": 400, "mxn": 1000, "thb": 1000, "czk": 1500, "huf": 17500}
MINIMUMS |= {"jpy": 50, "krw": 50}
# "$0.50 US or equivalent in charge currency", at a rate of some day.
MINIMUMS |= {"bhd": 190, "omr": 200, "kwd": 160, "jod": 360, "tnd": 1550}
USUAL_MINIMUM = 50
USUAL_MAXIMUM, MAXIMUMS = 99_999_999, {"inr": 999_999_999}


def step_of(currency: str) -> int:
    """Return what an amount must be a multiple of, in minor units."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_OF_TWO else 1


def check_amount(amount: int, currency: str) -> None:
    """Refuse an amount that has more digits than the currency's payments can carry."""
    step = step_of(currency)
    if amount % step:
        message = f"Invalid amount {amount}: amounts in {currency} must be divisible by {step}."
        raise invalid(message, param="amount")


def is_too_small(amount: int, currency: str) -> bool:
    """Return whether an amount is below the currency's minimum charge."""
    return amount < MINIMUMS.get(currency, USUAL_MINIMUM)


def is_too_large(amount: int, currency: str) -> bool:
    """Return whether an amount is above the currency's maximum charge."""
    return amount > MAXIMUMS.get(currency, USUAL_MAXIMUM)


def money(amount: int, currency: str) -> str:
    """Write an amount in minor units for people, without a locale."""
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    whole, part = divmod(abs(amount), 10**decimals)
    shown = f"{whole:,}.{part:0{decimals}}" if decimals else f"{whole:,}"
    return f"{'-' if amount < 0 else ''}{currency.upper()} {shown}"
