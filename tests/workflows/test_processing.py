"""Money on its way: nothing is granted, tried or given up until the processor has decided."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from local.patience import until
from tests.fleet import BEGINS, Customer, RunningFleet

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FRIDAY = datetime(2027, 1, 8, 16, tzinfo=UTC)
WEDNESDAY = datetime(2027, 1, 13, 10, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
BEGUN = ["receipt", "welcome"]


async def told(customer: Customer, invoice: str, times: int = 1) -> dict[str, object]:
    """Let an event of the processor tell of an invoice; return the status afterwards."""
    for _ in range(times):
        await customer.life.signal("invoice_paid", {"invoice": invoice})
    return await customer.life.settle()


async def test_a_purchase_on_friday_paid_on_wednesday_is_one_grant_and_one_receipt(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(FRIDAY)
    customer.fault("later")
    bought = await customer.buy("1000", "p1")
    invoice = customer.invoice_of("processing")

    assert (bought["status"], bought["amount_minor"]) == ("processing", 90)
    assert (await customer.buy("1000", "p1")) == bought
    assert (await customer.use("10001"))["reason"] == "insufficient_credits"
    assert customer.mails() == [*BEGUN, "on_its_way"]
    assert (await told(customer, invoice, 2))["available"] == "10000"
    assert (await customer.pass_until(WEDNESDAY))["available"] == "10000"
    assert (customer.attempts(), customer.grants("manual_purchase")) == (2, [])

    customer.settle_later(invoice)
    assert (await told(customer, invoice, 3))["available"] == "11000"

    assert (customer.attempts(), customer.paid()) == (2, [900, 90])
    assert [cost for *_, cost in customer.grants("manual_purchase") if cost] == [90]
    assert (await customer.buy("1000", "p1"))["status"] == "paid"
    assert (await customer.use("10001"))["status"] == "debited"
    assert customer.mails() == [*BEGUN, "on_its_way", "receipt"]
    customer.check()


async def test_money_that_does_not_come_is_one_mail_and_no_second_attempt(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.buy("1000", "p1")
    invoice = customer.invoice_of("processing")
    await customer.pass_until(FRIDAY)

    customer.settle_later(invoice, "account_closed")
    status = await told(customer, invoice, 2)

    assert (status["status"], status["available"], status["open_charges"]) == (
        "active",
        "10000",
        [],
    )
    await customer.pass_until(WEDNESDAY + 10 * DAY)
    assert (customer.attempts(), customer.paid()) == (2, [900])
    assert customer.mails() == [*BEGUN, "on_its_way", "payment_failed"]
    assert [state for _, state, _ in customer.charges()] == ["paid", "void"]
    assert (await customer.buy("1000", "p1"))["status"] == "declined"
    customer.check()


async def test_an_event_that_gets_lost_is_made_good_by_looking_once_a_day(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.buy("1000")
    customer.settle_later(customer.invoice_of("processing"))

    assert (await customer.pass_until(BEGINS + 23 * HOUR))["available"] == "10000"
    assert (await customer.pass_until(BEGINS + 25 * HOUR))["available"] == "11000"
    assert customer.attempts() == 2
    customer.check()


async def test_an_auto_purchase_on_its_way_is_the_only_one_and_counts_when_it_comes(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("later")
    status = await customer.report(["10000"])
    assert (status["status"], status["available"]) == ("active", "0")
    invoice = customer.invoice_of("processing")

    await customer.report(["1"] * 3)
    assert [reason for _, reason in customer.refusals()] == ["payment_processing"] * 3
    assert (await customer.use("1", key="again"))["reason"] == "payment_processing"
    assert (await customer.use("1", action="ping"))["status"] == "debited"
    await customer.update_card()
    assert customer.attempts() == 2

    status = await customer.pass_until(FEBRUARY + HOUR)  # over the end of its window
    assert (status["available"], customer.attempts()) == ("10000", 3)
    customer.settle_later(invoice)
    status = await told(customer, invoice)

    assert (status["available"], status["open_charges"]) == ("20000", [])
    ((begins, ends, bought, cost),) = [one for one in customer.grants("auto_purchase") if one[3]]
    assert (begins >= FEBRUARY, ends, bought, cost) == (True, MARCH, 10000, 1170)
    assert (await customer.use("1", key="again"))["status"] == "debited"
    customer.check()


async def test_an_auto_purchase_that_fails_later_pauses_like_any_other(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    customer.fault("later")
    await customer.report(["10000"])
    invoice = customer.invoice_of("processing")
    await customer.pass_until(BEGINS + 4 * DAY)

    customer.settle_later(invoice, "insufficient_funds")
    status = await told(customer, invoice)

    assert (status["status"], status["paused_by"]) == ("paused", ["payment_failed"])
    assert (customer.attempts(), customer.mails()) == (2, [*BEGUN, "on_its_way", "payment_failed"])
    assert (await customer.update_card())["available"] == "10000"
    assert customer.attempts() == 3
    customer.check()


async def test_a_renewal_on_its_way_keeps_its_anchor_and_is_tried_once(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.pass_until(FEBRUARY + HOUR)
    invoice = customer.invoice_of("processing")
    assert (await customer.use("1", key="early"))["status"] == "pending"
    await customer.pass_until(FEBRUARY + 4 * DAY)
    assert customer.attempts() == 2

    customer.settle_later(invoice)
    status = await told(customer, invoice, 2)

    assert (status["status"], status["available"]) == ("active", "9999")
    assert status["period_end"] == MARCH.isoformat()
    assert customer.paid() == [900, 900]
    assert customer.mails() == [*BEGUN, "on_its_way", "receipt"]
    customer.check()


async def test_a_renewal_that_fails_later_is_dunned_as_any_other(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.pass_until(FEBRUARY + 4 * DAY)
    invoice = customer.invoice_of("processing")

    customer.settle_later(invoice, "insufficient_funds")
    status = await told(customer, invoice)
    assert (status["status"], customer.attempts()) == ("past_due", 2)
    status = await customer.pass_until(FEBRUARY + 6 * DAY)

    assert (status["status"], customer.attempts()) == ("active", 3)
    assert status["period_end"] == MARCH.isoformat()
    customer.check()


async def test_a_first_period_begins_when_its_money_has_come(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", card="pm_card_processing", wait=False)
    status = await customer.pass_until(BEGINS + DAY + HOUR)
    assert (status["status"], status["available"]) == ("pending", "0")
    invoice = customer.invoice_of("processing")

    customer.settle_later(invoice)
    status = await told(customer, invoice)

    assert (status["status"], status["available"]) == ("active", "10000")
    assert status["period_end"] == FEBRUARY.isoformat()
    customer.check()


async def test_an_end_waits_for_no_money_and_money_after_it_is_kept_frozen(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.buy("1000")
    invoice = customer.invoice_of("processing")

    assert (await customer.cancel("now"))["status"] == "ended"
    status = await customer.pass_until(BEGINS + 3 * DAY)
    assert (status["status"], status["open_charges"][0]["step"]) == ("ended", "processing")
    assert (await customer.use("1"))["reason"] == "subscription_ended"

    customer.settle_later(invoice)
    await customer.life.signal("invoice_paid", {"invoice": invoice})

    assert await customer.outcome() == "ended"
    assert [state for _, state, _ in customer.charges()] == ["paid", "paid"]
    customer.check()


async def test_each_usage_while_a_renewals_money_is_on_its_way_is_answered(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("later")
    await customer.pass_until(FEBRUARY + HOUR)
    invoice = customer.invoice_of("processing")

    for number in (1, 2):
        asked = asyncio.create_task(customer.use("1"))
        await until(customer.life.status, waits(number), "the usage to wait")
        await customer.skip_to(await customer.life.now() + timedelta(seconds=20))
        assert (await asked)["status"] == "pending"

    customer.settle_later(invoice)
    assert (await told(customer, invoice))["available"] == "9998"
    customer.check()


def waits(number: int) -> Callable[[dict[str, object]], bool]:
    return lambda status: status["waiting_events"] == number
