"""What becomes of a charge by what happens meanwhile (domain/payments/charge_fates.py), played."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.common import WorkflowIDConflictPolicy

from domain.payments.charges import ProcessorEvent
from tests.fleet import SECOND, Customer, RunningFleet
from tests.workflows.test_rebuilding import lose, rebuild
from workflows import names
from workflows.stripe_event import StripeEvent

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
APRIL = datetime(2027, 4, 1, tzinfo=UTC)
MAY = datetime(2027, 5, 1, tzinfo=UTC)


async def declined_at_zero(fleet: RunningFleet, plan: str = "core_10k", **others: str) -> Customer:
    """Return a customer whose auto-purchase has just been declined."""
    customer = await fleet.subscribe(plan, auto=True, **others)
    customer.fault("decline", code="stolen_card")  # nothing is tried again by itself
    status = await customer.report(["10000"])
    assert (status["status"], status["paused_by"]) == ("paused", ["payment_failed"])
    return customer


async def test_a_declined_auto_purchase_stops_no_renewal(fleet: RunningFleet) -> None:
    strict = await declined_at_zero(fleet)
    mild = await declined_at_zero(fleet, "core", catalog="mild")

    status = await strict.pass_until(FEBRUARY + DAY)
    assert (status["status"], status["available"]) == ("paused", "10000")
    assert (status["period_start"], strict.paid()) == (FEBRUARY.isoformat(), [900, 900])
    assert strict.charges()[1] == ("auto_purchase", "void", 1170)
    assert (await strict.use("1"))["reason"] == "paused:payment_failed"
    status = await strict.update_card()
    assert (status["status"], status["available"], strict.attempts()) == ("active", "10000", 3)

    status = await mild.pass_until(FEBRUARY + DAY)
    assert (status["status"], mild.paid()) == ("active", [900, 900])
    assert (await mild.use("1"))["status"] == "debited"
    for one in (strict, mild):
        one.check()


async def test_a_pause_for_a_purchase_outlives_a_lost_workflow(fleet: RunningFleet) -> None:
    customer = await declined_at_zero(fleet)

    again = await rebuild(customer, await lose(customer))
    status = await again.pass_until(FEBRUARY + DAY)

    assert (status["status"], status["available"]) == ("paused", "10000")
    assert (await again.update_card())["status"] == "active"
    assert customer.paid() == [900, 900]
    again.check()


async def test_a_purchase_that_was_switched_off_is_void_and_a_card_only_resumes(
    fleet: RunningFleet,
) -> None:
    customer = await declined_at_zero(fleet)

    await customer.switch(on=False)
    assert (await customer.life.settle())["status"] == "paused"
    assert customer.charges()[-1] == ("auto_purchase", "void", 1170)
    status = await customer.update_card()

    assert (status["status"], customer.attempts(), customer.paid()) == ("active", 2, [900])
    customer.check()


async def test_a_purchase_of_a_subscription_that_ends_is_void(fleet: RunningFleet) -> None:
    customer = await declined_at_zero(fleet)

    await customer.cancel()
    status = await customer.update_card()

    assert (status["status"], customer.attempts(), customer.paid()) == ("canceled", 2, [900])
    customer.check()


async def test_after_an_outage_only_the_period_under_way_is_paid(fleet: RunningFleet) -> None:
    prepared = await fleet.subscribe("core_10k")
    declined = await fleet.subscribe("core_10k")
    await prepared.pass_until(FEBRUARY - 10 * SECOND)
    declined.fault("decline", code="insufficient_funds")
    await declined.pass_until(FEBRUARY + SECOND)
    for one in (prepared, declined):
        await lose(one)

    for one in (prepared, declined):
        again = await rebuild(one, APRIL + 9 * DAY)
        status = await again.life.settle()
        assert (status["status"], status["period_start"]) == ("active", APRIL.isoformat())
        assert status["period_end"] == MAY.isoformat()
        assert one.paid() == [900, 900]
        assert [state for _, state, _ in one.charges()] == ["paid", "void", "paid"]
        again.check()


async def test_after_ten_years_nobody_owes_more_than_the_month_under_way(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="insufficient_funds")
    await customer.pass_until(FEBRUARY + SECOND)
    await lose(customer)

    again = await rebuild(customer, datetime(2037, 4, 10, tzinfo=UTC))
    status = await again.life.settle()

    assert (status["status"], status["period_start"]) == ("active", "2037-04-01T00:00:00+00:00")
    assert customer.paid() == [900, 900]
    assert [state for _, state, _ in customer.charges()] == ["paid", "void", "paid"]
    history = await again.life.handle.fetch_history()
    assert (
        sum(one.HasField("activity_task_scheduled_event_attributes") for one in history.events) < 15
    )
    again.check()


async def test_an_unpaid_period_is_void_once_it_is_over(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    first = await fleet.subscribe("core_10k", card="pm_card_chargeCustomerFail")
    customer.fault("decline", code="stolen_card")
    await customer.pass_until(MARCH + DAY)
    await first.pass_until(FEBRUARY + DAY)

    assert customer.charges()[-1] == ("period", "void", 900)
    assert first.charges() == [("period", "void", 900)]
    for one, at in ((customer, datetime(2027, 9, 10, tzinfo=UTC)), (first, APRIL + DAY)):
        again = await rebuild(one, max(at, await lose(one)))
        assert (await again.life.settle())["status"] in ("past_due", "pending")
        status = await again.update_card()
        assert status["status"] == "active"
        assert status["period_start"] == f"{at:%Y-%m}-01T00:00:00+00:00"
        again.check()
    assert (customer.paid(), first.paid()) == ([900, 900], [900])
    assert (customer.attempts(), first.attempts()) == (3, 2)


async def test_dunning_that_an_outage_held_up_keeps_its_distances(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="insufficient_funds", count=3)
    await customer.pass_until(FEBRUARY + SECOND)
    await lose(customer)

    again = await rebuild(customer, FEBRUARY + 10 * DAY)
    status = await again.life.settle()
    assert (status["status"], customer.attempts()) == ("past_due", 3)
    assert status["next_due"].startswith("2027-02-13T00:00:0")  # two days after the try before

    status = await again.pass_until(FEBRUARY + 15 * DAY)
    assert (status["status"], customer.paid()) == ("active", [900, 900])
    again.check()


async def test_any_sign_that_a_card_may_work_is_exactly_one_retry(fleet: RunningFleet) -> None:
    async def signalled(customer: Customer) -> None:
        again = {"payment_method": await used(customer)}
        for _ in range(3):
            await customer.life.signal("payment_method_updated", again)

    async def renewed(customer: Customer) -> None:
        news = {"payment_method": await used(customer), "update": "evt_1"}
        for _ in range(3):
            await customer.life.signal("payment_method_updated", news)

    async def chosen(customer: Customer) -> None:
        await customer.life.ask("use_payment_method", {"payment_method": await used(customer)})

    async def asked(customer: Customer) -> None:
        answer = await customer.life.ask("retry_payment", {"key": "again"})
        assert answer["status"] == "retrying"
        assert (await customer.life.ask("retry_payment", {"key": "again"}))["status"] == "repeated"

    for sign in (signalled, renewed, chosen, asked):
        customer = await declined_at_zero(fleet)
        default = {"payment_method": await used(customer), "update": "default"}
        await customer.life.signal("payment_method_updated", default)  # no news
        assert (await customer.life.settle())["status"] == "paused"
        customer.fault("decline")
        await sign(customer)
        assert (await customer.life.settle())["status"] == "paused"
        assert (customer.attempts(), customer.paid()) == (3, [900]), sign.__name__

        assert (await customer.life.ask("retry_payment", {"key": "last"}))["status"] == "retrying"
        assert (await customer.life.settle())["status"] == "active"
        assert (customer.attempts(), customer.paid()) == (4, [900, 1170]), sign.__name__
        answer = await customer.life.ask("retry_payment", {"key": "needless"})
        assert answer["reason"] == "nothing_declined"
        customer.check()


async def test_a_card_that_the_processor_renews_is_one_retry(fleet: RunningFleet) -> None:
    customer = await declined_at_zero(fleet)
    event = ProcessorEvent(
        f"evt_{customer.name}", "payment_method.automatically_updated", await used(customer)
    )
    for _ in range(2):
        outcome = await fleet.client.execute_workflow(
            StripeEvent.run,
            event,
            id=f"stripe:{event.event_id}",
            task_queue=names.BILLING,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        assert outcome.outcome == "signaled"

    assert (await customer.life.settle())["status"] == "active"
    assert (customer.attempts(), customer.paid()) == (3, [900, 1170])
    customer.check()


async def used(customer: Customer) -> str:
    """Return the payment method in use."""
    answer = await customer.life.ask("list_payment_methods", {})
    return next(str(one["payment_method"]) for one in answer["payment_methods"] if one["default"])


async def test_a_pack_that_never_expires_is_granted_at_once_while_a_renewal_is_unpaid(
    fleet: RunningFleet,
) -> None:
    soon = await fleet.subscribe("starter", catalog="salestools")
    soon.fault("decline", code="insufficient_funds")
    await soon.pass_until(FEBRUARY + 60 * SECOND)
    bought = await soon.life.ask("buy_pack", {"key": "soon", "pack": "pack_500"})
    status = await soon.life.settle()
    assert (bought["status"], bought["available"]) == ("paid", "500")
    assert (status["status"], status["open_charges"][0]["step"]) == ("past_due", "declined")
    assert (await soon.use("1", action="ai_email"))["available"] == "499"
    assert [state for _, state, _ in soon.charges()] == ["paid", "open", "paid"]
    status = await soon.pass_until(FEBRUARY + DAY + 60 * SECOND)
    assert (status["status"], status["available"]) == ("active", "999")
    assert sorted(soon.paid()) == [2500, 2900, 2900]
    soon.check()


async def test_salestools_serves_packs_while_unpaid_and_ends_after_its_dunning(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    await customer.life.ask("buy_pack", {"key": "one", "pack": "pack_500"})
    customer.fault("decline", code="insufficient_funds", count=99)

    await customer.pass_until(FEBRUARY + 7 * DAY - 60 * SECOND)
    assert (await customer.use("1", action="ai_email"))["available"] == "499"
    await customer.pass_until(FEBRUARY + 7 * DAY + 60 * SECOND)

    assert await customer.outcome() == "ended"
    assert customer.charges()[-1] == ("period", "void", 2900)
    assert customer.paid() == [2900, 2500]
    customer.check()


async def test_what_needs_a_window_waits_for_it_and_the_ledger_knows(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(FEBRUARY - 60 * SECOND)
    await customer.skip_to(FEBRUARY - 2 * SECOND)
    with customer.payment_held():
        buying = asyncio.create_task(customer.buy("1000", key="late"))
        await customer.reached("paying")
        customer.fault("decline", code="stolen_card", count=1)
        await customer.is_told("paused")
    status = await customer.pass_until(FEBRUARY + 60 * SECOND)

    known = (
        "SELECT received_at IS NULL, state FROM charges WHERE account_id = %s AND kind <> 'period'"
    )
    answer = await buying
    assert (answer["status"], answer["granted"]) == ("paid", "with_the_next_window")
    assert (status["status"], customer.rows(known)) == ("paused", [(False, "open")])
    again = await rebuild(customer, await lose(customer))
    assert (await again.life.settle())["open_charges"][-1]["step"] == "paid"
    assert (await again.update_card())["available"] == "11000"
    assert customer.rows(known) == [(False, "paid")]
    again.check()
