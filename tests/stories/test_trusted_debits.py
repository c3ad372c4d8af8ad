"""Credits before the money of a bank debit: usable at once, taken back if it fails."""

import pytest

from tests.fleet import RunningFleet
from tests.stories.telling import Told, subscribed

pytestmark = pytest.mark.long

ACCOUNT = "pm_usBankAccount_success"


async def a_trusted_team(fleet: RunningFleet) -> Told:
    """The plan was paid by card; since then a bank account is to be charged."""
    team = await subscribed(fleet, "trusted_debits", "team")
    team.has_paid("80.00")
    await team.ask("use_payment_method", payment_method=ACCOUNT)
    await team.lives_until("2027-01-08T16:00")
    return team


async def test_a_pack_is_usable_at_once_and_its_receipt_comes_with_the_money(
    fleet: RunningFleet,
) -> None:
    team = await a_trusted_team(fleet)

    answer = await team.ask("buy_pack", key="friday", pack="thousand", count=1)
    assert (answer["status"], answer["granted"]) == ("processing", "before_its_money")
    assert answer["available"] == "1500"
    again = await team.ask("buy_pack", key="friday", pack="thousand", count=1)
    assert again["status"] == "processing"
    invoice = team.customer.invoice_of("processing")
    await team.has("1500")
    await team.sees_on_its_way("25.00")
    await team.finds_mail("$25.00 is on its way")
    await team.uses("call", 700)
    await team.hears_of(invoice, times=2)
    await team.lives_until("2027-01-13T10:00")

    team.customer.settle_later(invoice)
    await team.hears_of(invoice, times=3)

    await team.has("800")
    await team.sees_on_its_way()
    team.has_paid("80.00", "25.00")
    mails = team.customer.mails()
    assert (mails.count("on_its_way"), mails.count("receipt")) == (1, 2)
    paid = await team.ask("buy_pack", key="friday", pack="thousand", count=1)
    assert (paid["status"], paid["credits"]) == ("paid", "1000")
    team.ends_well()


async def test_a_pack_whose_debit_fails_is_taken_back_and_what_was_used_is_owed(
    fleet: RunningFleet,
) -> None:
    team = await a_trusted_team(fleet)
    invoice = await team.orders_pack("thousand", "25.00", key="friday")
    await team.uses("call", 700)  # 500 included ones, 200 of the pack
    await team.lives_until("2027-01-13T10:00")

    team.customer.settle_later(invoice, "insufficient_funds")
    await team.hears_of(invoice, times=2)

    await team.is_now("active")
    await team.has("0")
    await team.owes("200")
    await team.sees_on_its_way()
    await team.finds_mail("charge your bank account ···6789 ($25.00)")
    assert team.customer.mails().count("payment_failed") == 1
    attempts = team.customer.attempts()
    await team.lives_until("2027-01-20T10:00")
    assert team.customer.attempts() == attempts

    later = await team.ask("buy_pack", key="again", pack="thousand", count=1)
    assert "granted" not in later  # who owes credits of a failed one waits for the money
    await team.has("0")
    team.customer.settle_later(team.customer.invoice_of("processing"))
    await team.hears_of(team.customer.invoice_of("paid"))
    await team.lives_until("2027-01-22T10:00")
    await team.has("800")
    await team.owes("0")
    team.has_paid("80.00", "25.00")
    team.ends_well()


async def test_an_auto_purchase_by_debit_serves_at_once_and_none_is_bought_beside_it(
    fleet: RunningFleet,
) -> None:
    team = await a_trusted_team(fleet)
    await team.ask("set_auto_purchase", on=True)
    await team.uses("call", 600)  # 500 included, 100 of what is bought for it
    await team.has("400")
    await team.sees_on_its_way("15.00")
    await team.uses("call", 401, refused="payment_processing")
    await team.uses("call", 300)

    invoice = team.customer.invoice_of("processing")
    team.customer.settle_later(invoice, "insufficient_funds")
    await team.hears_of(invoice)

    await team.is_now("paused")
    await team.owes("400")
    await team.ask("use_payment_method", payment_method=team.customer.new_card())
    await team.is_now("active")
    await team.has("100")  # put back
    await team.owes("0")
    team.has_paid("80.00", "15.00")
    team.ends_well()


async def test_what_was_granted_before_its_money_ends_with_the_subscription(
    fleet: RunningFleet,
) -> None:
    """The money decides later all the same: it is booked, or what was used is owed."""
    team = await a_trusted_team(fleet)
    invoice = await team.orders_pack("thousand", "25.00", key="late")
    await team.uses("call", 700)
    await team.customer.cancel()
    await team.lives_until("2027-02-02T10:00")
    await team.is_now("ended")

    team.customer.settle_later(invoice)
    await team.hears_of(invoice, times=2)

    team.has_paid("80.00", "25.00")
    await team.has("800")  # kept for the next paid plan
    team.ends_well()


async def a_month_that_the_bank_is_slow_with(fleet: RunningFleet) -> tuple[Told, str]:
    """It is over, and canceled; the bank has not said whether it is paid."""
    team = await a_trusted_team(fleet)
    await team.lives_until("2027-02-01T10:00")
    february = team.customer.invoice_of("processing")
    await team.uses("call", 100)
    await team.customer.cancel()
    await team.lives_until("2027-03-01T00:01")
    await team.is_now("ended")
    team.has_paid("80.00")
    return team, february


