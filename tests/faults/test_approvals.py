"""A worker is killed while an admin decides: held once, raised once, one mail, one answer."""

import asyncio

import pytest

from tests.faults.gates import Point, Side, commit
from tests.faults.mortal import MortalFleet
from tests.faults.test_crashes import in_the_inbox, points
from tests.fleet import Customer, Json
from tests.workflows.test_approvals import KnownRequest, a_team, ask, mails_to, request_of, spend

DECIDING = {
    "hold and verdict about to be written": commit("settle_approval(", "request"),
    "hold and verdict written": commit("settle_approval(", "answer"),
}


async def revive(mortal: MortalFleet, customer: Customer, request: KnownRequest) -> None:
    """Start the next worker; what the dead one held of a request is given up too."""
    dead = [worker for worker in mortal.workers if worker.poll() is not None]
    await mortal.revive(customer)
    await mortal.give_up(dead, request.handle.id)


async def dies_while_deciding(
    mortal: MortalFleet, customer: Customer, request: KnownRequest, point: Point, word: str
) -> Json:
    trap = mortal.set(point)
    asked = asyncio.create_task(getattr(request, word)())
    await mortal.sprung(trap)
    await revive(mortal, customer, request)
    return dict(await asked)


def held(customer: Customer) -> tuple[list[str], int]:
    """Return the states of the holds, and how many entries set credits aside."""
    holds = customer.rows("SELECT state FROM holds WHERE account_id = %s")
    ((entries,),) = customer.rows(
        "SELECT count(DISTINCT seq) FROM entries WHERE account_id = %s AND kind = 'hold'"
    )
    return [row[0] for row in holds], entries


async def delivered(customer: Customer, member: str, count: int) -> list[str]:
    """Wait for so many mails in a member's inbox; return the Message-IDs."""
    return await in_the_inbox(customer, f"{member}@{customer.name}.example", count)


@points(DECIDING)
async def test_an_approved_operation_is_held_once_though_the_worker_dies_while_it_is_decided(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await a_team(mortal.fleet)
    await ask(customer)
    request = request_of(customer)

    answer = await dies_while_deciding(
        mortal=mortal, customer=customer, request=request, point=point, word="approve"
    )

    ((until,),) = customer.rows("SELECT lapses_at FROM holds WHERE account_id = %s")
    assert answer == {
        "status": "done",
        "request": "approved",
        "by": "grace",
        "held_until": until.isoformat(),
    }
    end = await request.end()
    assert (end["request"], end["by"], end["held_until"]) == (
        "approved",
        "grace",
        until.isoformat(),
    )
    assert held(customer) == (["open"], 1)
    assert mails_to(customer, "ada") == ["approval_decided"]
    assert len(await delivered(customer, "ada", 1)) == 1
    assert (await spend(customer, "20"))["available"] == "400"
    captured = await customer.life.ask("capture", {"key": "job", "quantity": "80"})
    assert (captured["status"], captured["taken"]) == ("captured", {"credits": "80"})
    customer.check()


@points(DECIDING)
async def test_approved_credits_raise_a_limit_once_though_the_worker_dies_while_it_is_decided(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await a_team(mortal.fleet)
    limited = {"member": "ada", "name": "Ada", "limits": {"credits": "9"}}
    limited |= {"email": f"ada@{customer.name}.example"}
    await customer.life.ask("set_member", limited)
    more = {"key": "more", "member": "ada", "credits": "1.5"}
    assert (await customer.life.ask("request_credits", more))["status"] == "waiting"
    request = request_of(customer, "more")

    answer = await dies_while_deciding(
        mortal=mortal, customer=customer, request=request, point=point, word="approve"
    )

    assert answer == {"status": "done", "request": "approved", "by": "grace"}
    assert mails_to(customer, "ada") == ["approval_decided"]
    assert (await spend(customer, "10.5", "ada"))["status"] == "debited"
    assert (await spend(customer, "0.5", "ada"))["reason"] == "user_limit"
    customer.check()


@points(DECIDING)
async def test_a_refusal_is_told_once_and_holds_nothing_though_the_worker_dies(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await a_team(mortal.fleet)
    await ask(customer)
    request = request_of(customer)

    answer = await dies_while_deciding(
        mortal=mortal, customer=customer, request=request, point=point, word="refuse"
    )

    assert answer == {"status": "done", "request": "refused", "by": "grace"}
    assert held(customer) == ([], 0)
    assert mails_to(customer, "ada") == ["approval_decided"]
    assert (await spend(customer, "50"))["available"] == "450"
    customer.check()


@pytest.mark.faults
@pytest.mark.parametrize("side", ["request", "answer"])
async def test_a_kept_request_has_its_workflow_and_one_mail_per_admin_though_the_worker_dies(
    mortal: MortalFleet, side: Side
) -> None:
    customer = await a_team(mortal.fleet)
    trap = mortal.set(commit("ask_approval(", side))
    asked = asyncio.create_task(ask(customer))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    answer = await asked

    assert (answer["status"], answer["approval"]) == ("waiting", request_of(customer).handle.id)
    assert mails_to(customer, "grace") == mails_to(customer, "hedy") == ["approval_asked"]
    assert (await request_of(customer).approve())["status"] == "done"
    assert held(customer) == (["open"], 1)
    customer.check()
