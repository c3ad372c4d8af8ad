"""Operators' and demo commands: `python cli.py COMMAND --help`.

Commands act on the deployment that the environment names (settings.py), or else on the local
stack that `make up` runs.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from rich.console import Console
from rich.table import Table
from rich.text import Text
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError

from catalogs.reader import load_catalogs
from domain.credits import format_credits
from domain.errors import BillingError, InvalidInput
from domain.messages import parse_instant
from domain.subscription import Start, SubscriptionState
from ledger import accounts, balances, subscriptions
from ledger.reports.asking import add_arguments, asked_in, sheet
from ledger.reports.scope import snapshot
from ledger.reports.sheets import history_sheet
from ledger.reports.tables import Sheet, csv_text
from local import state
from local.stack import reset, run_forever
from models.base import connect
from settings import Settings
from worker import connected
from workflows import names
from workflows.subscription import Subscription

WIDTH = 120  # of tables where no terminal tells its own

console = Console(width=None if sys.stdout.isatty() else WIDTH)


def environment() -> Mapping[str, str]:
    """Return the environment of the deployment, or that of the local stack."""
    if os.environ.get("DATABASE_URL"):
        return os.environ
    return dict(os.environ) | state.read(state.home()).environment() | {"METRICS_ADDRESS": ""}


def settings() -> Settings:
    """Return the settings of the deployment that commands act on."""
    return Settings.from_environment(environment())


def up(_: argparse.Namespace) -> int:
    """Start the local stack and leave it running."""
    return run_forever(state.home())


def reset_stack(_: argparse.Namespace) -> int:
    """Empty the local stack's folder."""
    reset(state.home())
    return 0


def migrate(_: argparse.Namespace) -> int:
    """Bring the database to the newest revision."""
    config = Config(Path(__file__).with_name("alembic.ini"))
    command.upgrade(config, "head")
    return 0


def bootstrap(_: argparse.Namespace) -> int:
    """Register our search attributes with Temporal."""

    async def register() -> None:
        client = await connected(settings())
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {
            key.name: IndexedValueType.ValueType(int(key.indexed_value_type))
            for key in names.SEARCH_ATTRIBUTES
            if key.name not in known.custom_attributes
        }
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
        console.print(f"registered {', '.join(missing) or 'nothing: all are there'}")

    asyncio.run(register())
    return 0


def subscribe(wanted: argparse.Namespace) -> int:
    """Start a subscription."""
    start = Start(
        subscription_id=wanted.subscription or wanted.customer,
        customer_id=wanted.customer,
        name=wanted.name or wanted.customer,
        email=wanted.email,
        catalog=wanted.catalog,
        plan_id=wanted.plan,
        locale=wanted.locale,
        time_zone=wanted.time_zone,
        payment_method=wanted.card,
        begins_at=parse_instant(wanted.begins_at) if wanted.begins_at else None,
    )
    chosen = settings()
    known = {one.name: one for one in load_catalogs(chosen.drawdown_catalogs)}
    if start.catalog not in known:
        raise InvalidInput("unknown_catalog", f"there are: {', '.join(sorted(known))}")
    plan = known[start.catalog].plan(start.plan_id)
    workflow_id = names.subscription_workflow(start.subscription_id)

    async def begin() -> None:
        client = await connected(chosen)
        await client.start_workflow(
            Subscription.run,
            args=[SubscriptionState(start)],
            id=workflow_id,
            task_queue=names.BILLING,
            static_summary=f"{start.customer_id} on {plan.name}",
            memo={"customer": start.customer_id, "plan": plan.plan_id},
        )

    try:
        asyncio.run(begin())
    except WorkflowAlreadyStartedError as error:
        raise InvalidInput("already_subscribed", f"{workflow_id} runs: end it first") from error
    console.print(f"{workflow_id} started on {plan.name}")
    _print_links(start.subscription_id)
    return 0


def use(wanted: argparse.Namespace) -> int:
    """Debit one usage event and print the outcome."""
    event = {
        "key": wanted.key,
        "action": wanted.action,
        "quantity": wanted.quantity,
        "event_at": wanted.event_at or datetime.now(UTC).isoformat(),
    }
    return _print_json(_update(wanted.subscription, "consume", event))


def buy(wanted: argparse.Namespace) -> int:
    """Buy extra credits by hand and print the outcome."""
    message = {"key": wanted.key, "credits": wanted.credits}
    return _print_json(_update(wanted.subscription, "buy_credits", message))


def send(wanted: argparse.Namespace) -> int:
    """Send any update of docs/contract.md with its JSON and print the answer."""
    return _print_json(_update(wanted.subscription, wanted.update, json.loads(wanted.message)))


def status(wanted: argparse.Namespace) -> int:
    """Print where a subscription stands: its workflow's word and the ledger's."""

    async def ask() -> Any:
        client = await connected(settings())
        handle = client.get_workflow_handle(names.subscription_workflow(wanted.subscription))
        return await handle.query("status")

    answer = asyncio.run(ask())
    engine = connect(settings().database_url)
    with engine.connect() as connection:
        account = accounts.account_of(connection, answer["customer"])
        at = max(datetime.now(UTC), parse_instant(answer["now"]))
        for balance in balances.balances_as_of(connection, account, at):
            answer[f"ledger: {balance.credit_type}"] = format_credits(balance.available_micro)
        answer["ledger: refusals"] = balances.refusals(connection, account, limit=5)
    _print_json(answer)
    _print_links(wanted.subscription)
    return 0


def history(wanted: argparse.Namespace) -> int:
    """Print a customer's ledger, each line with its cause."""
    with connect(settings().database_url).connect() as connection:
        account = accounts.account_of(connection, wanted.customer)
        lines = balances.history(connection, account, after_seq=wanted.after, limit=wanted.limit)
        record = subscriptions.record_of_account(connection, account)
    return _print_sheet(history_sheet(wanted.customer, record.status if record else None, lines))


