"""Balances that customers bring along from another system: the file, read whole or not at all.

docs/imports.md says what its columns mean.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from domain.credits import MICRO, parse_credits
from domain.errors import BillingError, InvalidInput
from domain.messages import fields
from domain.money import MOST_CHARGE_MINOR, minor_exponent

COLUMNS = ("customer", "credits", "credit_type", "source", "cost", "currency", "expires_at", "key")
OPTIONAL = ("bought_at",)
SOURCES = ("allowance", "pack", "manual_purchase", "bonus")  # a bonus costs nothing
MOST_ROWS = 5_000  # they are one transaction, which keeps their wallets locked

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell cannot be imported; line 1 is the heading. `column` "": the line as a whole."""

    line: int
    column: str
    reason: str
    words: str

    def __str__(self) -> str:
        """Return the fault as people read it, its place first."""
        place = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.reason}: {self.words}"


class InvalidImport(InvalidInput):
    """A file that cannot be imported, with every fault in it; nothing was changed."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("invalid_import", "\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Brought:
    """Credits that a customer brings along: micro-credits, and their cost in minor units.

    `expires_at` None: never. `bought_at` orders it among the customer's others.
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


def read_balances(text: str) -> tuple[Brought, ...]:
    """Read a file of balances.

    Raises `InvalidImport` with all its faults: `missing_field`, `unknown_field`, `malformed`,
    `invalid_id`, `invalid_credits`, `unknown_credit_type`, `invalid_value`, `unknown_currency`,
    `invalid_amount`, `invalid_time`, `invalid_key`, `idempotency_conflict` for a key that stands
    twice.
    """
    table = list(_lines(text))
    if not table:
        raise InvalidImport([Fault(1, "", "missing_field", f"write {','.join(COLUMNS)} there")])
    (_, heading), *lines = table
    faults = list(_faults_of_heading(heading))
    if faults:
        raise InvalidImport(faults)
    if not 1 <= len(lines) <= MOST_ROWS:
        words = f"a file has 1 to {MOST_ROWS} rows: split it, each part is all or nothing"
        raise InvalidImport([Fault(1, "", "malformed", words)])
    rows: list[Brought] = []
    first: dict[tuple[str, str], int] = {}
    for number, cells in lines:
        row = _read(number, heading, cells, faults)
        if row is None:
            continue
        rows.append(row)
        before = first.setdefault((row.customer_id, row.key), number)
        if before != number:
            words = f"{row.key!r} stands in line {before} already: each row has its own"
            faults.append(Fault(number, "key", "idempotency_conflict", words))
    if faults:
        raise InvalidImport(faults)
    return tuple(rows)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InvalidImport(
            [Fault(reader.line_num, "", "malformed", f"no CSV: {error}")]
        ) from error


def _faults_of_heading(heading: Sequence[str]) -> Iterator[Fault]:
    for name in COLUMNS:
        if name not in heading:
            yield Fault(1, name, "missing_field", "add this column")
    for place, name in enumerate(heading):
        if name not in COLUMNS + OPTIONAL or name in heading[:place]:
            words = f"{name!a:.60} is no column, or stands there twice: leave it out"
            yield Fault(1, "", "unknown_field", words)


class _Cells:
    """The cells of one line; what cannot be read is noted as a fault and read as None."""

    def __init__(self, line: int, cells: Mapping[str, str], faults: list[Fault]) -> None:
        self._line, self._cells, self._faults = line, cells, faults

    def read(self, column: str, parse: Callable[[str], Value]) -> Value | None:
        try:
            return parse(self._cells[column])
        except BillingError as error:
            self._faults.append(Fault(self._line, column, error.reason, str(error)))
            return None

    def maybe(self, column: str, parse: Callable[[str], Value]) -> Value | None:
        return self.read(column, parse) if self._cells.get(column) else None


def _read(
    line: int, heading: Sequence[str], cells: Sequence[str], faults: list[Fault]
) -> Brought | None:
    if len(cells) != len(heading):
        words = f"{len(cells)} cells below {len(heading)} columns: quote texts that have commas"
        faults.append(Fault(line, "", "malformed", words))
        return None
    known = len(faults)
    cell = _Cells(line, dict(zip(heading, cells, strict=True)), faults)
    customer = cell.read("customer", lambda text: fields.identifier(text, "invalid_id"))
    quantity = cell.read("credits", _credits)
    credit_type = cell.read("credit_type", _credit_type)
    source = cell.read("source", _source)
    currency = cell.read("currency", _currency)
    cost = cell.read("cost", lambda text: _cost(text, currency, source, quantity))
    expires_at = cell.read("expires_at", lambda text: _expiry(text, source))
    bought_at = cell.maybe("bought_at", fields.parse_instant)
    key = cell.read("key", _key)
    if len(faults) > known:
        return None
    return Brought(
        line=line,
        customer_id=customer or "",
        quantity_micro=quantity or 0,
        credit_type=credit_type or "",
        source=source or "",
        cost_minor=cost or 0,
        currency=currency or "",
        expires_at=expires_at,
        key=key or "",
        bought_at=bought_at,
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


def _key(text: str) -> str:
    return fields.identifier(text, "invalid_key")
