"""Reports as texts: exact decimals in columns, ready for a terminal or a CSV file."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from domain.credits import MICRO, format_credits
from domain.money import half_up, minor_exponent

ABSENT = "-"
MOST_SHOWN = 1_000  # rows in a terminal; a file takes all
# Spreadsheets run what begins so; keys, tags and reasons are other people's words.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; numbers stand to the right, and what a terminal has no room for is in the CSV."""

    name: str
    is_number: bool = False
    csv_only: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report as rows of texts, one per column; notes say how it ties to the books."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns that a terminal has room for."""
        return tuple(column for column in self.columns if not column.csv_only)

    def shown_notes(self, most: int = MOST_SHOWN) -> tuple[str, ...]:
        """Return the notes, and what the first `most` rows leave out."""
        left = len(self.rows) - most
        return (*self.notes, *([f"{left} more rows: --csv FILE has all"] if left > 0 else []))

    def shown_rows(self, most: int = MOST_SHOWN) -> Iterator[tuple[str, ...]]:
        """Yield the first rows, only with the columns that are shown."""
        for row in self.rows[:most]:
            cells = zip(self.columns, row, strict=True)
            yield tuple(cell for column, cell in cells if not column.csv_only)


def csv_text(sheet: Sheet) -> str:
    """Return a sheet as CSV with a heading; texts that a spreadsheet would run are quoted."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.name for column in sheet.columns])
    for row in sheet.rows:
        writer.writerow(
            [
                f"'{cell}"
                if cell.startswith(FORMULAS) and cell != ABSENT and not column.is_number
                else cell
                for column, cell in zip(sheet.columns, row, strict=True)
            ]
        )
    return out.getvalue()


def money_text(amount_minor: int, currency: str) -> str:
    """Return minor units as a plain decimal: 1170 USD is "11.70"."""
    exponent = minor_exponent(currency)
    whole, part = divmod(abs(amount_minor), 10**exponent)
    decimals = f".{part:0{exponent}d}" if exponent else ""
    return f"{'-' if amount_minor < 0 else ''}{whole}{decimals}"


def fraction_text(value: Fraction | None) -> str:
    """Return a fraction rounded once, half up, to six decimals."""
    if value is None:
        return ABSENT
    return format_credits(half_up(value.numerator * MICRO, value.denominator))


def major_text(amount_minor: Fraction | None, currency: str) -> str:
    """Return exact minor units in the currency's own unit, rounded to six decimals."""
    if amount_minor is None:
        return ABSENT
    return fraction_text(amount_minor / 10 ** minor_exponent(currency))


def instant_text(at: datetime) -> str:
    """Return an instant in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat(" ").replace("+00:00", "Z")


def texts(*names: str) -> tuple[Column, ...]:
    """Return columns of words."""
    return tuple(Column(name) for name in names)


def numbers(*names: str) -> tuple[Column, ...]:
    """Return columns of numbers."""
    return tuple(Column(name, is_number=True) for name in names)
