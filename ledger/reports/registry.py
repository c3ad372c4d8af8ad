"""The reports by name, and how people ask for them."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from domain.errors import InvalidInput
from domain.periods import checked_zone
from ledger import accounts
from ledger.payments import closings, import_marks
from ledger.reports.charged import charged, discounts, taxes
from ledger.reports.debts import debts
from ledger.reports.layouts import people, registered, statement_lines
from ledger.reports.layouts.closings import closings_sheet
from ledger.reports.layouts.discounts import discounts_sheet
from ledger.reports.layouts.imports import imports_sheet
from ledger.reports.layouts.taxes import taxes_sheet
from ledger.reports.liability import liability
from ledger.reports.members import events, usage_by_member
from ledger.reports.movement import TICK, deferred_movement
from ledger.reports.outcomes import outcomes_by_tag
from ledger.reports.period import periods
from ledger.reports.prices import effective_prices
from ledger.reports.scope import Scope
from ledger.reports.statement import statement
from ledger.reports.tables import Sheet, instant_text
from ledger.reports.usage import usage_by_action, usage_by_day, usage_by_tag

YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What a person asks: `first` is the first day, `until` the first day not included.

    `action` and `where`, tags that must be there, choose single events.
    """

    name: str
    customer_id: str | None = None
    first: date | None = None
    until: date | None = None
    tag: str | None = None
    action: str | None = None
    where: tuple[tuple[str, str], ...] = ()

    @property
    def by(self) -> str:
        """The tag that a report by tag groups by."""
        return self.tag or ""


@dataclass(frozen=True, slots=True)
class Report:
    """How a report is made. Books are kept in UTC, a customer's days are its own."""

    make: Callable[[Connection, Scope, ReportRequest], Sheet]
    needs_tag: bool = False
    in_utc: bool = False


def _liability(connection: Connection, scope: Scope, _: ReportRequest) -> Sheet:
    at = scope.end - TICK
    return registered.liability_sheet(liability(connection, at, scope.account_id), at)


def _closed(connection: Connection, scope: Scope, _: ReportRequest) -> Sheet:
    """Return months that were closed, which is done for all customers together."""
    if scope.account_id is not None:
        return closings_sheet(())
    days = (one.astimezone(UTC).date() for one in (scope.start, scope.end))
    return closings_sheet(closings.closed(connection, *days))


def _imported(connection: Connection, scope: Scope, _: ReportRequest) -> Sheet:
    return imports_sheet(
        import_marks.imported(connection, scope.start, scope.end, scope.account_id)
    )


def _events(connection: Connection, scope: Scope, asked: ReportRequest) -> Sheet:
    found = events(connection, scope, asked.action, json.dumps(dict(asked.where)))
    return people.events_sheet(found)


