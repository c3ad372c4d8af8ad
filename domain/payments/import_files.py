"""Files of rows that a seller brings along: read whole or not at all, each fault by its place."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from domain.errors import BillingError, InvalidInput
from domain.messages import fields

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


class Keyed(Protocol):
    """A row: its line, whose it is, and the key under which it is imported once."""

    @property
    def line(self) -> int:
        """Its line in the file."""

    @property
    def customer_id(self) -> str:
        """Whose it is."""

    @property
    def key(self) -> str:
        """The customer's key for it."""


Row = TypeVar("Row", bound=Keyed)


class Cells:
    """The cells of one line; what cannot be read is noted as a fault and read as None."""

    def __init__(self, line: int, cells: Mapping[str, str], faults: list[Fault]) -> None:
        self.line = line
        self._cells, self._faults = cells, faults

    def read(self, column: str, parse: Callable[[str], Value]) -> Value | None:
        """Return a cell's value, or None after noting why there is none."""
        try:
            return parse(self._cells[column])
        except BillingError as error:
            self._faults.append(Fault(self.line, column, error.reason, str(error)))
            return None

    def maybe(self, column: str, parse: Callable[[str], Value]) -> Value | None:
        """Return the value of a cell that may be empty, or whose column may be missing."""
        return self.read(column, parse) if self._cells.get(column) else None


def read_rows(
    text: str, columns: Sequence[str], optional: Sequence[str], read: Callable[[Cells], Row]
) -> tuple[Row, ...]:
    """Return the rows of a CSV file with a heading; `read` makes one of a line's cells.

    Raises `InvalidImport` with every fault: `missing_field`, `unknown_field`, `malformed`,
    `idempotency_conflict` for a key that stands twice, and what `read` notes.
    """
    heading, lines = _table(text, columns, optional)
    faults: list[Fault] = []
    rows: list[Row] = []
    first: dict[tuple[str, str], int] = {}
    for number, cells in lines:
        if len(cells) != len(heading):
            words = f"{len(cells)} cells below {len(heading)} columns: quote texts that have commas"
            faults.append(Fault(number, "", "malformed", words))
            continue
        known = len(faults)
        row = read(Cells(number, dict(zip(heading, cells, strict=True)), faults))
        if len(faults) > known:
            continue
        rows.append(row)
        before = first.setdefault((row.customer_id, row.key), number)
        if before != number:
            words = f"{row.key!r} stands in line {before} already: each row has its own"
            faults.append(Fault(number, "key", "idempotency_conflict", words))
    if faults:
        raise InvalidImport(faults)
    return tuple(rows)


def read_key(text: str) -> str:
    """Return a row's key. Raises `InvalidInput` (`invalid_key`)."""
    return fields.identifier(text, "invalid_key")


def _table(
    text: str, columns: Sequence[str], optional: Sequence[str]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    table = list(_lines(text))
    if not table:
        raise InvalidImport([Fault(1, "", "missing_field", f"write {','.join(columns)} there")])
    (_, heading), *lines = table
    faults = list(_faults_of_heading(heading, columns, optional))
    if faults:
        raise InvalidImport(faults)
    if not 1 <= len(lines) <= MOST_ROWS:
        words = f"a file has 1 to {MOST_ROWS} rows: split it, each part is all or nothing"
        raise InvalidImport([Fault(1, "", "malformed", words)])
    return heading, lines


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


def _faults_of_heading(
    heading: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> Iterator[Fault]:
    for name in columns:
        if name not in heading:
            yield Fault(1, name, "missing_field", "add this column")
    for place, name in enumerate(heading):
        if name not in (*columns, *optional) or name in heading[:place]:
            words = f"{name!a:.60} is no column, or stands there twice: leave it out"
            yield Fault(1, "", "unknown_field", words)
