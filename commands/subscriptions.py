"""Commands that act on one subscription or look at it."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from temporalio.converter import value_to_type
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.plans.standing import room_of
from catalogs.reader import load_catalogs
from commands.terminal import (
    DONE,
    REFUSED,
    Add,
    console,
    database,
    json_object,
    named,
    not_there,
    print_answer,
    print_json,
    print_links,
    settings,
    update,
)
from commands.watching import Told, beginning, ended_well, failure
from domain.credits import format_credits
from domain.errors import BillingError, InvalidInput
from domain.messages.fields import parse_instant
from domain.periods import checked_zone
from domain.pricing.catalog import Plan
from domain.pricing.in_currency import plan_in
from domain.subscription import Start, Status
from domain.subscription_state import SubscriptionState
from ledger import accounts, balances, subscriptions
from ledger.open_items import open_matters
from ledger.reports.registry import tag_and_value
from ledger.reports.tables import instant_text
from worker import connected
from workflows import names
from workflows.subscription.workflow import Subscription


def subscribe(arguments: Namespace) -> int:
    """Start a subscription; wait until its first period is paid or has failed."""
    start = Start(
        subscription_id=arguments.subscription or arguments.customer,
        customer_id=arguments.customer,
        name=arguments.name or arguments.customer,
        email=arguments.email,
        catalog=arguments.catalog,
        plan_id=arguments.plan,
        locale=arguments.locale,
        time_zone=arguments.time_zone,
        payment_method=arguments.card,
        begins_at=parse_instant(arguments.begins_at) if arguments.begins_at else None,
        currency=arguments.currency,
        coupon=arguments.coupon,
    )
    chosen = settings()
    known = {one.name: one for one in load_catalogs(chosen.drawdown_catalogs)}
    plan = plan_in(named(known, start.catalog), start.plan_id, currency=start.currency or "")
    workflow_id = names.subscription_workflow(start.subscription_id)

    async def begin() -> Told:
        client = await connected(chosen)
        handle = await client.start_workflow(
            Subscription.run,
            args=[SubscriptionState(start)],
            id=workflow_id,
            task_queue=names.BILLING,
            static_summary=f"{start.customer_id} on {plan.name}",
            memo={"customer": start.customer_id, "plan": plan.plan_id},
        )
        return await beginning(handle)

    try:
        told = asyncio.run(begin())
    except WorkflowAlreadyStartedError as error:
        raise InvalidInput("already_subscribed", f"{workflow_id} runs: end it first") from error
    if told.reason:
        sys.stderr.write(f"{told.reason}: {workflow_id} {told.words}\n")
    else:
        console.print(f"{workflow_id} {told.words}", markup=False, soft_wrap=True)
    print_links(start.subscription_id)
    return told.code


def move(arguments: Namespace) -> int:
    """Change a customer's time zone; the running period keeps its end."""
    checked_zone(arguments.zone)
    with database() as engine, engine.begin() as connection:
        account = accounts.account_of(connection, arguments.customer)
        accounts.set_time_zone(connection, arguments.customer, arguments.zone)
        record = subscriptions.record_of_account(connection, account)
    ends = record.period_end if record and record.status != Status.ENDED else None
    told = f"; periods from {instant_text(ends)} on" if ends else ""
    console.print(f"mails and pages in {arguments.zone} now{told}", soft_wrap=True)
    return DONE


def use(arguments: Namespace) -> int:
    """Debit one usage event and print the outcome."""
    event = {
        "key": arguments.key,
        "action": arguments.action,
        "quantity": arguments.quantity,
        "event_at": arguments.event_at or datetime.now(UTC).isoformat(),
        "tags": dict(map(tag_and_value, arguments.tag)),
        "confirmed": arguments.confirmed,
    }
    return print_answer(update(arguments.subscription, "consume", event))


def buy(arguments: Namespace) -> int:
    """Buy extra credits by hand and print the outcome."""
    message = {"key": arguments.key, "credits": arguments.credits}
    return print_answer(update(arguments.subscription, "buy_credits", message))


def correct(arguments: Namespace) -> int:
    """Reduce the quantity of an event and print what came back."""
    message = {
        "key": arguments.key,
        "event": arguments.event,
        "quantity": arguments.quantity,
        "reason": arguments.reason,
        "by": arguments.by,
    }
    return print_answer(update(arguments.subscription, "correct", message))


def send(arguments: Namespace) -> int:
    """Send any update of docs/contract.md with its JSON and print the answer."""
    return print_answer(
        update(arguments.subscription, arguments.update, json_object(arguments.message))
    )


