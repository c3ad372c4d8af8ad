"""Commands that read the books, and the one that closes a month of them."""

import asyncio
import json
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from temporalio.service import RPCError

from activities.usage.meter import meter
from api.pages.operator.running import temporal
from catalogs.reader import load_catalogs
from commands.terminal import (
    DONE,
    Add,
    console,
    database,
    print_json,
    print_sheet,
    settings,
    show_sheet,
)
from domain.credits import format_credits
from domain.errors import InvalidInput
from domain.money import format_money
from domain.payments.closing import Figures, Month, changes, seal
from domain.payments.findings import ABOUT_MONEY
from ledger import accounts, balances, subscriptions
from ledger.accounts import PauseLine
from ledger.balances import HistoryLine
from ledger.notifications import notices
from ledger.payments import closings, findings
from ledger.reads import requests
from ledger.reports.layouts.closings import closings_sheet
from ledger.reports.layouts.registered import history_sheet
from ledger.reports.members import limits_of
from ledger.reports.registry import (
    ReportRequest,
    add_arguments,
    asked_in,
    midnight,
    sheet,
    tag_and_value,
)
from ledger.reports.scope import MOST_ROWS, snapshot
from worker import connected

LONGEST = 200  # characters of what is kept with a closed month
TAGS = ("member", "campaign")  # used so often that they have their own options


def history(arguments: Namespace) -> int:
    """Print a customer's ledger, or one member's part of it, each line with its cause."""
    tags = [tag_and_value(one) for one in arguments.where]
    tags += [(name, value) for name in TAGS if (value := getattr(arguments, name))]
    with database() as engine, engine.connect() as connection:
        account = accounts.account_of(connection, arguments.customer)
        zone = accounts.details_of(connection, account).time_zone
        first, until = (day and midnight(day, zone) for day in (arguments.first, arguments.until))
        lines = balances.history(
            connection, account, after_seq=arguments.after,
            limit=MOST_ROWS if arguments.csv else arguments.limit,
            chosen=balances.Chosen(arguments.action, tuple(sorted(tags)), first, until),
        )  # fmt: skip
        record = subscriptions.record_of_account(connection, account)
        limits = limits_of(connection, account, arguments.member) if arguments.member else ()
        pauses = () if arguments.action or tags else _pauses(connection, account, arguments, lines)
    status = record.status if record else None
    found = history_sheet(
        customer_id=arguments.customer, status=status, lines=lines, limits=limits, pauses=pauses
    )
    return show_sheet(found, arguments.csv)


def request(arguments: Namespace) -> int:
    """Print what requests of an id (`X-Request-Id`) did: acts, charges, lines of the journal."""
    with database() as engine, engine.connect() as connection:
        did = requests.did(connection, arguments.id)
    if not (did.acts or did.charges or did.lines):
        raise InvalidInput(
            "unknown_request",
            "nothing is noted: it changed nothing, or was usage without an id of its own;"
            " what was refused is in the API's log, below this id",
        )
    return print_json(
        {
            "acts": [_act(one) for one in did.acts],
            "charges": [asdict(one) for one in did.charges],
            "lines": [
                {
                    "customer": one.customer_id,
                    "seq": one.seq,
                    "at": one.at.isoformat(),
                    "kind": one.kind,
                    "change": f"{format_credits(one.change_micro)} {one.credit_type}",
                    "key": one.key,
                }
                for one in did.lines
            ],
        }
    )


def _act(one: requests.Act) -> dict[str, Any]:
    answer = json.loads(one.answer) if one.answer else {}
    told = {name: answer[name] for name in ("status", "reason") if name in answer}
    return asdict(one) | {"answer": told}


def _pauses(
    connection: Connection, account: int, arguments: Namespace, lines: Sequence[HistoryLine]
) -> tuple[PauseLine, ...]:
    """Return the pauses within the time of the lines."""
    found = accounts.pauses(connection, account)
    if arguments.after or arguments.first:
        found = tuple(one for one in found if lines and one.at >= lines[0].at)
    if len(lines) == arguments.limit or arguments.until:
        found = tuple(one for one in found if lines and one.at <= lines[-1].at)
    return found


def notices_of(arguments: Namespace) -> int:
    """Print a customer's in-product notices, the newest first; mark notices as read."""
    with database() as engine, engine.begin() as connection:
        account = accounts.account_of(connection, arguments.customer)
        notices.mark_read(connection, account, arguments.read, datetime.now(UTC))
        found = notices.newest(connection, account, unread_only=arguments.unread)
    return print_json(
        [
            {
                "notice_id": one.notice_id,
                "kind": one.kind,
                "at": one.at.isoformat(),
                "read_at": one.read_at and one.read_at.isoformat(),
                **one.payload,
            }
            for one in found
        ]
    )


def meter_of(arguments: Namespace) -> int:
    """Print a customer's balance, its use, how long it lasts and when more comes."""
    with database() as engine, engine.connect() as connection:
        account = accounts.account_of(connection, arguments.customer)
        record = subscriptions.record_of_account(connection, account)
        known = {one.name: one for one in load_catalogs(settings().drawdown_catalogs)}
        catalog = known.get(record.plan["catalog"]) if record else None
        told = meter(
            connection,
            account_id=account,
            at=datetime.now(UTC),
            catalog=catalog,
            member=arguments.member or "",
        )
    return print_json(told)


