"""Members' requests, from the message to the admin's decision, in virtual time."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from local.timeline import HAIR, MOST_HOPS
from tests.fleet import Customer, RunningFleet, result_of
from workflows import names

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
Json = dict[str, Any]


@dataclass(frozen=True)
class KnownRequest:
    """A request's workflow and its clock."""

    handle: WorkflowHandle[Any, Any]
    skipper: TimeSkipper

    async def approve(self, by: str = "grace") -> Json:
        return dict(await self.handle.execute_update("approve", {"by": by}))

    async def refuse(self, by: str = "grace", reason: str = "not now") -> Json:
        return dict(await self.handle.execute_update("refuse", {"by": by, "reason": reason}))

    async def status(self) -> Json:
        return dict(await self.handle.query("status"))

    async def pass_time(self, span: timedelta) -> None:
        await self.skipper.fast_forward(self.handle, span + HAIR)

    async def end(self) -> Json:
        return dict(await result_of(self.handle))


def request_of(customer: Customer, key: str = "job") -> KnownRequest:
    client = customer.fleet.client
    workflow_id = names.approval_workflow(
        customer.life.handle.id.removeprefix("subscription:"), key
    )
    config = TimeSkippingConfig(max_session_skip_count=MOST_HOPS)
    return KnownRequest(client.get_workflow_handle(workflow_id), TimeSkipper(client, config=config))


async def a_team(fleet: RunningFleet, plan: str = "starter") -> Customer:
    """Ada works with a limit of 200, Grace and Hedy are admins."""
    customer = await fleet.subscribe(plan, catalog="salestools")
    for member, role in (("ada", "member"), ("grace", "admin"), ("hedy", "admin")):
        message = {"member": member, "name": member.title(), "role": role}
        message |= {"email": f"{member}@{customer.name}.example"}
        answer = await customer.life.ask("set_member", message)
        assert answer == {"status": "done", "member": member}
    return customer


async def ask(customer: Customer, quantity: str = "80", key: str = "job", **fields: Any) -> Json:
    event = await customer.event(quantity, key, "ai_email")
    return await customer.life.ask("request_approval", event | {"member": "ada"} | fields)


async def spend(customer: Customer, quantity: str, member: str = "hedy") -> Json:
    """Use up to 50 credits at once, as a member may without asking."""
    event = await customer.event(quantity, None, "ai_email")
    return await customer.life.ask("consume", event | {"tags": {"member": member}})