async def test_a_canceled_plan_ends_on_its_day_whatever_the_bank_says_later(
    fleet: RunningFleet,
) -> None:
    team, february = await a_month_that_the_bank_is_slow_with(fleet)
    await team.uses("call", 1, refused="subscription_ended")

    team.customer.settle_later(february)
    await team.hears_of(february, times=2)

    await team.is_now("ended")
    team.has_paid("80.00", "80.00")
    team.ends_well()


async def test_what_was_used_of_a_month_that_the_bank_refuses_after_the_end_is_owed(
    fleet: RunningFleet,
) -> None:
    team, february = await a_month_that_the_bank_is_slow_with(fleet)

    team.customer.settle_later(february, "insufficient_funds")
    await team.hears_of(february, times=2)

    await team.is_now("ended")
    await team.owes("100")
    team.has_paid("80.00")
    team.ends_well()


async def test_a_first_period_by_debit_begins_at_once(fleet: RunningFleet) -> None:
    team = await subscribed(fleet, "trusted_debits", "team", card=ACCOUNT)
    await team.is_now("active")
    await team.has("500")
    await team.sees_on_its_way("80.00")
    await team.uses("call", 100)
    team.has_paid()
    invoice = team.customer.invoice_of("processing")
    assert team.customer.mails() == ["on_its_way", "welcome"]

    team.customer.settle_later(invoice)
    await team.hears_of(invoice, times=2)

    await team.has("400")
    team.has_paid("80.00")
    assert team.customer.mails().count("receipt") == 1
    await team.lives_until("2027-02-02")
    await team.has("500")  # the renewal, by debit too
    await team.sees_on_its_way("80.00")
    team.ends_well()


async def test_a_renewal_whose_debit_fails_takes_its_credits_back_and_is_dunned(
    fleet: RunningFleet,
) -> None:
    """A bank that has nothing today may have it in two days: the same charge is tried again."""
    team = await a_trusted_team(fleet)
    await team.lives_until("2027-02-01T10:00")
    await team.is_now("active")
    await team.has("500")
    await team.uses("call", 100)
    invoice = team.customer.invoice_of("processing")

    team.customer.settle_later(invoice, "insufficient_funds")
    await team.hears_of(invoice, times=2)

    status = await team.is_now("past_due")
    assert status["period_end"].startswith("2027-03-01")
    await team.has("0")
    await team.owes("100")
    await team.uses("call", 1, refused="paused:payment_failed")
    mail = await team.finds_mail("charge your bank account ···6789 ($80.00)")
    assert "taken back" in mail["text"]
    await team.ask("use_payment_method", payment_method=team.customer.new_card())

    await team.is_now("active")
    await team.has("400")
    await team.owes("0")
    team.has_paid("80.00", "80.00")
    await team.lives_until("2027-03-02")
    await team.has("500")
    team.has_paid("80.00", "80.00", "80.00")
    team.ends_well()


async def test_a_period_that_stays_unpaid_is_void_when_it_is_over(fleet: RunningFleet) -> None:
    team = await a_trusted_team(fleet)
    await team.lives_until("2027-02-01T10:00")
    invoice = team.customer.invoice_of("processing")
    team.customer.settle_later(invoice, "account_closed")
    await team.hears_of(invoice)
    await team.is_now("paused")

    await team.lives_until("2027-03-02")
    await team.is_now("past_due")
    team.has_paid("80.00")
    await team.ask("use_payment_method", payment_method=team.customer.new_card())

    await team.is_now("active")  # the period under way is paid, and no other
    await team.has("500")
    team.has_paid("80.00", "80.00")
    team.ends_well()


async def test_money_that_comes_after_its_period_pays_that_period(fleet: RunningFleet) -> None:
    """The next renewal waits until the bank has decided about the one before."""
    team = await a_trusted_team(fleet)
    await team.lives_until("2027-02-01T10:00")
    february = team.customer.invoice_of("processing")
    await team.ask("use_payment_method", payment_method=team.customer.new_card())
    await team.lives_until("2027-03-02")
    await team.uses("call", 1, status="pending")

    team.customer.settle_later(february)
    await team.hears_of(february, times=2)

    await team.is_now("active")
    await team.has("499")  # what waited is served by the renewal, which a card paid at once
    team.has_paid("80.00", "80.00", "80.00")
    team.ends_well()


async def test_an_upgrade_waits_for_the_period_and_a_cancelled_one_ends_with_it(
    fleet: RunningFleet,
) -> None:
    team = await a_trusted_team(fleet)
    await team.lives_until("2027-02-01T10:00")
    invoice = team.customer.invoice_of("processing")
    await team.is_told_no("payment_processing", "change_plan", plan="company")
    await team.customer.cancel()
    team.customer.settle_later(invoice, "account_closed")
    await team.hears_of(invoice)
    await team.has("0")

    await team.lives_until("2027-03-02")

    await team.is_now("ended")
    team.has_paid("80.00")
    team.ends_well()
