"""Ends and operators: cancel at the period's end or now; pause, resume, corrections."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.credits import MICRO
from tests.fleet import BEGINS, SECOND, Customer, Json, RunningFleet
from tests.payer import held

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
BEGUN = ["receipt", "welcome"]
NOTE = {"reason": "fraud review", "by": "ops@drawdown.test"}


async def cancel(customer: Customer, when: str) -> Json:
    return await customer.life.ask("cancel", {"when": when})


async def adjust(customer: Customer, amount: str, key: str) -> Json:
    wanted = {"key": key, "credits": amount, "reason": "goodwill", "by": "ops@drawdown.test"}
    return await customer.life.ask("adjust_credits", wanted)


async def test_canceled_at_the_periods_end_it_serves_until_then(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)

    answer = await cancel(customer, "period_end")
    assert (answer["status"], answer["effective_at"]) == ("canceled", FEBRUARY.isoformat())
    assert (await cancel(customer, "period_end"))["reason"] == "already_canceled"
    assert (await customer.change_plan("core_40k"))["reason"] == "already_canceled"
    await customer.pass_until(FEBRUARY - SECOND)
    assert (await customer.use("4000"))["status"] == "debited"
    status = await customer.pass_until(FEBRUARY + SECOND)

    assert status["status"] == "ended"
    assert await customer.outcome() == "ended"
    refused = await customer.debit("1", "after", FEBRUARY + SECOND)
    assert refused.status == "subscription_ended"
    assert (customer.books()["revenue"], customer.books()["breakage"]) == (-360, -540)
    assert customer.paid() == [900]
    assert customer.mails() == [*BEGUN, "canceled"]
    customer.check()


async def uncancel(customer: Customer, **more: object) -> Json:
    return await customer.life.ask("uncancel", more)


async def test_an_end_taken_back_renews_as_if_nothing_had_been_said(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    assert (await uncancel(customer))["reason"] == "not_canceled"
    await cancel(customer, "period_end")

    preview = await uncancel(customer, preview=True)
    assert (preview["renews_at"], preview["amount_minor"]) == (FEBRUARY.isoformat(), 900)
    assert (await customer.life.status())["status"] == "canceled"
    answer = await uncancel(customer, key="stay")
    status = await customer.life.settle()

    assert answer == preview | {"status": "uncanceled"}
    assert (status["status"], status["cancel_at_end"]) == ("active", False)
    await cancel(customer, "period_end")
    assert await uncancel(customer, key="stay") == answer  # a repeat takes nothing else back
    assert (await customer.life.status())["cancel_at_end"] is True
    await uncancel(customer, key="stay after all")
    assert customer.mails() == [*BEGUN, *["canceled", "uncanceled"] * 2]
    status = await customer.pass_until(FEBRUARY + SECOND)
    assert (status["status"], status["available"]) == ("active", "10000")
    assert customer.paid() == [900, 900]
    customer.check()


async def test_a_renewal_given_up_for_an_end_is_made_anew_when_it_is_taken_back(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(FEBRUARY - 5 * SECOND)  # its charge is prepared
    assert customer.charges()[-1] == ("period", "open", 900)

    await cancel(customer, "period_end")
    await uncancel(customer)
    status = await customer.pass_until(FEBRUARY + SECOND)

    assert (status["status"], customer.paid()) == ("active", [900, 900])
    assert [state for _, state, _ in customer.charges()] == ["paid", "void", "paid"]
    customer.check()


async def test_a_trial_that_was_canceled_and_goes_on_is_charged_at_its_end(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("tried", catalog="clocks")
    await cancel(customer, "period_end")
    answer = await uncancel(customer)
    status = await customer.life.settle()

    assert (status["status"], answer["amount_minor"]) == ("trialing", 900)
    await customer.pass_until(datetime.fromisoformat(answer["renews_at"]) + SECOND)
    assert customer.paid() == [900]


async def test_credits_that_never_expire_are_frozen_and_usable_again(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core", catalog="mild")
    await customer.buy("2000")
    await customer.report(["10500"])
    await cancel(customer, "period_end")
    await customer.pass_until(FEBRUARY + SECOND)

    frozen = "SELECT remaining, broken_minor FROM grants WHERE account_id = %s AND is_open"
    assert customer.rows(frozen) == [(1500 * MICRO, 0)]
    assert customer.books()["deferred_revenue"] == -135
    again = await fleet.subscribe(
        "core", catalog="mild", begins=FEBRUARY + timedelta(days=9), again=customer
    )

    assert (await again.life.status())["available"] == "11500"
    assert (await again.use("11500"))["status"] == "debited"
    again.check()


async def test_canceled_now_it_ends_at_once_and_refuses_what_waits(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)

    with customer.payment_held():
        await customer.life.record([await customer.event("10000", "all")])
        await customer.life.record([await customer.event("1", "waits")])
        await customer.reached("paying")
        assert (await cancel(customer, "now"))["status"] == "ended"
    assert await customer.outcome() == "ended"

    # The charge in flight completes; its credits are kept, frozen.
    assert customer.paid() == [900, 1170]
    assert customer.refusals() == [("waits", "subscription_ended")]
    assert customer.mails() == [*BEGUN, "canceled", "receipt"]
    customer.check()


async def test_canceled_before_it_begins_nothing_has_happened(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", wait=False)

    assert (await cancel(customer, "period_end"))["status"] == "ended"
    assert await customer.outcome() == "ended"

    customers = fleet.standin.get("/_ledger")["customers"].values()
    assert customer.name not in {one["customer_id"] for one in customers}


async def test_canceled_while_pending_nothing_more_is_charged(fleet: RunningFleet) -> None:
    declined = await fleet.subscribe("core_10k", card="pm_card_chargeCustomerFail")
    in_flight = await fleet.subscribe("core_10k", wait=False)
    with held(fleet.standin, path="/v1/invoices/*/finalize"):
        await in_flight.skip_to(BEGINS)
        await in_flight.reached("preparing")
        for customer in (in_flight, declined):  # while the first is still being charged
            assert (await cancel(customer, "now"))["status"] == "ended"
    for customer in (in_flight, declined):
        assert await customer.outcome() == "ended"
        assert customer.charges() == [("period", "void", 900)]
        assert (customer.paid(), customer.history()) == ([], ())
        customer.check()


async def test_canceled_with_the_renewal_unpaid_it_ends_now(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="stolen_card")
    await customer.pass_until(FEBRUARY + 60 * SECOND)

    assert (await cancel(customer, "period_end"))["status"] == "ended"
    assert await customer.outcome() == "ended"

    assert customer.charges()[1:] == [("period", "void", 900)]
    customer.check()


async def test_an_operators_pause_refuses_metered_actions_until_it_is_lifted(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")

    assert (await customer.life.ask("resume", NOTE))["reason"] == "not_paused"
    assert (await customer.life.ask("pause", NOTE))["status"] == "paused"
    assert (await customer.life.ask("pause", NOTE))["reason"] == "already_paused"
    assert (await customer.use("1"))["reason"] == "paused:by_operator"
    assert (await customer.use("1", action="ping"))["status"] == "debited"
    assert (await customer.buy("1000"))["reason"] == "paused:by_operator"
    assert (await customer.change_plan("core_40k"))["reason"] == "paused:by_operator"
    status = await customer.pass_until(FEBRUARY - SECOND)
    assert (status["status"], customer.paid()) == ("paused", [900])
    assert (await customer.life.ask("resume", NOTE))["status"] == "active"

    assert (await customer.use("1"))["status"] == "debited"
    assert customer.mails()[2:] == ["paused", "resumed"]
    customer.check()


async def test_an_operators_correction_moves_credits_once(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")

    assert (await adjust(customer, "500", "plus"))["status"] == "done"
    assert (await adjust(customer, "500", "plus"))["status"] == "done"
    assert (await adjust(customer, "501", "plus"))["reason"] == "idempotency_conflict"
    assert (await customer.use("10400"))["available"] == "100"
    assert (await adjust(customer, "-40.5", "minus"))["status"] == "done"
    assert (await adjust(customer, "-40.5", "minus"))["status"] == "done"
    assert (await adjust(customer, "-59.6", "too much"))["reason"] == "insufficient_credits"

    assert (await customer.use("59.5"))["available"] == "0"
    causes = [(line.change_micro, line.cause) for line in customer.history()[1:]]
    assert (500 * MICRO, "goodwill, by ops@drawdown.test") in causes
    assert (-40_500_000, "goodwill, by ops@drawdown.test") in causes
    customer.check()


async def test_the_available_credits_shown_follow_a_correction(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")

    await adjust(customer, "500", "shown")

    assert (await customer.life.status())["available"] == "10500"
