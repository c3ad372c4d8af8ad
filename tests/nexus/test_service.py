"""Other teams' workflows use credits through Nexus, by the rules and keys of every door."""

from datetime import UTC, datetime
from typing import Any

import pytest
from nexusrpc import HandlerError, HandlerErrorType
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError, NexusOperationError

from domain.errors import InvalidInput
from local.patience import until
from nexus import endpoint
from tests.api.arrangements import own_namespace
from tests.fleet import SECOND, Customer

LAPSES = "2027-06-01T00:00:00Z"


async def message(customer: Customer, quantity: str, key: str) -> dict[str, Any]:
    return {**await customer.event(quantity, key), "customer_id": customer.name}


async def test_a_key_is_debited_once_however_often_it_is_sent(fleet, callers) -> None:
    customer = await fleet.subscribe("core_10k")
    event = await message(customer, "5", "twice")

    first, second = await callers.answers(("consume", event), ("consume", event))

    names = {"customer_id": customer.name, "key": "twice"}
    done = {"seq": first["seq"], "available": "9995", "charged": {"credits": "5"}}
    assert first == {**names, **done, "status": "debited"}
    assert second == {**names, **done, "status": "repeated"}
    assert customer.used() == {"twice": 5_000_000}
    customer.check()


async def test_the_page_s_caller_pays_for_what_its_work_took(fleet, callers) -> None:
    begins = datetime.now(UTC) + SECOND
    customer = await fleet.subscribe("core_10k", begins=begins)

    async def clock() -> datetime:
        return datetime.now(UTC)

    begun = begins + 2 * SECOND  # the page's caller lives in real time
    await until(clock, lambda now: now > begun, "the subscription's first second")

    paid = await callers.render(customer.name, "film", 40)

    assert (paid["status"], paid["taken"], paid["available"]) == (
        "captured",
        {"credits": "40"},
        "9960",
    )
    ended = await callers.render(customer.name, "epic", 40_000)
    assert (ended["status"], ended["reason"]) == ("refused", "insufficient_credits")
    customer.check()


async def test_refusals_are_answers(fleet, callers) -> None:
    customer = await fleet.subscribe("core_10k")
    event = await message(customer, "5", "odd")
    hold = {**event, "lapses_at": LAPSES}
    settled = {"customer_id": customer.name, "key": "none"}

    answers = await callers.answers(
        ("consume", event | {"action": "dance"}),
        ("consume", event | {"quantity": "20000"}),
        ("consume", event | {"customer_id": "nobody"}),
        ("hold", hold | {"action": "dance"}),
        ("hold", hold | {"customer_id": "nobody"}),
        ("capture", settled | {"quantity": "1"}),
        ("release", settled | {"customer_id": "nobody"}),
        ("balance", {"customer_id": "nobody"}),
    )

    assert {one["status"] for one in answers} == {"refused"}
    assert [one["reason"] for one in answers] == [
        "unknown_action",
        "insufficient_credits",
        "unknown_customer",
        "unknown_action",
        "unknown_customer",
        "unknown_hold",
        "unknown_customer",
        "unknown_customer",
    ]
    assert answers[1]["missing"] == "10000"
    assert all(one["cure"] for one in answers)
    assert customer.used() == {}


async def test_a_purchase_is_waited_for(fleet, callers) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    event = await message(customer, "10005", "short")
    hold = {**await message(customer, "9000", "job"), "lapses_at": LAPSES}

    debited, held = await callers.answers(("consume", event), ("hold", hold))

    assert (debited["status"], debited["available"]) == ("debited", "9995")
    assert (held["status"], held["available"]) == ("held", "995")
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_the_balance_is_that_of_every_door(fleet, callers) -> None:
    customer = await fleet.subscribe("core_10k")
    event = await message(customer, "5", "before")

    _, told = await callers.answers(("consume", event), ("balance", {"customer_id": customer.name}))

    assert told["customer_id"] == customer.name
    assert told["credit_types"]["credits"]["available"] == "9995"
    assert told["seq"] == customer.history()[-1].seq


async def test_a_caller_s_history_holds_the_answer_and_no_more(fleet, callers) -> None:
    customer = await fleet.subscribe("core_10k")
    handle = await callers.start([("consume", await message(customer, "5", "brief"))])
    await handle.result()

    history = await handle.fetch_history()

    kinds = [EventType.Name(one.event_type).removeprefix("EVENT_TYPE_") for one in history.events]
    assert [kind for kind in kinds if "WORKFLOW" not in kind] == [
        "NEXUS_OPERATION_SCHEDULED",
        "NEXUS_OPERATION_COMPLETED",
    ]


@pytest.mark.parametrize(
    ("operation", "changed", "reason"),
    [
        ("consume", {"quantity": "many"}, "invalid_quantity"),
        ("consume", {"colour": "red"}, "unknown_field"),
        ("consume", {"customer_id": ""}, "invalid_id"),
        ("consume", {"key": "\ud800"}, "invalid_key"),
        ("hold", {"lapses_at": "tomorrow"}, "invalid_time"),
        ("hold", {"lapses_at": LAPSES, "key": "\ud800"}, "invalid_key"),
        ("capture", {}, "unknown_field"),
        ("balance", {}, "unknown_field"),
    ],
)
async def test_a_malformed_message_ends_the_operation_with_its_reason(
    fleet, callers, operation, changed, reason
) -> None:
    event = {
        "customer_id": "anybody",
        "key": "odd",
        "action": "operation",
        "quantity": "1",
        "event_at": "2027-01-01T00:00:00Z",
    }

    with pytest.raises(WorkflowFailureError) as failed:
        await callers.answers((operation, event | changed))

    operation_failed = failed.value.cause
    assert isinstance(operation_failed, NexusOperationError)
    handler_said = operation_failed.__cause__
    assert isinstance(handler_said, HandlerError)
    assert handler_said.type is HandlerErrorType.BAD_REQUEST
    cause = handler_said.__cause__
    assert isinstance(cause, ApplicationError)
    assert cause.type == reason


async def test_an_endpoint_is_made_once_and_never_taken_from_another(
    shared_fleet, callers, endpoint_name
) -> None:
    assert not await endpoint.ensure(shared_fleet.client, endpoint_name)
    other = await own_namespace(shared_fleet.client.service_client.config.target_host)

    with pytest.raises(InvalidInput) as refused:
        await endpoint.ensure(other, endpoint_name)

    assert refused.value.reason == "endpoint_taken"