def status(arguments: Namespace) -> int:
    """Print a subscription's status as its workflow and the ledger have it."""

    async def ask() -> dict[str, Any]:
        client = await connected(settings())
        handle = client.get_workflow_handle(names.subscription_workflow(arguments.subscription))
        described = await handle.describe()
        if ended_well(described):
            return dict(await handle.query("status"))
        customer = await described.memo_value("customer", default=arguments.subscription)
        known = {"subscription": arguments.subscription, "customer": customer, "status": "failed"}
        return known | await failure(handle, described)

    try:
        answer = asyncio.run(ask())
    except RPCError as error:
        raise not_there(arguments.subscription, error) from error
    with database() as engine, engine.connect() as connection:
        try:
            answer |= _in_the_books(connection, answer)
        except BillingError:  # its first activity has not run yet
            answer["ledger"] = "knows no such customer"
    print_json(answer)
    print_links(arguments.subscription)
    return REFUSED if answer["status"] == "failed" else DONE


def _in_the_books(connection: Connection, answer: Mapping[str, Any]) -> dict[str, object]:
    """Return the ledger's values, which are right if the workflow's differ."""
    account = accounts.account_of(connection, answer["customer"])
    now = datetime.now(UTC)
    at = max(now, parse_instant(answer["now"])) if "now" in answer else now
    found: dict[str, object] = {}
    record = subscriptions.record_of_account(connection, account)
    if record is not None and answer.get("subscription") == record.subscription_id:
        main = value_to_type(Plan, record.plan).credit_type
        # The workflow's balance is from its last decision, which may be a month old.
        free = balances.available(connection, account, main, at)
        found |= {"available": format_credits(free), "balance_as_of": at.isoformat()}
    for kind, free in balances.available_of_each(connection, account, at).items():
        found[f"ledger: {kind}"] = format_credits(free)
    for balance in balances.balances_as_of(connection, account, at):
        if balance.held_micro:
            found[f"ledger: {balance.credit_type} held"] = format_credits(balance.held_micro)
    room = room_of(connection, account, at)
    if "auto_purchase" in room:
        left = room["auto_purchase"]
        found["ledger: auto-purchase left"] = f"{left['left']} credits, {left['units_left']} units"
    if room["frozen"]:
        found["ledger: frozen credits"] = room["frozen"]
    matters = open_matters(connection, account)
    found |= {f"ledger: {name}": what for name, what in matters.items()}
    return found | {"ledger: refusals": balances.refusals(connection, account, limit=5)}


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    one = add("subscribe", subscribe)
    one.add_argument("customer")
    one.add_argument("--email", required=True)
    one.add_argument("--name")
    one.add_argument("--subscription", help="its id; default: the customer's")
    one.add_argument("--catalog", default="make")
    one.add_argument("--plan", required=True)
    one.add_argument("--card", help="a payment method of the processor, such as pm_card_visa")
    one.add_argument("--locale", default="en_US")
    one.add_argument("--time-zone")
    one.add_argument("--currency", help="one that the list is sold in, such as EUR")
    one.add_argument("--begins-at", help="an instant in the future")
    one.add_argument("--coupon", help="a code of the price list, for its periods")
    one = add("time-zone", move)
    one.add_argument("customer")
    one.add_argument("zone", help="such as Europe/Berlin")
    one = add("use", use)
    one.add_argument("subscription")
    one.add_argument("action")
    one.add_argument("quantity")
    one.add_argument("--key", required=True, help="unique to this usage; repeats are harmless")
    one.add_argument("--event-at", help="when it happened; default: now")
    one.add_argument("--tag", action="append", default=[], metavar="TAG=VALUE",
                     help="such as member=ada; may be repeated")  # fmt: skip
    one.add_argument("--confirmed", action="store_true", help="the user agreed to its price")
    one = add("buy", buy)
    one.add_argument("subscription")
    one.add_argument("credits")
    one.add_argument("--key", required=True)
    one = add("correct", correct)
    one.add_argument("subscription")
    one.add_argument("event", help="the key of the debited usage")
    one.add_argument("quantity", help="the true quantity; 0 if it did not happen")
    for name in ("key", "reason", "by"):
        one.add_argument(f"--{name}", required=True)
    one = add("send", send)
    one.add_argument("subscription")
    one.add_argument("update")
    one.add_argument("message", help="JSON")
    add("status", status).add_argument("subscription")
