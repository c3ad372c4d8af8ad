"""What becomes of invoices, and of what was granted before its money, that nobody pays."""

import pytest

from tests.fleet import RunningFleet
from tests.stories.invoiced import a_house
from tests.stories.telling import subscribed

pytestmark = pytest.mark.long


async def test_what_a_failed_debit_gave_is_taken_back_whole(fleet: RunningFleet) -> None:
    team = await subscribed(fleet, "trusted_debits", "team")
    await team.ask("use_payment_method", payment_method="pm_usBankAccount_success")
    invoice = await team.orders_pack("thousand", "25.00", key="f")
    await team.uses("call", 501)

    team.customer.settle_later(invoice, "insufficient_funds")
    await team.hears_of(invoice)

    await team.owes("1")
    await team.has("0")
    team.ends_well()


async def test_the_books_of_what_was_never_paid_are_empty(fleet: RunningFleet) -> None:
    house, _ = await a_house(fleet)
    await house.lives_until("2027-02-02")
    await house.uses("call", 50)

    await house.lives_until("2027-02-15")

    assert not any(house.customer.books().values())
    house.ends_well()


async def test_who_pays_a_first_period_late_was_told_that_it_ends_on_its_day(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "anything", "sent", card=None)
    sent = await firm.finds_mail("$90.00, due January 11, 2027")
    await firm.lives_until("2027-01-20")
    unpaid = await firm.finds_mail("was not paid")
    for mail in (sent, unpaid):
        text = " ".join(mail["text"].split())
        assert "counts from its first day, whenever it is paid, and ends February 1, 2027." in text
        assert "starts as soon" not in text

    invoice = firm.customer.invoice_of("open")
    firm.customer.transfers(invoice, 9_000)
    await firm.hears_of(invoice)
    assert (await firm.is_now("active"))["period_end"] < "2027-02-02"
    firm.ends_well()


async def test_a_scheduled_plan_by_invoice_is_not_promised_for_a_day(fleet: RunningFleet) -> None:
    firm = await subscribed(fleet, "salestools", "business")
    await firm.ask("change_plan", plan="enterprise_yearly", key="up")
    mail = await firm.finds_mail("Your plan changes to")
    text = " ".join(mail["text"].split())
    assert "An invoice for it is sent then, to be paid by transfer within 30 days." in text
    assert "begins once the transfer has arrived" in text
    assert "takes over" not in text
    firm.ends_well()


async def test_try_again_says_that_no_card_pays_an_invoice(fleet: RunningFleet) -> None:
    house, invoice = await a_house(fleet)
    await house.is_told_no("nothing_declined", "retry_payment", key="early")
    await house.lives_until("2027-02-02")  # past due
    await house.is_told_no("paid_by_transfer", "retry_payment", key="late")
    await house.lives_until("2027-02-15")  # paused
    await house.is_told_no("paid_by_transfer", "retry_payment", key="unpaid")

    house.customer.transfers(invoice, 480000)
    await house.hears_of(invoice)
    await house.is_now("active")
    house.has_paid("4800.00")
    house.ends_well()
