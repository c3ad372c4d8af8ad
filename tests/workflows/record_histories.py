"""Record the histories that `test_replay.py` replays: `make histories`.

One file a shape and run. They were made by the code of their day and are what running subscriptions
hold: once a shape is released its file is never recorded again to make a test pass. Code that does
not replay it is guarded with `workflow.patched`. Until the first release everything may be recorded
anew.
"""

import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from domain.payments.charges import ProcessorEvent
from local.fleet import start_worker
from local.processes import stop
from local.stack import Stack, environment
from local.timeline import HAIR
from models.base import connect
from settings import CATALOGS
from tests.fleet import Customer, RunningFleet
from tests.workflows.promoted import Dashboard
from workflows import names
from workflows.converter import DATA_CONVERTER
from workflows.stripe_event import StripeEvent

HISTORIES = Path(__file__).with_name("histories")
JANUARY_31 = datetime(2027, 1, 31, 10, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
APRIL = datetime(2027, 4, 1, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 1, 0, 0, 1, tzinfo=UTC)
DAY = timedelta(days=1)

# What says where a history was made, and where its code lay.
PLACES = {"identity": "recorder", "stackTrace": ""}
PROCESS = re.compile(r"\d+@[\w.-]+")

Json = dict[str, Any]


async def life(fleet: RunningFleet) -> Customer:
    """Two renewals from a month's last day, usage by both doors of Temporal."""
    customer = await fleet.subscribe("core_10k", begins=JANUARY_31)
    await customer.report(["1", "2.5", "20000"])
    await customer.use("10")
    await customer.buy("1000")
    await customer.pass_until(APRIL)
    await customer.report(["3"])
    return customer


async def auto_purchase(fleet: RunningFleet) -> Customer:
    """A shortfall that buys, then the cap."""
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["9999", "2", "3"])
    await customer.report(["9996"])
    await customer.use("1")
    await customer.switch(on=False)
    return customer


async def declined_purchase(fleet: RunningFleet) -> Customer:
    """A declined auto-purchase, refusals while paused, a new card, the retry."""
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("decline")
    await customer.report(["9999", "2"])
    await customer.report(["1"])
    await customer.use("1")
    await customer.update_card()
    await customer.report(["1"])
    return customer


async def changes(fleet: RunningFleet) -> Customer:
    """Every change of plan, what operators do, a cancellation and the end."""
    customer = await fleet.subscribe("core_10k")
    await customer.change_plan("core_40k", preview=True)
    await customer.change_plan("core_40k")
    await customer.change_plan("core_10k")
    await customer.life.ask("pause", {"by": "ann", "reason": "asked by phone"})
    await customer.use("1")
    await customer.life.ask("resume", {"by": "ann", "reason": "settled"})
    adjustment = {"key": "gift", "credits": "5", "by": "ann", "reason": "an apology"}
    await customer.life.ask("adjust_credits", adjustment)
    await customer.pass_until(FEBRUARY)
    await customer.life.ask("cancel", {"when": "period_end"})
    await customer.pass_until(MARCH + DAY)
    return customer


async def dunning(fleet: RunningFleet) -> Customer:
    """A renewal that is soft-declined, retried automatically and paid at the second retry."""
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="insufficient_funds", count=2)
    await customer.pass_until(FEBRUARY)
    await customer.use("1")
    await customer.pass_until(FEBRUARY + 4 * DAY)
    return customer


async def malformed(fleet: RunningFleet) -> Customer:
    """Messages that cannot be parsed; the subscription lives on."""
    customer = await fleet.subscribe("core_10k")
    handle = customer.life.handle
    await handle.signal("record_usage", {"events": [{"key": "k", "quantity": "NaN"}]})
    await handle.signal("record_usage", "not an object")
    await handle.signal("record_usage", args=[])
    await handle.signal("record_usage", args=[{"events": []}, 2])
    await handle.signal("payment_method_updated", {"payment_method": 7})
    await handle.signal("payment_method_updated", {"payment_method": "pm_unknown"})
    await handle.signal("nobody_knows_this", {"a": 1})
    await handle.signal("balance_crossed", {})
    await customer.life.settle()
    await customer.use("1")
    return customer


