"""Declined charges: one attempt, one mail, a pause; what ends it; dunning; lapsed periods."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from local.patience import until
from local.timeline import without_time
from tests.fleet import BEGINS, SECOND, Customer, Json, RunningFleet

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
BEGUN = ["receipt", "welcome"]


async def declined_at_zero(fleet: RunningFleet, plan: str = "core_10k", **others: str) -> Customer:
    """Return a customer whose auto-purchase has just been declined."""
    customer = await fleet.subscribe(plan, auto=True, **others)
    customer.fault("decline")
    status = await customer.report(["10000"])
    assert (status["status"], status["paused_by"]) == ("paused", ["payment_failed"])
    return customer


async def test_m06_a_declined_auto_purchase_is_one_attempt_one_mail_and_a_pause(
    fleet: RunningFleet,
) -> None:
    customer = await declined_at_zero(fleet)
    assert (customer.attempts(), customer.mails()) == (2, [*BEGUN, "payment_failed"])

    await customer.report(["1"] * 500)
    assert [reason for _, reason in customer.refusals()] == ["paused:payment_failed"] * 500
    assert (await customer.use("1"))["reason"] == "paused:payment_failed"
    assert (await customer.use("1", action="ping"))["status"] == "debited"
    assert (await customer.buy("1000"))["reason"] == "paused:payment_failed"
    assert (customer.attempts(), customer.mails()) == (2, [*BEGUN, "payment_failed"])

    await customer.pass_until(BEGINS + DAY)
    status = await customer.update_card()

    assert (status["status"], status["available"]) == ("active", "10000")
    assert (customer.attempts(), customer.paid()) == (3, [900, 1170])
    assert sum(customer.paid()) == 2070
    assert sorted(customer.mails()[3:]) == ["receipt", "resumed"]
    assert (await customer.use("1"))["status"] == "debited"
    customer.check()


async def test_m06_a_lost_answer_is_one_charge_and_one_grant(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("lost", path="/v1/invoices/*/pay")

    status = await customer.report(["10000"])

    assert (customer.paid(), status["available"]) == ([900, 1170], "10000")
    given = [line for line in customer.history() if line.kind == "grant"]
    assert [(line.source, line.credit_type) for line in given] == [
        ("allowance", "credits"),
        ("auto_purchase", "credits"),
        ("auto_purchase", "data_transfer"),
    ]
    customer.check()


async def test_a_card_that_declines_again_leaves_it_paused_without_another_mail(
    fleet: RunningFleet,
) -> None:
    customer = await declined_at_zero(fleet)

    status = await customer.update_card("tok_chargeCustomerFail")
    assert (status["status"], customer.attempts()) == ("paused", 3)
    assert customer.mails() == [*BEGUN, "payment_failed"]

    assert (await customer.update_card())["status"] == "active"
    assert (customer.attempts(), customer.paid()) == (4, [900, 1170])
    customer.check()


async def test_several_events_of_one_card_are_one_retry(fleet: RunningFleet) -> None:
    customer = await declined_at_zero(fleet)
    customer.fault("decline")
    card = {"payment_method": customer.new_card()}

    await asyncio.gather(*(customer.life.signal("payment_method_updated", card) for _ in range(4)))
    assert (await customer.life.settle())["status"] == "paused"
    await customer.life.signal("payment_method_updated", card)

    assert (await customer.life.settle())["status"] == "paused"
    assert (customer.attempts(), customer.paid()) == (3, [900])
    customer.check()


def is_known(status: Json) -> bool:
    return "Mastercard" in status["card"]


async def test_a_card_replaced_while_the_old_one_is_declined_is_tried_at_once(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("decline")

    with customer.payment_held():
        await customer.life.record([await customer.event("10000")])
        await customer.reached("paying")
        new = {"payment_method": customer.new_card()}
        await customer.life.signal("payment_method_updated", new)
        await until(customer.life.status, is_known, "the new card", sign=without_time)
    status = await customer.life.settle()

    assert (status["status"], customer.paid()) == ("active", [900, 1170])
    assert customer.mails() == [*BEGUN, "receipt"]
    customer.check()


async def test_money_that_arrives_on_the_invoices_own_page_resumes(fleet: RunningFleet) -> None:
    customer = await declined_at_zero(fleet)
    query = "SELECT invoice FROM charges WHERE account_id = %s AND state = 'open'"
    ((invoice,),) = customer.rows(query)
    await customer.life.signal("invoice_paid", {"invoice": invoice})
    assert (await customer.life.settle())["status"] == "paused"  # an event is only a hint

    customer.pay_elsewhere(invoice)
    await customer.life.signal("invoice_paid", {"invoice": invoice})

    assert (await customer.life.settle())["status"] == "active"
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_dunning_follows_its_days_and_keeps_the_anchor(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", count=3)

    status = await customer.pass_until(FEBRUARY + SECOND)
    assert (status["status"], customer.attempts()) == ("past_due", 2)
    assert (await customer.use("1"))["reason"] == "paused:payment_failed"
    for days, attempts in ((1, 3), (3, 4), (5, 5)):
        await customer.pass_until(FEBRUARY + days * DAY - 60 * SECOND)
        assert customer.attempts() == attempts - 1
        status = await customer.pass_until(FEBRUARY + days * DAY + 60 * SECOND)
        assert customer.attempts() == attempts

    assert (status["status"], status["available"]) == ("active", "10000")
    assert status["period_end"] == MARCH.isoformat()
    assert customer.paid() == [900, 900]
    assert customer.mails()[:3] == [*BEGUN, "payment_failed"]
    assert sorted(customer.mails()[3:]) == ["receipt", "resumed"]
    customer.check()


async def test_after_the_last_retry_it_is_paused_until_the_card_changes(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", count=5)

    status = await customer.pass_until(FEBRUARY + 20 * DAY)
    assert (status["status"], customer.attempts()) == ("paused", 6)
    assert customer.mails() == [*BEGUN, "payment_failed", "paused"]
    status = await customer.update_card()

    assert (status["status"], status["period_end"]) == ("active", MARCH.isoformat())
    assert customer.paid() == [900, 900]
    customer.check()


async def test_a_hard_decline_is_not_tried_again(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="stolen_card")

    status = await customer.pass_until(FEBRUARY + 20 * DAY)
    assert (status["status"], customer.attempts()) == ("paused", 2)
    assert (await customer.update_card())["status"] == "active"

    assert (customer.attempts(), customer.paid()) == (3, [900, 900])
    customer.check()


async def test_a_renewal_unpaid_for_a_whole_period_is_void_when_the_card_changes(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline", code="stolen_card")

    await customer.pass_until(MARCH + 9 * DAY)
    status = await customer.update_card()

    assert (status["status"], status["period_start"]) == ("active", MARCH.isoformat())
    assert [state for _, state, _ in customer.charges()] == ["paid", "void", "paid"]
    assert customer.paid() == [900, 900]
    customer.check()


async def test_a_renewal_prepared_before_a_decline_is_charged_at_its_time(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.pass_until(FEBRUARY - 10 * SECOND)
    customer.fault("decline")
    await customer.report(["10000"])

    status = await customer.pass_until(FEBRUARY + DAY)
    assert (status["status"], customer.attempts(), customer.paid()) == ("paused", 3, [900, 900])
    status = await customer.update_card()

    assert (status["status"], customer.attempts(), customer.paid()) == ("active", 3, [900, 900])
    customer.check()


async def test_a_first_charge_that_is_declined_waits_for_a_card(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", card="pm_card_chargeCustomerFail")
    status = await customer.pass_until(BEGINS + 3 * DAY)
    assert (status["status"], customer.mails()) == ("pending", ["payment_failed"])
    assert (customer.attempts(), customer.history()) == (1, ())
    await customer.life.record([await customer.event("7", "early")])

    status = await customer.update_card()

    assert (status["status"], status["available"]) == ("active", "9993")
    assert status["period_end"] == FEBRUARY.isoformat()
    assert sorted(customer.mails()[1:]) == BEGUN
    assert (customer.attempts(), customer.paid()) == (2, [900])
    customer.check()


async def test_a_first_charge_unpaid_for_a_whole_period_begins_with_the_current_one(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", card=None)
    await customer.pass_until(FEBRUARY + 3 * DAY)

    status = await customer.update_card()

    assert (status["status"], status["period_start"]) == ("active", FEBRUARY.isoformat())
    assert customer.paid() == [900]
    customer.check()


async def test_an_auto_purchase_paid_after_its_window_counts_in_the_next(
    fleet: RunningFleet,
) -> None:
    yearly, monthly = await asyncio.gather(
        fleet.subscribe("core_10k_yearly", auto=True), fleet.subscribe("core_10k", auto=True)
    )

    async def pay_over_the_boundary(customer: Customer) -> None:
        await customer.pass_until(FEBRUARY - 60 * SECOND)
        await customer.skip_to(FEBRUARY - 2 * SECOND)
        with customer.payment_held():
            await customer.life.record([await customer.event("10000")])
            await customer.reached("paying")
            await customer.lived_until(FEBRUARY + SECOND)
        await customer.pass_until(FEBRUARY + 60 * SECOND)

        await customer.report(["10000", "10000"])
        assert (await customer.use("1"))["reason"] == "cap_reached"
        assert customer.paid().count(1170) == 1
        query = (
            "SELECT expires_at FROM grants WHERE account_id = %s AND source = 'auto_purchase'"
            " AND credit_type = 'credits'"
        )
        assert customer.rows(query) == [(MARCH,)]
        customer.check()

    await asyncio.gather(pay_over_the_boundary(yearly), pay_over_the_boundary(monthly))


async def test_any_successful_payment_ends_the_milder_pause(fleet: RunningFleet) -> None:
    customer = await declined_at_zero(fleet, "core", catalog="mild")

    bought = await customer.buy("2000")
    status = await customer.life.settle()

    assert (bought["status"], status["status"]) == ("paid", "active")
    assert (await customer.use("1"))["status"] == "debited"
    assert [state for _, state, _ in customer.charges()] == ["paid", "void", "paid"]
    assert customer.paid() == [900, 180]
    customer.check()


async def test_an_auto_purchase_is_retried_where_the_price_list_says_so(
    fleet: RunningFleet,
) -> None:
    customer = await declined_at_zero(fleet, "core", catalog="mild")

    status = await customer.pass_until(BEGINS + DAY + 60 * SECOND)

    assert (status["status"], customer.attempts()) == ("active", 3)
    assert customer.paid() == [900, 1170]
    customer.check()