async def leave(customer: Customer, credits_left: int) -> None:
    """Use the allowance of 500 until so much is left."""
    for _ in range((500 - credits_left) // 50):
        assert (await spend(customer, "50"))["status"] == "debited"


def mails_to(customer: Customer, member: str) -> list[str]:
    rows = customer.rows(
        "SELECT payload ->> 'to', payload -> 'mail' ->> 'kind' FROM outbox WHERE account_id = %s"
        " AND topic = 'mail' ORDER BY recorded_at, message_key"
    )
    return [kind for to, kind in rows if to.startswith(f"{member}@")]


async def test_m11_a_request_waits_is_checked_again_held_and_captured(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    await leave(customer, 100)
    asked = await ask(customer)
    assert (asked["status"], asked["credits"]) == ("waiting", "80")
    assert asked["approval"] == request_of(customer).handle.id
    assert (await spend(customer, "30"))["available"] == "70"

    first = await request_of(customer).approve()

    assert (first["status"], first["reason"]) == ("refused", "insufficient_credits")
    assert (first["request"], first["missing"]) == ("waiting", "10")
    bought = await customer.life.ask("buy_pack", {"key": "pack", "pack": "pack_500"})
    assert bought["status"] == "paid"
    second = await request_of(customer).approve()
    assert (second["status"], second["request"], second["by"]) == ("done", "approved", "grace")
    assert (await request_of(customer).end())["request"] == "approved"
    captured = await customer.life.ask("capture", {"key": "job", "quantity": "70"})
    assert (captured["status"], captured["taken"]) == ("captured", {"credits": "70"})
    grants = customer.rows("SELECT remaining FROM grants WHERE account_id = %s ORDER BY priority")
    assert [row[0] for row in grants] == [0, 500_000_000]
    customer.check()


async def test_an_operation_above_the_limit_is_not_used_without_asking(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    event = await customer.event("51", "big", "ai_email")

    consumed = await customer.life.ask("consume", event)
    later = (await customer.life.now()) + DAY
    held = await customer.life.ask("hold", event | {"lapses_at": later.isoformat()})
    await customer.life.record([event])
    await customer.life.settle()

    assert consumed["reason"] == held["reason"] == "approval_required"
    assert customer.refusals() == [("big", "approval_required")]
    assert (await customer.life.ask("consume", event | {"quantity": "50"}))["status"] == "debited"
    small = await ask(customer, "50", "small")
    assert small["reason"] == "approval_not_needed"


async def test_a_request_that_nobody_decides_lapses_after_a_week(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    wish = (await customer.event("80", "job", "ai_email")) | {"member": "ada"}
    assert (await customer.life.ask("request_approval", wish))["status"] == "waiting"
    request = request_of(customer)
    await request.pass_time(WEEK - DAY)
    assert (await request.status())["request"] == "waiting"

    await request.pass_time(DAY)

    assert (await request.end())["request"] == "lapsed"
    assert mails_to(customer, "ada") == ["approval_decided"]
    assert (await customer.life.ask("request_approval", wish))["status"] == "lapsed"
    other = await customer.life.ask("request_approval", wish | {"quantity": "81"})
    assert other["reason"] == "idempotency_conflict"
    with pytest.raises(RPCError) as ended:
        await request.approve()
    assert ended.value.status is RPCStatusCode.NOT_FOUND


async def test_two_admins_at_once_make_one_approval(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    await ask(customer)
    request = request_of(customer)

    answers = await asyncio.gather(
        *(request.approve(by) for by in ("grace", "hedy")), return_exceptions=True
    )

    done = [one for one in answers if isinstance(one, dict) and one["status"] == "done"]
    assert len(done) == 1
    assert [one["reason"] for one in answers if isinstance(one, dict) and one not in done] in (
        [],
        ["already_decided"],
    )
    holds = customer.rows("SELECT state FROM holds WHERE account_id = %s")
    assert [row[0] for row in holds] == ["open"]


async def test_an_admin_refuses_and_the_member_is_told_why(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    await ask(customer, note="for Monday")
    assert mails_to(customer, "grace") == mails_to(customer, "hedy") == ["approval_asked"]

    answer = await request_of(customer).refuse("hedy", "too dear")

    assert answer == {"status": "done", "request": "refused", "by": "hedy"}
    assert mails_to(customer, "ada") == ["approval_decided"]
    ((mail,),) = customer.rows(
        "SELECT payload -> 'mail' FROM outbox WHERE account_id = %s"
        " AND payload -> 'mail' ->> 'kind' = 'approval_decided'"
    )
    assert (mail["reason"], mail["decided_by"], mail["ask"]["note"]) == (
        "too dear",
        "Hedy",
        "for Monday",
    )
    assert (await spend(customer, "50"))["available"] == "450"


async def test_only_another_admin_s_word_counts(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    await ask(customer, member="grace")
    request = request_of(customer)

    reasons = [(await request.approve(by))["reason"] for by in ("grace", "ada", "nobody")]

    assert reasons == ["own_request", "not_an_admin", "not_an_admin"]
    assert mails_to(customer, "grace") == []
    assert (await request.approve("hedy"))["status"] == "done"


async def test_approved_credits_raise_the_member_s_limit(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    limited = {"member": "ada", "name": "Ada", "email": "ada@a.example", "limits": {"credits": "9"}}
    await customer.life.ask("set_member", limited)
    assert (await spend(customer, "10", "ada"))["reason"] == "user_limit"
    more = {"key": "more", "member": "ada", "credits": "1.5"}
    assert (await customer.life.ask("request_credits", more))["status"] == "waiting"
    assert (await customer.life.ask("request_credits", more))["status"] == "waiting"

    answer = await request_of(customer, "more").approve()

    assert answer["status"] == "done"
    assert (await spend(customer, "10.5", "ada"))["status"] == "debited"
    assert (await spend(customer, "0.5", "ada"))["reason"] == "user_limit"


async def test_a_request_survives_what_nobody_can_read(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    await ask(customer)
    request = request_of(customer)
    await request.handle.signal("nobody_knows_this", {"a": 1})
    for name, arguments in (
        ("approve", [{}]),
        ("approve", [{"by": 7}]),
        ("approve", [{"by": "grace", "why": "x"}]),
        ("approve", []),
        ("refuse", [{"by": "grace"}]),
        ("dance", [{}]),
    ):
        with pytest.raises(WorkflowUpdateFailedError) as rejected:
            await request.handle.execute_update(name, args=arguments)
        assert isinstance(rejected.value.cause, ApplicationError)

    assert (await request.approve())["status"] == "done"
    assert customer.refusals() == [(None, "unknown_message")]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ({"subscription_id": "nobody", "key": "job"}, "unknown_approval"),
        ({"subscription_id": "other", "key": "job"}, "wrong_workflow_id"),
        ({"key": "job"}, "missing_field"),
        ("job", "malformed"),
    ],
)
async def test_a_request_that_nobody_made_fails_with_its_reason(
    fleet: RunningFleet, start: Any, reason: str
) -> None:
    handle = await fleet.client.start_workflow(
        "Approval", start, id="approval:nobody:job", task_queue=names.BILLING
    )

    with pytest.raises(Exception, match="Workflow execution failed") as failed:
        await handle.result()

    cause = failed.value.cause  # type: ignore[attr-defined]
    assert (getattr(cause, "cause", None) or cause).type == reason


async def test_an_operator_reads_a_request_in_the_ui(fleet: RunningFleet) -> None:
    customer = await a_team(fleet)
    await ask(customer, note="for | Monday")
    request = request_of(customer)
    await request.approve("ada")

    described = await request.handle.describe()
    details = (await request.handle.query("__temporal_workflow_metadata")).current_details

    assert described.typed_search_attributes[names.STATUS] == "waiting"
    assert described.typed_search_attributes[names.CUSTOMER] == customer.name
    assert "Ada asks for 80 x AI email: 80 credits" in details
    assert "for \\| Monday" in details
    assert "ada at" in details
    assert datetime.fromisoformat((await request.status())["lapses_at"]) > await customer.life.now()