async def coupons(fleet: RunningFleet) -> Customer:
    """Codes of the list: of the plan, of packs and credits, one of nobody, one that costs nothing.

    The stored file was made before the processor was asked about codes.
    """
    customer = await fleet.subscribe("grove", catalog="orchard", coupon="QUARTER")
    for key, code in (("one", "FIFTH"), ("two", "NOBODY"), ("free", "WELCOME")):
        await customer.life.ask("buy_pack", {"key": key, "pack": "basket", "coupon": code})
    await customer.pass_until(FEBRUARY)
    await customer.life.ask("buy_credits", {"key": "three", "credits": "500", "coupon": "THREE"})
    return customer


async def promotion_codes(fleet: RunningFleet) -> Customer:
    """Codes of the processor: of the plan, of a pack, one of nobody, one while it is silent."""
    dashboard = Dashboard(fleet.standin)
    half = dashboard.code("HALF", coupon={"percent_off": 50, "duration": "forever"})
    fifth = dashboard.code("FIFTH", coupon={"percent_off": 20})
    customer = await fleet.subscribe("grove", catalog="orchard", coupon=half)
    for key, code in (("one", fifth), ("two", "NOBODY")):
        await customer.life.ask("buy_pack", {"key": key, "pack": "basket", "coupon": code})
    silent = {"fault": "500", "path": "/v1/promotion_codes", "method": "GET", "count": 100}
    fleet.standin.post("/_fault", **silent)
    await customer.life.ask("buy_pack", {"key": "three", "pack": "basket", "coupon": fifth})
    fleet.standin.behave()
    await customer.pass_until(FEBRUARY)
    await customer.life.ask("buy_credits", {"key": "four", "credits": "500", "coupon": fifth})
    return customer


SHAPES: dict[str, Callable[[RunningFleet], Awaitable[Customer]]] = {
    "life": life,
    "auto-purchase": auto_purchase,
    "declined-purchase": declined_purchase,
    "changes": changes,
    "dunning": dunning,
    "malformed": malformed,
    "coupons": coupons,
    "promotion-codes": promotion_codes,
}


BORN_OTHERWISE = ("life", "coupons", "promotion-codes")  # of these the first run is kept, too


async def stripe_events(fleet: RunningFleet) -> dict[str, list[Json]]:
    """Let the processor tell of a card that is ours, of one that is nobody's, and of nothing."""
    payer = (await fleet.subscribe("core_10k")).processor()["payer"]
    told = {
        "card": ("customer.updated", payer),
        "unknown": ("payment_method.attached", "pm_unknown"),
        "ignored": ("invoice.created", "in_1"),
    }
    recorded: dict[str, list[Json]] = {}
    for name, (kind, about) in told.items():
        event = ProcessorEvent(f"evt_{uuid4().hex}", kind, about)
        workflow_id = names.stripe_event_workflow(event.event_id)
        await fleet.client.execute_workflow(
            StripeEvent.run, event, id=workflow_id, task_queue=names.BILLING
        )
        recorded[f"stripe-event-{name}"] = await runs(fleet.client, workflow_id)
    return recorded