def report(arguments: Namespace) -> int:
    """Print a report or write it as CSV; docs/reports.md says what each column means."""
    with database() as engine, snapshot(engine) as connection:
        found = sheet(connection, asked_in(arguments), datetime.now(UTC))
    return show_sheet(found, arguments.csv)


def close_month(arguments: Namespace) -> int:
    """Show a month as finance closes it; with --seen, close it as it was shown, for good."""
    month, at = arguments.month, datetime.now(UTC)
    with database() as engine:
        if arguments.seen is not None:
            asked = closings.Asked(
                month=month,
                by=_said("--by", arguments.by),
                seen=arguments.seen,
                reason=None if arguments.reason is None else _said("--reason", arguments.reason),
                compared=asyncio.run(_compares()),
            )
            closings.close(engine, asked, at)
        _show_month(engine, month, at)
    return DONE


def _show_month(engine: Engine, month: Month, at: datetime) -> None:
    with snapshot(engine) as connection:
        found = findings.looked_at(connection, ABOUT_MONEY, month.begins, month.ends)
        figures = closings.figures_of(connection, month)
        closed = closings.closed(connection, month.first, month.until)
        movement = ReportRequest("movement", first=month.first, until=month.until)
        moved = sheet(connection, movement, at)
    if closed:
        print_sheet(closings_sheet(closed))
        (closing,) = closed
        told = f"closed by {closing.closed_by}, {closing.closed_at.isoformat()}"
        console.print(told, markup=False, soft_wrap=True)
        _tell_changes(closing.figures, figures)
        return
    print_sheet(moved)
    still = [one.finding.key for one in found if one.settled_at is None]
    for key in still:
        console.print(f"open finding about money: {key}", markup=False)
    differing = [one.currency for one in figures if not (one.adds_up and one.is_covered)]
    for currency in differing:
        console.print(f"{currency}: the books differ, and the month cannot be closed")
    if differing:
        return
    if not month.is_over(at):
        console.print("it is not over yet, in UTC")
        return
    why = " --reason TEXT" if still else ""
    seen = seal(figures, still)
    console.print(
        f"close it as it is above, for good: --by NAME{why} --seen {seen}", soft_wrap=True
    )


def _tell_changes(then: Sequence[Figures], now: Sequence[Figures]) -> None:
    for one in changes(then, now):
        amounts = [format_money(amount, one.currency) for amount in (one.closed, one.now)]
        figure = one.figure.replace("_", " ")
        console.print(f"since then: {figure} was {amounts[0]}, is {amounts[1]}", markup=False)


async def _compares() -> bool | None:
    """Return whether the nightly comparison runs; None: Temporal does not say."""
    try:
        client = await connected(settings())
    except (RPCError, RuntimeError):
        return None
    return await temporal.compares(client)


def _said(name: str, written: str | None) -> str:
    """Return what is kept with the month. Raises `InvalidInput`: it is missing, or too long."""
    said = (written or "").strip()
    if not said:
        raise InvalidInput("missing_field", f"give {name}: it is kept with the month")
    if len(said) > LONGEST:
        raise InvalidInput("malformed", f"{name} has at most {LONGEST} characters")
    return said


def _month(written: str) -> Month:
    try:
        return Month.read(written)
    except ValueError as error:
        raise ArgumentTypeError("a month is written as 2027-01") from error


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    one = add("history", history)
    one.add_argument("customer")
    one.add_argument("--after", type=int, default=0)
    one.add_argument("--limit", type=int, default=200, help="lines to print; a CSV has all")
    one.add_argument("--from", dest="first", type=date.fromisoformat, help="its first day")
    one.add_argument("--to", dest="until", type=date.fromisoformat, help="the day after it")
    one.add_argument("--action")
    one.add_argument("--member", help="only this member's lines, and what is left of the limit")
    one.add_argument("--campaign")
    one.add_argument("--where", action="append", default=[], metavar="TAG=VALUE",
                     help="only with this tag")  # fmt: skip
    one.add_argument("--csv", type=Path, help="write every line to this file")
    add("request", request).add_argument("id", help="as the sender gave it, or the answer had it")
    add_arguments(add("report", report))
    one = add("close-month", close_month)
    one.add_argument("month", type=_month, help="such as 2027-01")
    one.add_argument("--by", help="who closes it")
    one.add_argument("--reason", help="why findings about money are still open")
    one.add_argument("--seen", metavar="SEAL", help="what the month said of itself when shown")
    one = add("meter", meter_of)
    one.add_argument("customer")
    one.add_argument("--member", help="also show what this member may use")
    one = add("notices", notices_of)
    one.add_argument("customer")
    one.add_argument("--unread", action="store_true", help="only unread ones")
    one.add_argument("--read", nargs="*", default=[], metavar="NOTICE", help="mark these as read")