def report(wanted: argparse.Namespace) -> int:
    """Print a report or write it as CSV; docs/reports.md says what each column means."""
    with snapshot(connect(settings().database_url)) as connection:
        found = sheet(connection, asked_in(wanted), datetime.now(UTC))
    if wanted.csv:
        wanted.csv.write_text(csv_text(found), encoding="utf-8", newline="")
    return 0 if wanted.csv else _print_sheet(found)


def run_demo(_: argparse.Namespace) -> int:
    """Live four subscriptions on real usage and prove the books."""
    from local.demo.play import play  # noqa: PLC0415 - drawing takes long to import

    return 0 if asyncio.run(play(console)) else 1


def run_simulation(wanted: argparse.Namespace) -> int:
    """Run the real workflow and ledger in virtual time over a trace of usage."""
    from local.demo.simulate import simulate  # noqa: PLC0415 - drawing takes long to import

    chosen = {one.name: one for one in load_catalogs(Path("catalogs"))}
    if wanted.catalog not in chosen:
        raise InvalidInput("unknown_catalog", f"there are: {', '.join(sorted(chosen))}")
    plan = chosen[wanted.catalog].plan(wanted.plan)
    asyncio.run(simulate(console, plan, wanted.months, wanted.usage, auto=wanted.auto))
    return 0


def _update(subscription_id: str, name: str, message: object) -> Any:
    async def send() -> Any:
        client: Client = await connected(settings())
        handle = client.get_workflow_handle(names.subscription_workflow(subscription_id))
        return await handle.execute_update(name, message)

    try:
        return asyncio.run(send())
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        reason = cause.type if isinstance(cause, ApplicationError) else None
        raise InvalidInput(reason or "failed", str(cause)) from error


def _print_json(answer: object) -> int:
    console.print_json(json.dumps(answer, default=str))
    return 0


def _print_sheet(found: Sheet) -> int:
    table = Table(title=found.title, title_justify="left", header_style="bold")
    for one in found.shown:
        table.add_column(one.name, justify="right" if one.is_number else "left", overflow="fold")
    for row in found.shown_rows():
        table.add_row(*map(Text, row))  # other people's words: brackets are no markup
    console.print(table, *found.shown_notes(), sep="\n")
    return 0


def _print_links(subscription_id: str) -> None:
    """Print where an operator looks; the UI's filters are part of its addresses."""
    try:
        ui = state.read(state.home()).temporal_ui
    except BillingError:
        return
    base = f"{ui}/namespaces/default/workflows"
    for title, query in (
        ("this subscription", f"WorkflowId = '{names.subscription_workflow(subscription_id)}'"),
        ("paused now", f"{names.STATUS.name} = 'paused'"),
        ("past due", f"{names.STATUS.name} = 'past_due'"),
    ):
        console.print(f"{title}: {base}?query={quote(query)}", soft_wrap=True)


def parser() -> argparse.ArgumentParser:
    """Return the commands."""
    whole = argparse.ArgumentParser(description=__doc__, prog="cli.py")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        one.set_defaults(run=run)
        return one

    for name, run in (("up", up), ("reset", reset_stack), ("migrate", migrate),
                      ("bootstrap", bootstrap), ("demo", run_demo)):  # fmt: skip
        add(name, run)
    one = add("subscribe", subscribe)
    one.add_argument("customer")
    one.add_argument("--email", required=True)
    one.add_argument("--name")
    one.add_argument("--subscription", help="its id; the customer's if left out")
    one.add_argument("--catalog", default="make")
    one.add_argument("--plan", required=True)
    one.add_argument("--card", help="a payment method of the processor, such as pm_card_visa")
    one.add_argument("--locale", default="en_US")
    one.add_argument("--time-zone")
    one.add_argument("--begins-at", help="an instant in the future")
    one = add("use", use)
    one.add_argument("subscription")
    one.add_argument("action")
    one.add_argument("quantity")
    one.add_argument("--key", required=True, help="unique to this usage; repeats are harmless")
    one.add_argument("--event-at", help="when it happened; now if left out")
    one = add("buy", buy)
    one.add_argument("subscription")
    one.add_argument("credits")
    one.add_argument("--key", required=True)
    one = add("send", send)
    one.add_argument("subscription")
    one.add_argument("update")
    one.add_argument("message", help="JSON")
    _add_looks(add)
    return whole


def _add_looks(add: Callable[..., argparse.ArgumentParser]) -> None:
    one = add("status", status)
    one.add_argument("subscription")
    one = add("history", history)
    one.add_argument("customer")
    one.add_argument("--after", type=int, default=0)
    one.add_argument("--limit", type=int, default=200)
    add_arguments(add("report", report))
    one = add("simulate", run_simulation)
    one.add_argument("catalog")
    one.add_argument("--plan", required=True)
    one.add_argument("--months", type=int, default=12)
    one.add_argument("--usage", type=Path, help="TIMESTAMP,ContextTokens,GeneratedTokens as CSV")
    one.add_argument("--auto", action="store_true", help="switch auto-purchase on")


def main() -> int:
    """Run one command."""
    wanted = parser().parse_args()
    try:
        return int(wanted.run(wanted))
    except BillingError as error:
        sys.stderr.write(f"{error.reason}: {error}\n")
    except RPCError as error:
        sys.stderr.write(f"temporal: {error.message}\n")
    except KeyboardInterrupt:
        return 130
    return 2


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python up to 3.12 sometimes aborts while the SDK's threads end with the interpreter.
    os._exit(code)
