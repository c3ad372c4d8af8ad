"""What takes longer than an operation may: a slow purchase, and a ledger that does not answer."""

import asyncio
import json
from typing import Any, cast

import pytest
from nexusrpc import HandlerErrorType
from nexusrpc.handler import StartOperationContext
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from activities.context import BillingContext
from activities.direct.running import direct_usage
from catalogs.reader import load_catalogs
from local.patience import until
from nexus import handler
from nexus.handler import MOST_PARKED, DrawdownHandler
from tests.nexus.test_killed import locked

pytestmark = pytest.mark.long


async def test_who_is_told_pending_asks_again_with_the_same_key(fleet, callers) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    event = {**await customer.event("10005", "long"), "customer_id": customer.name}

    with customer.payment_held():
        handle = await callers.start([("consume", event)])
        await until(lambda: told(handle), bool, "the first answer")
    (answer,) = await handle.result()

    assert (answer["status"], answer["available"]) == ("debited", "9995")
    answers = await told(handle)
    assert answers[-1] == answer
    assert answers[:-1] == [{"customer_id": customer.name, "key": "long", "status": "pending"}] * (
        len(answers) - 1
    )
    assert len(answers) > 1
    assert customer.paid() == [900, 1170]
    customer.check()


async def told(handle: Any) -> list[Any]:
    """Return what the operations of a workflow were answered."""
    converter = handle._client.data_converter.payload_converter
    return [
        converter.from_payload(event.nexus_operation_completed_event_attributes.result)
        for event in (await handle.fetch_history()).events
        if event.HasField("nexus_operation_completed_event_attributes")
    ]


async def test_a_ledger_that_does_not_answer_is_asked_again(
    fleet, callers, session_database
) -> None:
    customer = await fleet.subscribe("core_10k")
    event = {**await customer.event("5", "away"), "customer_id": customer.name}

    async def failed() -> Any:
        described = await handle.describe()
        (pending,) = described.raw_description.pending_nexus_operations or [None]
        return pending and pending.attempt and pending.last_attempt_failure

    with locked(session_database.url, customer.account_id):
        handle = await callers.start([("consume", event)])
        failure = await until(
            failed,
            lambda seen: seen and seen.HasField("nexus_handler_failure_info"),
            "an attempt to fail",
        )
    (answer,) = await handle.result()

    assert failure.nexus_handler_failure_info.type == HandlerErrorType.UNAVAILABLE.value
    assert failure.cause.application_failure_info.type == "ledger_busy"
    assert answer["status"] in ("debited", "repeated")
    assert customer.used() == {"away": 5_000_000}
    customer.check()


async def test_only_half_of_the_operations_at_once_may_wait(fleet, catalogs, monkeypatch) -> None:
    for patience in ("PATIENCE", "PARKED_LONGEST", "LONGEST"):  # who may wait has credits before
        monkeypatch.setattr(handler, patience, 600.0)
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.use("9999")
    like = {**await customer.event("2"), "customer_id": customer.name}
    events = [{**like, "key": f"crowd-{number}"} for number in range(MOST_PARKED + 20)]
    read = {one.name: one for one in load_catalogs(catalogs)}
    url = fleet.engine.url.render_as_string(hide_password=False)
    context = BillingContext(fleet.engine, read, "", ("x" * 32,))

    async with direct_usage(url, context, fleet.client) as usage:
        asked = DrawdownHandler(usage, fleet.engine)
        with customer.payment_held():
            answers = asyncio.as_completed([consumed(asked, event) for event in events])
            first = [(await next(answers))["status"] for _ in range(20)]
        rest = [(await one)["status"] for one in answers]

    assert (first, rest) == (["pending"] * 20, ["debited"] * MOST_PARKED)
    await customer.life.settle()
    assert customer.paid() == [900, 1170]


async def consumed(asked: DrawdownHandler, event: dict[str, Any]) -> dict[str, Any]:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(event).encode())
    return dict(await asked.consume(cast("StartOperationContext", None), RawValue(payload)))
