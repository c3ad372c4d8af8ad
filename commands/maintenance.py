"""Maintenance: rebuild lost workflows, move subscribers to another plan, archive old entries."""

import asyncio
from argparse import Namespace
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from rich.table import Table
from sqlalchemy import Connection
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError

from commands.terminal import Add, console, database, settings
from domain.errors import InvalidInput
from domain.money import format_money
from domain.subscription import Start
from domain.subscription_state import SubscriptionState
from ledger import accounts, archive, subscriptions
from ledger.subscriptions import LiveSubscription
from worker import connected
from workflows import names
from workflows.subscription.workflow import Subscription

CONCURRENT = 20


def rebuild(arguments: Namespace) -> int:
    """Restart workflows missing for live subscriptions, from their rows in the ledger."""
    with database() as engine, engine.connect() as connection:
        found = _live(connection, arguments)
        starts = [start_of(connection, one) for one in found]

    async def start_all() -> None:
        client = await connected(settings())
        for start in starts:
            console.print(f"{start.subscription_id}: {await start_again(client, start)}")

    asyncio.run(start_all())
    return 0


def migrate_plans(arguments: Namespace) -> int:
    """Move all subscribers of a plan to another version; --preview only shows the effect."""
    with database() as engine, engine.connect() as connection:
        found = subscriptions.live_on_plan(connection, arguments.catalog, arguments.plan)
    if not found:
        raise InvalidInput(
            "unknown_plan", f"nobody is on {arguments.plan!r:.60} of {arguments.catalog}"
        )
    message = {"version": arguments.to, "when": arguments.when, "preview": arguments.preview}
    answers = asyncio.run(_ask_all([one.subscription_id for one in found], message))
    console.print(_table(found, answers))
    return 0 if all("reason" not in answer for answer in answers) else 1


def archive_entries(arguments: Namespace) -> int:
    """Archive the journal's lines decided before a day (UTC) and before the running window."""
    before = datetime.combine(arguments.before, time(), UTC)
    moved = 0
    with database() as engine:
        account = None
        if arguments.customer is not None:
            with engine.connect() as connection:
                account = accounts.account_of(connection, arguments.customer)
        for lines in archive.archive(engine, before, account):
            moved += lines
    console.print(f"{moved:,} lines archived")
    return 0


async def start_again(client: Client, start: Start) -> str:
    """Start a subscription's workflow from its rows unless it runs; return what was done."""
    try:
        await client.start_workflow(
            Subscription.run,
            args=[SubscriptionState(start)],
            id=names.subscription_workflow(start.subscription_id),
            task_queue=names.BILLING,
            static_summary=f"{start.customer_id} on {start.plan_id}, rebuilt",
            memo={"customer": start.customer_id, "plan": start.plan_id},
        )
    except WorkflowAlreadyStartedError:
        return "already runs: nothing to do"
    return "rebuilt"


def start_of(connection: Connection, live: LiveSubscription) -> Start:
    """Return the start message of a subscription, from its rows."""
    customer = accounts.details_of(connection, live.account_id)
    return Start(
        subscription_id=live.subscription_id,
        customer_id=customer.customer_id,
        name=customer.name,
        email=customer.email,
        catalog=live.catalog,
        plan_id=live.plan_id,
        locale=customer.locale,
        time_zone=live.time_zone,
    )


def _live(connection: Connection, arguments: Namespace) -> tuple[LiveSubscription, ...]:
    if arguments.all:
        return subscriptions.live(connection)
    if arguments.customer is None:
        raise InvalidInput("missing_field", "name a customer, or use --all")
    account_id = accounts.account_of(connection, arguments.customer)
    found = subscriptions.live(connection, account_id)
    if not found:
        raise InvalidInput(
            "subscription_ended", f"{arguments.customer!r:.60} has no live subscription"
        )
    return found


async def _ask_all(subscription_ids: Iterable[str], message: dict[str, Any]) -> list[Any]:
    client = await connected(settings())
    seats = asyncio.Semaphore(CONCURRENT)

    async def ask(subscription_id: str) -> Any:
        handle = client.get_workflow_handle(names.subscription_workflow(subscription_id))
        async with seats:
            try:
                return await handle.execute_update("migrate_plan", message)
            except WorkflowUpdateFailedError as error:
                cause = error.cause
                reason = cause.type if isinstance(cause, ApplicationError) else str(cause)
                return {"status": "refused", "reason": reason}
            except RPCError as error:
                return {"status": "refused", "reason": f"temporal: {error.message}"}

    return await asyncio.gather(*map(ask, subscription_ids))


def _table(found: Iterable[LiveSubscription], answers: Iterable[Any]) -> Table:
    table = Table("subscription", "from", "to", "price", "credits now", "when", "outcome")
    for one, answer in zip(found, answers, strict=True):
        if "reason" in answer:
            table.add_row(one.subscription_id, f"v{one.version}", "", "", "", "", answer["reason"])
            continue
        price = format_money(answer["price_minor"], answer["currency"])
        extra = ", ".join(f"+{amount} {kind}" for kind, amount in answer["extra_credits"].items())
        table.add_row(
            one.subscription_id,
            f"v{one.version}",
            f"v{answer['version']}",
            f"{format_money(one.price_minor, answer['currency'])} → {price}",
            extra or "none",
            answer["effective_at"],
            f"{answer['status']}{': ' + answer['why'] if answer['why'] else ''}",
        )
    return table


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    one = add("rebuild", rebuild)
    one.add_argument("customer", nargs="?")
    one.add_argument("--all", action="store_true", help="every live subscription")
    one = add("migrate-plans", migrate_plans)
    one.add_argument("catalog")
    one.add_argument("plan")
    one.add_argument("--to", type=int, default=0, help="the version; the newest if left out")
    one.add_argument("--when", choices=("next_period", "now"), default="next_period")
    one.add_argument("--preview", action="store_true", help="change nothing")
    one = add("archive", archive_entries)
    one.add_argument("--before", type=date.fromisoformat, required=True, metavar="DAY")
    one.add_argument("--customer", help="only this one; all if left out")
