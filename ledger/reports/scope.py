"""A report's scope, and how its statements run: bounded, in one snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, IteratorResult, Row, text
from sqlalchemy.engine.result import SimpleResultMetaData

from domain.errors import InvalidInput

MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Scope:
    """The account, None for all, and the instants [start, end) in which lines were decided.

    Raises `InvalidInput` (`invalid_time`, `invalid_range`).
    """

    start: datetime
    end: datetime
    account_id: int | None = None

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InvalidInput("invalid_time", "a report's instants need an offset")
        if self.start >= self.end:
            raise InvalidInput("invalid_range", "a report begins before it ends: swap the dates")

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of report statements."""
        return {
            "start": self.start.astimezone(UTC),
            "end": self.end.astimezone(UTC),
            "account": self.account_id,
        }


def answer(
    connection: Connection, parts: Sequence[str], parameters: Mapping[str, object]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Run one statement given in parts, its shared WITH-queries first.

    Sums may exceed a BIGINT: statements leave them NUMERIC, and they become integers here.
    A report cut short would not reconcile: above `MOST_ROWS` it is refused (`report_too_large`).
    """
    statement = text("\n".join((*parts, "LIMIT :limit")))
    found = connection.execute(statement, {**parameters, "limit": MOST_ROWS + 1})
    names = SimpleResultMetaData(list(found.keys()))
    rows: Sequence[Row[*tuple[Any, ...]]] = IteratorResult(
        names, (tuple(map(_whole, row)) for row in found)
    ).all()
    if len(rows) > MOST_ROWS:
        raise InvalidInput(
            "report_too_large",
            f"it has more than {MOST_ROWS:,} rows: ask for fewer days or one customer",
        )
    return rows


def _whole(cell: object) -> object:
    return int(cell) if isinstance(cell, Decimal) and cell == int(cell) else cell


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a read-only connection that sees one instant, so that a report's parts agree."""
    with engine.connect() as connection:
        reader = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # A year of all accounts takes longer than an activity's statement may.
        reader.execute(text("SET LOCAL statement_timeout = '10min'"))
        yield reader