REPORTS = {
    "usage": Report(lambda c, s, _: registered.usage_by_action_sheet(usage_by_action(c, s))),
    "usage-by-day": Report(lambda c, s, _: registered.usage_by_day_sheet(usage_by_day(c, s))),
    "usage-by-tag": Report(
        lambda c, s, asked: registered.usage_by_tag_sheet(usage_by_tag(c, s, asked.by), asked.by),
        needs_tag=True,
    ),
    "usage-by-member": Report(lambda c, s, _: people.members_sheet(usage_by_member(c, s))),
    "events": Report(_events),
    "period": Report(lambda c, s, _: people.periods_sheet(periods(c, s))),
    "outcomes": Report(
        lambda c, s, asked: registered.outcomes_sheet(outcomes_by_tag(c, s, asked.by), asked.by),
        needs_tag=True,
    ),
    "prices": Report(lambda c, s, _: registered.prices_sheet(effective_prices(c, s))),
    "liability": Report(_liability, in_utc=True),
    "movement": Report(
        lambda c, s, _: registered.movement_sheet(deferred_movement(c, s)), in_utc=True
    ),
    "charges": Report(lambda c, s, _: people.charges_sheet(charged(c, s)), in_utc=True),
    "discounts": Report(lambda c, s, _: discounts_sheet(discounts(c, s)), in_utc=True),
    "taxes": Report(lambda c, s, _: taxes_sheet(taxes(c, s)), in_utc=True),
    "closed-months": Report(_closed, in_utc=True),
    "imports": Report(_imported, in_utc=True),
    "debts": Report(lambda c, s, _: people.debts_sheet(debts(c, s))),
    "statement": Report(lambda c, s, _: statement_lines.statement_sheet(statement(c, s))),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name what `asked_in` reads, and the file that a report goes to."""
    parser.add_argument("name", choices=REPORTS)
    parser.add_argument("--customer", help="all customers if left out")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="its first day")
    parser.add_argument("--to", dest="until", type=date.fromisoformat, help="the day after it")
    parser.add_argument("--tag", help="such as campaign or member")
    parser.add_argument("--action", help="of events: only this one")
    parser.add_argument("--where", action="append", default=[], metavar="TAG=VALUE",
                        help="of events: only with this tag, such as member=ada")  # fmt: skip
    parser.add_argument("--csv", type=Path, help="write every row and column to this file")


def asked_in(wanted: Namespace) -> ReportRequest:
    """Return what the arguments of a command ask."""
    where = tuple(sorted(tag_and_value(text) for text in wanted.where))
    return ReportRequest(
        name=wanted.name,
        customer_id=wanted.customer,
        first=wanted.first,
        until=wanted.until,
        tag=wanted.tag,
        action=wanted.action,
        where=where,
    )


def tag_and_value(words: str) -> tuple[str, str]:
    """Return what `--where member=ada` asks for. Raises `InvalidInput` (`invalid_tags`)."""
    tag, sign, value = words.partition("=")
    if not (tag and sign and value):
        raise InvalidInput("invalid_tags", f"{words!r:.80} is no tag: write it as member=ada")
    return tag, value


def sheet(connection: Connection, asked: ReportRequest, now: datetime) -> Sheet:
    """Return a report by its name, of the year that ends now unless days are named.

    Raises `InvalidInput` (`unknown_report`, `missing_tag`, `unknown_customer`, `invalid_range`,
    `report_too_large`).
    """
    if asked.name not in REPORTS:
        raise InvalidInput("unknown_report", f"there are: {', '.join(REPORTS)}")
    report = REPORTS[asked.name]
    if report.needs_tag and not asked.tag:
        raise InvalidInput("missing_tag", f"{asked.name} needs a tag: name one, such as campaign")
    scope = _scope(connection, asked, report, now)
    found = report.make(connection, scope, asked)
    whose = asked.customer_id or "all customers"
    days = f"from {instant_text(scope.start)} to {instant_text(scope.end)}"
    return replace(found, title=f"{found.title}; {whose}, {days}")


def _scope(connection: Connection, asked: ReportRequest, report: Report, now: datetime) -> Scope:
    account, zone = None, "UTC"
    if asked.customer_id is not None:
        account = accounts.account_of(connection, asked.customer_id)
        if not report.in_utc:
            zone = accounts.details_of(connection, account).time_zone
    end = midnight(asked.until, zone) if asked.until else _newest(connection, account, now)
    start = midnight(asked.first, zone) if asked.first else end - YEAR
    return Scope(start, end, account)


def midnight(day: date, zone: str) -> datetime:
    """Return the instant at which a day begins in a time zone."""
    return datetime.combine(day, time(), checked_zone(zone)).astimezone(UTC)


def _newest(connection: Connection, account_id: int | None, now: datetime) -> datetime:
    """Return the end that includes everything: virtual time may be ahead of the clock."""
    newest = connection.scalar(
        text("""
            SELECT max(decided_at) FROM wallets
            WHERE decided_at > '-infinity'
              AND account_id = coalesce(CAST(:account AS bigint), account_id)
        """),
        {"account": account_id},
    )
    return max(now, newest or now) + TICK
