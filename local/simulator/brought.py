"""What a simulated customer brings from another system: read as an import is, and imported."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from activities.purchases.imports import carry_out
from domain.errors import InvalidInput
from domain.payments.import_files import Fault, InvalidImport
from domain.payments.imports import Brought, read_balances
from local.simulator.calendar import midnight
from local.simulator.sides import Side
from local.timeline import Timeline

BY = "the simulator"


def read_brought(path: Path, side: Side, begins: date) -> tuple[Brought, ...]:
    """Return the rows of a file of balances (docs/imports.md), all of one customer.

    Raises `InvalidImport` with all faults for a simulation that begins on that day, `InvalidInput`
    (`malformed`) if it cannot be read.
    """
    try:
        rows = read_balances(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("malformed", f"{path}: {error}: name a file of CSV") from error
    faults = [fault for row in rows for fault in _faults(row, rows[0], side, begins)]
    if faults:
        raise InvalidImport(faults)
    return rows


def _faults(row: Brought, first: Brought, side: Side, begins: date) -> Iterator[Fault]:
    if row.customer_id != first.customer_id:
        words = f"one customer is simulated: leave only the rows of {first.customer_id}, or others"
        yield Fault(row.line, "customer", "unknown_customer", words)
    types = [one.credit_type for one in side.catalog.credit_types]
    if row.credit_type not in types:
        words = f"{row.credit_type!r:.60} is none of {side.catalog.name}: {', '.join(types)}"
        yield Fault(row.line, "credit_type", "unknown_credit_type", words)
    if row.currency != side.plan.currency:
        words = f"this customer pays in {side.plan.currency}: convert the cost"
        yield Fault(row.line, "currency", "unknown_currency", words)
    if row.expires_at is not None and row.expires_at <= midnight(begins):
        words = f"over before {begins}, when the simulation begins: leave it out, or use --from"
        yield Fault(row.line, "expires_at", "invalid_time", words)


async def bring(engine: Engine, side: Side, life: Timeline, customer_id: str) -> None:
    """Import what a side brings, and tell its subscription."""
    at = await life.now()
    rows = [replace(row, customer_id=customer_id) for row in side.brings]

    def imported() -> None:
        with engine.begin() as connection:
            carry_out(connection, {side.catalog.name: side.catalog}, rows, at, by=BY)

    await asyncio.to_thread(imported)
    await life.signal("balance_changed", {})
    await life.settle()
