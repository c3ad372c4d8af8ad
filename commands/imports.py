"""Imports of subscriptions and balances from another system: previewed, then carried out whole."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from temporalio.service import RPCError, RPCStatusCode

from activities.periods.imports import Come
from activities.periods.imports import carry_out as carry_out_subscriptions
from activities.purchases.imports import Imported, Sums, carry_out, sums
from catalogs.reader import load_catalogs
from commands.maintenance import start_again
from commands.terminal import DONE, REFUSED, UNDER_WAY, Add, console, database, settings, show_sheet
from domain.credits import format_credits
from domain.errors import InvalidInput
from domain.messages.fields import is_text
from domain.payments.import_subscriptions import Brings, read_subscriptions
from domain.payments.imports import read_balances
from domain.subscription import Start
from ledger.payments.imports import Standing
from ledger.reports.tables import Column, Sheet, instant_text, money_text, numbers, texts
from worker import connected
from workflows import names

TOLD_AT_ONCE = 50  # subscriptions
NONE = (0, 0, 0)  # rows, micro-credits, minor units
NOT_TOLD = (
    "The credits are there and can be used. Not every subscription knows its new balance: "
    "send the same file again, with --confirm, to tell them."
)

NOT_STARTED = (
    "The subscriptions are there and serve. Not every one has its workflow: "
    "send the same file again, with --confirm, to start those that are missing."
)


def bring(arguments: Namespace) -> int:
    """Import balances from a CSV file (docs/imports.md); without --confirm nothing is changed."""
    by = author(arguments)
    rows = read_balances(_text(arguments.file))
    catalogs = {one.name: one for one in load_catalogs(settings().drawdown_catalogs)}
    with database() as engine, engine.connect() as connection:
        imported = carry_out(connection, catalogs, rows, datetime.now(UTC), by=by)
        done = arguments.confirm and imported.ties()
        if done:
            connection.commit()
        else:  # a preview is the import itself, undone: its numbers are those of the real one
            connection.rollback()
    show_sheet(proof_sheet(imported), arguments.csv)
    if not imported.ties():
        console.print("The ledger has other sums than the file: nothing was imported. Report it.")
        return REFUSED
    if not done:
        console.print(_previewed(imported), soft_wrap=True)
        return DONE
    console.print(f"Imported: {_counted(imported)}.", soft_wrap=True)
    try:
        asyncio.run(_tell(imported.subscriptions))
    except (RPCError, RuntimeError) as error:  # RuntimeError: no connection at all
        sys.stderr.write(f"temporal: {error}\n{NOT_TOLD}\n")
        return UNDER_WAY
    return DONE


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("malformed", f"{file}: {error}: name a file of CSV") from error


def author(arguments: Namespace) -> str:
    """Return who imports, which is kept. Raises `InvalidInput` (`missing_field`)."""
    by = str(arguments.by or "").strip()
    if arguments.confirm and not is_text(by):
        raise InvalidInput("missing_field", "say who imports it: --by NAME")
    return by or "preview"


def _previewed(imported: Imported) -> str:
    if not imported.new:
        return "Everything in this file is imported already: the ledger has what it says."
    return f"Preview, nothing was changed: {_counted(imported)}. --confirm imports it."


def _counted(imported: Imported) -> str:
    customers = len({row.customer_id for row in imported.rows})
    new, known = len(imported.new), len(imported.repeated)
    return f"{new} new rows, {known} imported before, of {customers} customers"


def proof_sheet(imported: Imported) -> Sheet:
    """Lay out the file's sums beside the ledger's; what has become of them is in the CSV."""
    new, said = sums(imported.new), sums(imported.rows)
    rows = [_proof(one, new, said) for one in imported.standing]
    fates = ("deferred", "earned", "expired", "refunded")
    columns = (
        *texts("source", "credit type", "currency"),
        *numbers("rows", "new", "credits, file", "ledger", "cost, file", "grants", "opening"),
        *(Column(name, is_number=True, csv_only=True) for name in (*fates, "credits left")),
    )
    word = "equal" if imported.ties() else "DIFFERENT"
    title = f"what the file says, and what journal, grants and opening book have: {word}"
    return Sheet(title, columns, tuple(rows))


def _proof(one: Standing, new: Sums, said: Sums) -> tuple[str, ...]:
    kind = (one.source, one.credit_type, one.currency)
    count, micro, minor = said.get(kind, NONE)
    became = (one.deferred_minor, one.revenue_minor, one.breakage_minor, one.refunded_minor)
    amounts = (minor, one.cost_minor, one.opening_minor, *became)
    return (
        *kind,
        str(count),
        str(new.get(kind, NONE)[0]),
        format_credits(micro),
        format_credits(one.granted_micro),
        *(money_text(amount, one.currency) for amount in amounts),
        format_credits(one.remaining_micro),
    )


def bring_subscriptions(arguments: Namespace) -> int:
    """Import running subscriptions from a CSV file (docs/imports.md), each with one workflow."""
    by = author(arguments)
    rows = read_subscriptions(_text(arguments.file))
    catalogs = {one.name: one for one in load_catalogs(settings().drawdown_catalogs)}
    with database() as engine, engine.connect() as connection:
        come = carry_out_subscriptions(connection, catalogs, rows, datetime.now(UTC), by=by)
        if arguments.confirm:
            connection.commit()
        else:
            connection.rollback()
    show_sheet(come_sheet(come), arguments.csv)
    new = sum(one.is_new for one in come)
    counted = f"{new} new subscriptions, {len(come) - new} imported before"
    if not arguments.confirm:
        console.print(f"Preview, nothing was changed: {counted}. --confirm imports them.")
        return DONE
    console.print(f"Imported: {counted}.", soft_wrap=True)
    try:
        asyncio.run(_start([one.start for one in come if one.lives]))
    except (RPCError, RuntimeError) as error:  # RuntimeError: no connection at all
        sys.stderr.write(f"temporal: {error}\n{NOT_STARTED}\n")
        return UNDER_WAY
    return DONE


def come_sheet(come: Sequence[Come]) -> Sheet:
    """Lay out the subscriptions of a file by plan, status and currency, and what will be due."""
    groups: dict[tuple[str, str, str, str], list[Come]] = {}
    for one in come:
        plan, named = one.plan, f"{one.plan.plan_id} {one.plan.version}"
        kind = (one.moved.catalog, named, one.moved.status.value, plan.currency)
        groups.setdefault(kind, []).append(one)
    rows = tuple(_group(kind[:3], groups[kind]) for kind in sorted(groups))
    columns = (
        *texts("seller", "plan", "status"),
        *numbers("subscriptions", "new", "with a card", "charged next, before tax"),
        *texts("currency", "first renewal", "last renewal"),
    )
    return Sheet("subscriptions of the file", columns, rows)


def _group(kind: tuple[str, str, str], come: Sequence[Come]) -> tuple[str, ...]:
    renewals = sorted(one.moved.renews_at for one in come)
    plan = come[0].plan
    goes_on = come[0].moved.status in (Brings.ACTIVE, Brings.TRIALING)
    due = plan.price_minor * len(come) if goes_on else 0
    return (
        *kind,
        *map(str, (len(come), sum(one.is_new for one in come))),
        str(sum(bool(one.moved.method or one.moved.payer) for one in come)),
        money_text(due, plan.currency),
        plan.currency,
        instant_text(renewals[0]),
        instant_text(renewals[-1]),
    )


async def _start(starts: Iterable[Start]) -> None:
    """Start the workflows that do not run yet."""
    client = await connected(settings())
    few = asyncio.Semaphore(TOLD_AT_ONCE)

    async def start(one: Start) -> None:
        async with few:
            await start_again(client, one)

    await asyncio.gather(*map(start, starts))


async def _tell(subscriptions: Iterable[str]) -> None:
    """Let running subscriptions read their balance again; one that has ended needs no news."""
    client = await connected(settings())
    few = asyncio.Semaphore(TOLD_AT_ONCE)

    async def tell(subscription: str) -> None:
        handle = client.get_workflow_handle(names.subscription_workflow(subscription))
        async with few:
            try:
                await handle.signal("balance_changed", {})
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    await asyncio.gather(*map(tell, subscriptions))


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    for one in (add("import", bring), add("import-subscriptions", bring_subscriptions)):
        one.add_argument(
            "file", type=Path, help="CSV with a heading; docs/imports.md names the columns"
        )
        one.add_argument("--confirm", action="store_true", help="carry it out, all or nothing")
        one.add_argument("--by", help="who imports it; kept, and shown by `report imports`")
        one.add_argument("--csv", type=Path, help="write what is shown to this file")
