"""Closing a month: a fact beside the books, which stay open. It is written once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from domain.errors import InvalidInput
from domain.payments.closing import AMOUNTS, Figures, Month, seal
from domain.payments.findings import ABOUT_MONEY
from ledger.payments import findings
from ledger.reports.liability import liability
from ledger.reports.movement import TICK, deferred_movement
from ledger.reports.scope import Scope
from models.tables import ClosedFigures, ClosedMonth

_AT_ONCE = "40001"  # what the database calls it when another closed the month meanwhile


@dataclass(frozen=True, slots=True)
class Closing:
    """A closed month: by whom, when, with which figures, and how the comparison stood.

    `compared`: whether the nightly comparison with the processor ran; None: nobody could say.
    `settled`: the month's findings about money that somebody had settled; `open_findings`: keys of
    those that nobody had, which a `reason` explains.
    """

    month: Month
    closed_by: str
    closed_at: datetime
    compared: bool | None
    settled: int
    open_findings: tuple[str, ...]
    reason: str | None
    figures: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish to close a month as it was seen (the `seal` of that), and why, if it is said."""

    month: Month
    by: str
    seen: str
    reason: str | None = None
    compared: bool | None = None


def figures_of(connection: Connection, month: Month) -> tuple[Figures, ...]:
    """Return a month's figures, as the reports `movement` and `liability` tell them."""
    owed: Counter[str] = Counter()
    for one in liability(connection, month.ends - TICK):
        owed[one.currency] += one.deferred_minor
    return tuple(
        Figures(
            currency=one.currency,
            opening=one.opening_minor,
            cash=one.cash_minor,
            imported=one.imported_minor,
            receivable=one.receivable_minor,
            revenue=one.revenue_minor,
            breakage=one.breakage_minor,
            refunds=one.refunds_minor,
            disputes=one.disputes_minor,
            closing=one.closing_minor,
            earned_not_posted=one.earned_not_posted_minor,
            broken_not_posted=one.broken_not_posted_minor,
            liability=owed[one.currency],
        )
        for one in deferred_movement(connection, Scope(month.begins, month.ends))
    )


def close(engine: Engine, asked: Asked, at: datetime) -> None:
    """Close a month with the figures it has now, all read in one snapshot.

    Raises `InvalidInput`: `month_running`, `month_closed`, `figures_changed` since they were seen,
    `books_differ`, `findings_open` if nobody says why.
    """
    if not asked.month.is_over(at):
        raise InvalidInput("month_running", f"{asked.month.first:%Y-%m} is not over yet, in UTC")
    with engine.connect() as connection:
        whole = connection.execution_options(isolation_level="REPEATABLE READ")
        try:
            with whole.begin():
                _close(whole, asked, at)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _AT_ONCE:
                raise
            raise _closed_already(asked.month) from error


def _close(connection: Connection, asked: Asked, at: datetime) -> None:
    month = asked.month
    if closed(connection, month.first, month.until):
        raise _closed_already(month)
    figures = figures_of(connection, month)
    found = findings.looked_at(connection, ABOUT_MONEY, month.begins, month.ends)
    still = sorted(one.finding.key for one in found if one.settled_at is None)
    if seal(figures, still) != asked.seen:
        raise InvalidInput("figures_changed", "something was booked or found meanwhile")
    if not all(one.adds_up and one.is_covered for one in figures):
        raise InvalidInput("books_differ", "the figures do not add up: see the page of health")
    if still and not asked.reason:
        raise InvalidInput("findings_open", f"{len(still)} findings about money are open")
    row = {
        "closed_by": asked.by,
        "closed_at": at,
        "compared": asked.compared,
        "settled": len(found) - len(still),
        "open_findings": still,
        "reason": asked.reason,
    }
    # A conflict is with a row that the snapshot does not see: the database says `_AT_ONCE`.
    kept = insert(ClosedMonth).values(month=month.first, **row).on_conflict_do_nothing()
    connection.execute(kept)
    if figures:
        rows = [{"month": month.first, **asdict(one)} for one in figures]
        connection.execute(insert(ClosedFigures), rows)


def closed(connection: Connection, first: date, until: date) -> Sequence[Closing]:
    """Return the months in [first, until) that are closed, the oldest first."""
    months: dict[date, Closing] = {}
    for row in connection.execute(_CLOSED, {"first": first, "until": until}):
        one = months.setdefault(row.month, _closing(row))
        if row.currency is not None:
            amounts = {name: int(getattr(row, name)) for name in AMOUNTS}
            kept = (*one.figures, Figures(currency=row.currency, **amounts))
            months[row.month] = replace(one, figures=kept)
    return list(months.values())


_CLOSED = (
    select(
        ClosedMonth.month,
        ClosedMonth.closed_by,
        ClosedMonth.closed_at,
        ClosedMonth.compared,
        ClosedMonth.settled,
        ClosedMonth.open_findings,
        ClosedMonth.reason,
        ClosedFigures.currency,
        *(getattr(ClosedFigures, name) for name in AMOUNTS),
    )
    .outerjoin(ClosedFigures, ClosedFigures.month == ClosedMonth.month)
    .where(ClosedMonth.month >= bindparam("first"), ClosedMonth.month < bindparam("until"))
    .order_by(ClosedMonth.month, ClosedFigures.currency)
)


def _closing(row: Any) -> Closing:
    return Closing(
        month=Month(row.month),
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        compared=row.compared,
        settled=row.settled,
        open_findings=tuple(row.open_findings),
        reason=row.reason,
        figures=(),
    )


def _closed_already(month: Month) -> InvalidInput:
    return InvalidInput("month_closed", f"{month.first:%Y-%m} is closed already")