async def approvals(fleet: RunningFleet) -> dict[str, list[Json]]:
    """Make requests invalid, refused, approved and lapsed."""
    customer = await fleet.subscribe("starter", catalog="salestools")
    for member, role in (("ada", "member"), ("grace", "admin")):
        person = {"member": member, "name": member.title(), "email": f"{member}@example.com"}
        await customer.life.ask("set_member", person | {"role": role})
    subscription = customer.life.handle.id.removeprefix("subscription:")
    keys = ("approved", "refused", "lapsed")
    for key in keys:
        wish = (await customer.event("80", key, "ai_email")) | {"member": "ada"}
        await customer.life.ask("request_approval", wish)
    handles = {
        key: fleet.client.get_workflow_handle(names.approval_workflow(subscription, key))
        for key in keys
    }
    await handles["approved"].execute_update("approve", {"by": "ada"})
    await handles["approved"].signal("nobody_knows_this", {"a": 1})
    await handles["approved"].execute_update("approve", {"by": "grace"})
    await handles["refused"].execute_update("refuse", {"by": "grace", "reason": "too dear"})
    await customer.life.skipper.fast_forward(handles["lapsed"], 7 * DAY + HAIR)
    for handle in handles.values():
        await handle.result()
    nobody = f"approval:nobody:{uuid4().hex}"
    with suppress(WorkflowFailureError):
        await fleet.client.execute_workflow("Approval", 7, id=nobody, task_queue=names.BILLING)
    return {
        **{f"approval-{key}": await runs(fleet.client, one.id) for key, one in handles.items()},
        "approval-malformed": await runs(fleet.client, nobody),
    }


async def runs(client: Client, workflow_id: str) -> list[Json]:
    """Return the histories of a workflow, one for each run, oldest first."""
    description = await client.get_workflow_handle(workflow_id).describe()
    run_id = description.raw_description.workflow_execution_info.first_run_id
    found = []
    while run_id:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        found.append(json.loads(history.to_json()))
        run_id = _next_run(history)
    return found


def _next_run(history: WorkflowHistory) -> str:
    last = history.events[-1]
    return last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id


def scrubbed(value: Any) -> Any:
    """Return a history without the machine it was made on."""
    if isinstance(value, dict):
        return {key: PLACES.get(key, scrubbed(one)) for key, one in value.items()}
    if isinstance(value, list):
        return [scrubbed(one) for one in value]
    return PROCESS.sub("recorder", value) if isinstance(value, str) else value


def write(name: str, histories: list[Json]) -> None:
    """Write one file for each run; the first run of most lives is the same, so one is kept."""
    kept_before = 1 if name in SHAPES and name not in BORN_OTHERWISE else 0
    for number, history in enumerate(histories[kept_before:], start=kept_before + 1):
        text = json.dumps(scrubbed(history), separators=(",", ":"), sort_keys=True)
        (HISTORIES / f"{name}-{number}.json").write_text(text + "\n")


def lists(folder: Path) -> Path:
    """Copy the price lists that are shipped, examples too, to a folder."""
    folder.mkdir()
    for place in (CATALOGS, CATALOGS / "examples"):
        for path in place.glob("*.yaml"):
            shutil.copy(path, folder)
    return folder


async def live(stack: Stack, log: Path) -> dict[str, list[Json]]:
    """Simulate every shape on a stack; return the record of each."""
    variables = environment(stack) | {"DRAWDOWN_CATALOGS": str(lists(log.with_name("lists")))}
    worker = await asyncio.to_thread(start_worker, variables, stack.temporal, log)
    engine = connect(stack.postgres.dsn())
    client = await Client.connect(stack.temporal.address, data_converter=DATA_CONVERTER)
    fleet = RunningFleet(client, engine, stack.standin, stack.mail)
    recorded = {}
    for name, shape in SHAPES.items():
        customer = await shape(fleet)
        recorded[name] = await runs(client, customer.life.handle.id)
    recorded |= await stripe_events(fleet)
    recorded |= await approvals(fleet)
    await asyncio.to_thread(stop, worker, grace=40)
    for topic in ("mail", "crossing"):
        recorded[f"outbox-{topic}"] = await runs(client, names.outbox_workflow(topic))
    engine.dispose()
    return recorded


def main() -> None:
    """Record everything again."""
    folder = Path(tempfile.mkdtemp(prefix="drawdown-histories-"))
    folder.chmod(0o755)  # PostgreSQL may run as another account
    stack = Stack.start(folder / "stack", persistent=False)
    try:
        recorded = asyncio.run(live(stack, folder / "worker.log"))
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(HISTORIES, ignore_errors=True)
    HISTORIES.mkdir()
    for name, histories in recorded.items():
        write(name, histories)


if __name__ == "__main__":
    main()
    sys.exit(0)
