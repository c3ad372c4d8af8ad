"""Starts that cannot be used fail by name and leave no customer behind."""

import json
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowFailureError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from domain.reasons import CURES
from local.patience import until
from local.timeline import without_time
from tests.contract.terminal import Terminal, unharmed
from tests.fleet import Customer, RunningFleet, result_of
from workflows import names


def start(**fields: Any) -> dict[str, Any]:
    name = f"bad-{uuid4()}"
    usable = {
        "subscription_id": name,
        "customer_id": name,
        "name": "Ada",
        "email": "ada@example.com",
        "catalog": "make",
        "plan_id": "core_10k",
    }
    return usable | fields


async def failure(fleet: RunningFleet, workflow_id: str, *arguments: Any) -> str:
    """Start a subscription that fails; return the failure's type."""
    handle = await fleet.client.start_workflow(
        "Subscription", args=arguments, id=workflow_id, task_queue=names.BILLING
    )
    with pytest.raises(WorkflowFailureError) as caught:
        await result_of(handle)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type in CURES
    return caught.value.cause.type


def customers(fleet: RunningFleet) -> list[Any]:
    with fleet.engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT * FROM customers ORDER BY customer_id"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"catalog": "nowhere"}, "unknown_catalog"),
        ({"plan_id": "core_1m"}, "unknown_plan"),
        ({"currency": "EUR"}, "unknown_currency"),
        ({"currency": 5}, "unknown_currency"),
        ({"plan_id": "\U0001f389" * 200}, "unknown_plan"),
        ({"locale": "xx_YY"}, "unknown_locale"),
        ({"time_zone": "Mars/Olympus"}, "unknown_time_zone"),
        ({"time_zone": "../../etc/passwd"}, "unknown_time_zone"),
        ({"customer_id": "a b"}, "invalid_id"),
        ({"subscription_id": "acme:manual"}, "invalid_id"),
        ({"customer_id": "a\x00b"}, "invalid_id"),
        ({"email": "a@b\nBcc: c@d"}, "invalid_email"),
        ({"name": "a\x00b"}, "malformed"),
        ({"plan": "core_10k"}, "unknown_field"),
        ({"begins_at": "9999-12-31T23:59:59-14:00"}, "invalid_time"),
    ],
)
async def test_a_start_that_cannot_be_used_fails_by_name(
    fleet: RunningFleet, fields: dict[str, Any], reason: str
) -> None:
    before, wanted = customers(fleet), start(**fields)
    workflow_id = names.subscription_workflow(wanted["subscription_id"])

    assert await failure(fleet, workflow_id, {"start": wanted}) == reason

    assert customers(fleet) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "malformed"),
        ([None], "malformed"),
        (["start"], "malformed"),
        ([{}], "missing_field"),
        ([{"start": []}], "malformed"),
        ([{"start": {}}], "missing_field"),
        ([{"start": start(), "colour": "red"}], "unknown_field"),
        ([RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"\xff"))], "malformed"),
        ([RawValue(Payload(metadata={"encoding": b"binary/x"}, data=b"\x00"))], "malformed"),
        ([{"start": start(subscription_id="another")}], "wrong_workflow_id"),
    ],
)
async def test_a_start_of_another_shape_fails_by_name(
    fleet: RunningFleet, arguments: list[Any], reason: str
) -> None:
    before = customers(fleet)

    got = await failure(fleet, f"subscription:{uuid4()}", *arguments)

    assert (got, customers(fleet)) == (reason, before)


async def test_only_a_run_before_is_trusted_with_more_than_the_start(fleet: RunningFleet) -> None:
    wanted = start(payment_method="pm_card_visa")
    workflow_id = names.subscription_workflow(wanted["subscription_id"])
    forged = {"start": wanted, "account_id": 1, "available_micro": 10**12, "auto_purchase": True}
    handle = await fleet.client.start_workflow(
        "Subscription", forged, id=workflow_id, task_queue=names.BILLING
    )

    status = await begun(handle)

    assert (status["available"], status["auto_purchase"]) == ("10000", False)


async def test_one_customer_has_one_live_subscription(
    fleet: RunningFleet, customer: Customer
) -> None:
    wanted = start(customer_id=customer.name)
    workflow_id = names.subscription_workflow(wanted["subscription_id"])
    async with unharmed(customer):
        assert await failure(fleet, workflow_id, {"start": wanted}) == "already_subscribed"


async def test_an_id_is_used_once(fleet: RunningFleet) -> None:
    ended = await fleet.subscribe("core_10k")
    assert (await ended.life.ask("cancel", {"when": "now"}))["status"] == "ended"
    await ended.life.handle.result()
    subscription_id = ended.life.handle.id.removeprefix("subscription:")
    wanted = start(subscription_id=subscription_id, customer_id=ended.name)

    assert await failure(fleet, ended.life.handle.id, {"start": wanted}) == "subscription_ended"

    assert ended.paid() == [900]
    ended.check()


async def test_a_card_that_nobody_knows_leaves_a_subscription_pending(
    fleet: RunningFleet, terminal: Terminal
) -> None:
    wanted = start(payment_method="pm_nobody")
    workflow_id = names.subscription_workflow(wanted["subscription_id"])
    text = json.dumps({"start": wanted})
    named = ["--workflow-id", workflow_id, "--task-queue", names.BILLING]
    ran = await terminal.run(
        ["workflow", "start", "--type", "Subscription", *named, "--input", text]
    )
    assert ran.code == 0, ran.errors
    handle = fleet.client.get_workflow_handle(workflow_id)

    status = await settled(handle)

    assert (status["status"], status["available"], status["refused"]) == ("pending", "0", 1)
    assert kept(fleet, wanted["customer_id"]) == ["unknown_payment_method"]
    await handle.signal("payment_method_updated", {"payment_method": "pm_card_visa"})
    assert (await begun(handle))["available"] == "10000"


def kept(fleet: RunningFleet, customer_id: str) -> list[str]:
    query = "SELECT reason FROM refusals JOIN customers USING (account_id) WHERE customer_id = %s"
    with fleet.engine.connect() as connection:
        return [row[0] for row in connection.exec_driver_sql(query, (customer_id,))]


async def begun(handle: Any) -> dict[str, Any]:
    return await until(
        lambda: settled(handle),
        lambda status: status["status"] != "pending",
        "the first period",
        sign=without_time,
    )


async def settled(handle: Any) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        return dict(await handle.query("status"))

    return await until(
        look, lambda status: not status["busy"], f"{handle.id} to rest", sign=without_time
    )
