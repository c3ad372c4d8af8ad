"""Failures not caused by the card: no invoice could be made, or another amount was paid."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fleet import BEGINS, SECOND, RunningFleet

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
BEGUN = ["receipt", "welcome"]
CREDIT = -20_000  # minor units, of a payer that the processor owes


async def test_two_refusals_before_an_invoice_are_two_answers_and_life_goes_on(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    customer.balance(CREDIT)

    for key in ("p1", "p2", "p3"):
        answer = await customer.life.ask("buy_pack", {"key": key, "pack": "pack_500"})
        assert (answer["status"], answer["reason"]) == ("refused", "processor_refused")
        assert "card" in answer["cure"]

    assert (await customer.use("1", action="ai_email"))["status"] == "debited"
    assert {kind for kind, _ in customer.found()} == {"processor_refused"}
    assert len(customer.found()) == 3
    assert customer.mails() == [*BEGUN, *["looked_into"] * 3]
    assert [state for kind, state, _ in customer.charges() if kind == "pack"] == ["void"] * 3
    assert "declined" not in (await customer.life.status())["last_charge"]

    customer.balance(-CREDIT)
    answer = await customer.life.ask("buy_pack", {"key": "p4", "pack": "pack_500"})
    assert (answer["status"], answer["available"]) == ("paid", "999")
    repeated = await customer.life.ask("buy_pack", {"key": "p1", "pack": "pack_500"})
    assert (repeated["status"], repeated["reason"]) == ("refused", "processor_refused")
    customer.check()


async def test_a_renewal_refused_for_a_balance_is_paid_in_its_period_once_that_is_mended(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.balance(CREDIT)
    status = await customer.pass_until(FEBRUARY - SECOND)  # its invoice was refused already
    assert (status["status"], customer.found(), customer.mails()) == ("active", [], BEGUN)
    status = await customer.pass_until(FEBRUARY + 3 * DAY)
    assert (customer.paid(), status["paused_by"]) == ([900], ["payment_failed"])
    assert [kind for kind, _ in customer.found()] == ["processor_refused"]
    assert customer.mails() == [*BEGUN, "looked_into"]

    customer.balance(-CREDIT)
    status = await customer.looked_into()

    assert (status["status"], status["available"]) == ("active", "10000")
    assert customer.paid() == [900, 900]
    assert status["period_start"] == FEBRUARY.isoformat()
    assert customer.found() == []
    customer.check()


async def test_a_renewal_refused_for_a_balance_is_tried_daily_until_it_passes(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.balance(CREDIT)
    await customer.pass_until(FEBRUARY + 3 * DAY)
    customer.balance(-CREDIT)

    status = await customer.pass_until(FEBRUARY + 4 * DAY + HOUR)

    assert (status["status"], customer.paid()) == ("active", [900, 900])
    customer.check()


async def test_a_first_charge_that_is_refused_is_no_fault_of_the_card(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.cancel("now")
    assert await customer.outcome() == "ended"
    customer.balance(CREDIT)

    again = await fleet.subscribe("core_10k", begins=BEGINS + DAY, again=customer)
    status = await again.life.settle()
    assert (status["status"], again.mails()[-1]) == ("pending", "looked_into")
    assert [kind for kind, _ in again.found()] == ["processor_refused"]

    again.balance(-CREDIT)
    assert (await again.looked_into())["status"] == "active"
    assert again.paid() == [900, 900]
    again.check()


async def test_an_auto_purchase_that_is_refused_is_tried_again_once_that_is_mended(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.balance(CREDIT)
    status = await customer.report(["10000"])
    assert (status["paused_by"], customer.mails()) == (["payment_failed"], [*BEGUN, "looked_into"])
    assert [kind for kind, _ in customer.found()] == ["processor_refused"]

    customer.balance(-CREDIT)
    status = await customer.looked_into()

    assert (status["status"], status["available"]) == ("active", "10000")
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_a_pack_paid_with_another_amount_grants_nothing_and_is_looked_into(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    customer.fault("amount", amount=5400)

    answer = await customer.life.ask("buy_pack", {"key": "p1", "pack": "pack_1000"})

    assert (answer["status"], answer["reason"]) == ("refused", "under_review")
    assert [kind for kind, _ in customer.found()] == ["amount_differs"]
    assert customer.grants("pack") == []
    assert customer.mails() == [*BEGUN, "looked_into"]
    assert (await customer.use("1", action="ai_email"))["status"] == "debited"
    repeated = await customer.life.ask("buy_pack", {"key": "p1", "pack": "pack_1000"})
    assert repeated["reason"] == "under_review"
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []


async def test_a_renewal_paid_with_another_amount_waits_for_an_operator_then_begins(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("amount", amount=1100)
    status = await customer.pass_until(FEBRUARY + DAY)
    assert (customer.paid(), status["paused_by"]) == ([900, 1100], ["payment_failed"])
    assert [kind for kind, _ in customer.found()] == ["amount_differs"]
    status = await customer.update_card()  # is no reason to charge again
    assert (customer.paid(), status["paused_by"]) == ([900, 1100], ["payment_failed"])

    status = await customer.looked_into()  # who has sent the wrong one back

    assert (status["status"], status["available"]) == ("active", "10000")
    assert customer.paid() == [900, 1100, 900]
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []


async def test_an_auto_purchase_paid_with_another_amount_buys_nothing_more_by_itself(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("amount", amount=1)
    status = await customer.report(["10000", "1", "1"])
    assert (customer.paid(), status["paused_by"]) == ([900, 1], ["payment_failed"])
    assert (await customer.use("1"))["reason"] == "paused:payment_failed"
    assert customer.attempts() == 2

    status = await customer.looked_into()

    assert status["paused_by"] == []
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []


async def test_a_subscription_ends_though_a_payment_is_looked_into(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("amount", amount=1)
    await customer.report(["10000"])
    await customer.cancel("now")
    assert await customer.outcome() == "ended"
    assert [state for _, state, _ in customer.charges()] == ["paid", "void"]
