"""A lost workflow is built again from the ledger's rows; nothing is charged or granted twice."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.maintenance import start_again, start_of
from ledger import subscriptions
from tests.fleet import SECOND, Customer, RunningFleet

pytestmark = pytest.mark.long

MID_JANUARY = datetime(2027, 1, 16, 12, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def lose(customer: Customer) -> datetime:
    """Let Temporal forget the workflow; return its last time."""
    now = await customer.life.now()
    await customer.life.handle.terminate("lost")
    return now


async def rebuild(customer: Customer, at: datetime) -> Customer:
    """Start the workflow again from the rows, as the command does, on a clock of its own."""
    with customer.fleet.engine.connect() as connection:
        (found,) = subscriptions.live(connection, customer.account_id)
        start = start_of(connection, found)
    return await customer.fleet.take_up(customer, start, at)


async def test_a_lost_subscription_serves_on_and_renews(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["4000"])
    await customer.change_plan("core_40k")
    await customer.buy("1000", key="mine")
    await customer.change_plan("core_25k")
    await customer.pass_until(MID_JANUARY)
    before = await customer.life.status()

    again = await rebuild(customer, await lose(customer))
    status = await again.life.settle()

    told = ("plan", "next_plan", "status", "available", "period_end", "auto_purchase", "card")
    assert {name: status[name] for name in told} == {name: before[name] for name in told}
    assert (await again.buy("1000", key="mine"))["status"] == "paid"
    assert (await again.use("37000"))["available"] == "0"
    status = await again.pass_until(FEBRUARY + SECOND)
    assert (status["plan"], status["available"]) == ("core_25k", "25000")
    assert (await again.change_plan("core_40k"))["charge_id"].endswith(":upgrade:2")
    assert customer.paid()[:3] == [900, 2000, 73]
    again.check()


async def test_a_renewal_lost_while_it_is_being_paid_is_paid_once(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(FEBRUARY - SECOND)

    with customer.payment_held():
        await customer.skip_to(FEBRUARY)
        await customer.reached("paying")
        lost = await lose(customer)
    again = await rebuild(customer, lost)
    status = await again.life.settle()

    assert (status["status"], status["available"]) == ("active", "10000")
    assert status["period_start"] == FEBRUARY.isoformat()
    assert customer.paid() == [900, 900]
    again.check()


async def test_a_lost_dunning_goes_on_where_it_stood(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="insufficient_funds", count=2)
    await customer.pass_until(FEBRUARY + SECOND)

    again = await rebuild(customer, await lose(customer))
    status = await again.life.settle()
    assert (status["status"], status["paused_by"]) == ("past_due", ["payment_failed"])
    assert status["next_due"].startswith("2027-02-02T00:00:0")
    await again.pass_until(FEBRUARY + DAY + SECOND)
    status = await again.pass_until(FEBRUARY + 3 * DAY + SECOND)

    assert (status["status"], customer.paid()) == ("active", [900, 900])
    assert customer.attempts() == 4
    again.check()


async def test_a_trial_an_end_and_a_first_charge_are_taken_up(fleet: RunningFleet) -> None:
    trial = await fleet.subscribe("tried", catalog="clocks")
    canceled = await fleet.subscribe("core_10k")
    await canceled.cancel()
    unpaid = await fleet.subscribe("core_10k", card="pm_card_chargeCustomerFail")

    trial, canceled, unpaid = [
        await rebuild(one, await lose(one)) for one in (trial, canceled, unpaid)
    ]

    assert (await trial.life.settle())["status"] == "trialing"
    assert (await trial.pass_until(datetime(2027, 1, 15, tzinfo=UTC) + SECOND))[
        "status"
    ] == "active"
    assert (await canceled.life.settle())["status"] == "canceled"
    assert (await canceled.pass_until(FEBRUARY + SECOND))["status"] == "ended"
    assert (await unpaid.life.settle())["status"] == "pending"
    assert (await unpaid.update_card())["status"] == "active"
    assert (trial.paid(), canceled.paid(), unpaid.paid()) == ([900], [900], [900])
    for one in (trial, canceled, unpaid):
        one.check()


async def test_what_runs_is_not_rebuilt_and_what_has_ended_cannot_be(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    with fleet.engine.connect() as connection:
        (found,) = subscriptions.live(connection, customer.account_id)
        start = start_of(connection, found)

    assert await start_again(fleet.client, start) == "already runs: nothing to do"
    await customer.cancel("now")
    await customer.outcome()
    with fleet.engine.connect() as connection:
        assert subscriptions.live(connection, customer.account_id) == ()
