"""What was imported: whose, under which key, what it said, when, and by whom. Written once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.errors import IdempotencyConflict
from models.tables import Customer, ImportRow


class Kind(StrEnum):
    """What a row of a file brought."""

    BALANCE = "balance"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Mark:
    """One imported row, of the locked wallet of `account_id`."""

    account_id: int
    kind: Kind
    key: str
    content: Mapping[str, Any]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """A row that was imported; in `content` amounts are micro-credits and minor units."""

    customer_id: str
    kind: Kind
    key: str
    content: Mapping[str, Any]
    by: str
    at: datetime


def is_kept(connection: Connection, mark: Mark) -> bool:
    """Return whether a row was imported under its key; who did and when may differ.

    Raises `IdempotencyConflict` if it was and said something else.
    """
    row = ImportRow
    content = connection.scalar(
        select(row.content).where(
            row.account_id == mark.account_id, row.kind == mark.kind, row.key == mark.key
        )
    )
    if content is not None and content != dict(mark.content):
        raise IdempotencyConflict(mark.key)
    return content is not None


def keep(connection: Connection, mark: Mark) -> None:
    """Keep who imported a row and when; a repeat changes nothing."""
    values = {
        "account_id": mark.account_id,
        "kind": mark.kind,
        "key": mark.key,
        "content": dict(mark.content),
        "made_by": mark.by,
        "at": mark.at,
    }
    connection.execute(insert(ImportRow).values(values).on_conflict_do_nothing())


def imported(
    connection: Connection, start: datetime, end: datetime, account_id: int | None
) -> tuple[ImportedRow, ...]:
    """Return the rows imported in [start, end), of one wallet or all, the oldest first."""
    row = ImportRow
    statement = (
        select(Customer.customer_id, row.kind, row.key, row.content, row.made_by, row.at)
        .join(Customer, Customer.account_id == row.account_id)
        .where(row.at >= start, row.at < end)
        .order_by(row.at, Customer.customer_id.collate("C"), row.kind.desc(), row.key.collate("C"))
    )
    if account_id is not None:
        statement = statement.where(row.account_id == account_id)
    return tuple(
        ImportedRow(customer, Kind(kind), key=key, content=content, by=by, at=at)
        for customer, kind, key, content, by, at in connection.execute(statement)
    )
