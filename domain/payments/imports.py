"""Balances that customers bring along from another system: the file, read whole or not at all.

docs/imports.md says what its columns mean.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.credits import MICRO, parse_credits
from domain.errors import InvalidInput
from domain.messages import fields
from domain.money import MOST_CHARGE_MINOR, minor_exponent
from domain.payments.import_files import Cells, read_key, read_rows

COLUMNS = ("customer", "credits", "credit_type", "source", "cost", "currency", "expires_at", "key")
OPTIONAL = ("bought_at", "begins_at")
SOURCES = ("allowance", "pack", "manual_purchase", "bonus")  # a bonus costs nothing


@dataclass(frozen=True, slots=True)
class Brought:
    """Credits that a customer brings along: micro-credits, and their cost in minor units.

    `expires_at` None: never; `begins_at` None: at once. `bought_at` orders it among the customer's
    others.
    """

    line: int
    customer_id: str
    quantity_micro: int
    credit_type: str
    source: str
    cost_minor: int
    currency: str
    expires_at: datetime | None
    key: str
    bought_at: datetime | None = None
    begins_at: datetime | None = None


def read_balances(text: str) -> tuple[Brought, ...]:
    """Read a file of balances.

    Raises `InvalidImport` with all its faults: `missing_field`, `unknown_field`, `malformed`,
    `invalid_id`, `invalid_credits`, `unknown_credit_type`, `invalid_value`, `unknown_currency`,
    `invalid_amount`, `invalid_time`, `invalid_key`, `idempotency_conflict` for a key that stands
    twice.
    """
    return read_rows(text, COLUMNS, OPTIONAL, _read)


def _read(cell: Cells) -> Brought:
    customer = cell.read("customer", lambda text: fields.identifier(text, "invalid_id"))
    quantity = cell.read("credits", _credits)
    credit_type = cell.read("credit_type", _credit_type)
    source = cell.read("source", _source)
    currency = cell.read("currency", _currency)
    return Brought(
        line=cell.line,
        customer_id=customer or "",
        quantity_micro=quantity or 0,
        credit_type=credit_type or "",
        source=source or "",
        cost_minor=cell.read("cost", lambda text: _cost(text, currency, source, quantity)) or 0,
        currency=currency or "",
        expires_at=cell.read("expires_at", lambda text: _expiry(text, source)),
        key=cell.read("key", read_key) or "",
        bought_at=cell.maybe("bought_at", fields.parse_instant),
        begins_at=cell.maybe("begins_at", fields.parse_instant),
    )


def _credits(text: str) -> int:
    micro = parse_credits(text)
    if micro <= 0:
        raise InvalidInput("invalid_credits", "it must be above zero: leave out who has none")
    return micro


def _credit_type(text: str) -> str:
    return fields.identifier(text, "unknown_credit_type")


def _source(text: str) -> str:
    if text not in SOURCES:
        raise InvalidInput("invalid_value", f"{text!a:.60} is none of {', '.join(SOURCES)}")
    return text


def _currency(text: str) -> str:
    minor_exponent(text)
    return text


def _cost(text: str, currency: str | None, source: str | None, quantity: int | None) -> int:
    exponent = 0 if currency is None else minor_exponent(currency)
    whole, point, part = text.partition(".")
    plain = (whole + part).isascii() and whole.isdecimal() and (part.isdecimal() or not point)
    if not plain or len(whole) > len(str(MOST_CHARGE_MINOR)):
        raise InvalidInput("invalid_amount", f"{text!a:.60} is no amount: write it as 45.00, or 0")
    if currency is None:
        return 0  # in which it cannot be read: that is a fault already
    part = part.rstrip("0")
    if len(part) > exponent:
        words = f"{text:.60} {currency} has over {exponent} decimals"
        raise InvalidInput("invalid_amount", words)
    minor = int(whole + part.ljust(exponent, "0"))
    if minor > MOST_CHARGE_MINOR:
        raise InvalidInput("invalid_amount", f"{text} {currency} is too much for one row: split it")
    if minor and source == "bonus":
        raise InvalidInput("invalid_amount", "a bonus cost nothing: write 0, or name what it was")
    if quantity is not None and minor * MICRO > MOST_CHARGE_MINOR * quantity:
        # Grants are sorted by what a credit cost, in a number that has an end.
        raise InvalidInput("invalid_amount", f"no credit cost so much: {text} {currency} is of all")
    return minor


def _expiry(text: str, source: str | None) -> datetime | None:
    if not text and source == "allowance":
        raise InvalidInput("invalid_time", "an allowance ends with its window: write when that is")
    return fields.parse_instant(text) if text else None
