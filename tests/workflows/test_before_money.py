"""Credits before their money: one answer each for whatever becomes of the charge meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fleet import BEGINS, Customer, RunningFleet
from tests.workflows.test_packs import buy_pack
from tests.workflows.test_rebuilding import lose, rebuild

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
FRIDAY = datetime(2027, 1, 8, 16, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
ACCOUNT = "pm_usBankAccount_success"


async def a_trusted_customer(fleet: RunningFleet) -> Customer:
    """The plan was paid by card; a bank account is charged since."""
    customer = await fleet.subscribe("team", catalog="trusted_debits", begins=BEGINS)
    await customer.life.ask("use_payment_method", {"payment_method": ACCOUNT})
    await customer.pass_until(FRIDAY)
    return customer


async def ordered(customer: Customer, key: str = "p1") -> str:
    """Order a pack of 1,000, which can be used at once; return its invoice."""
    answer = await buy_pack(customer, "thousand", key)
    assert (answer["status"], answer["granted"]) == ("processing", "before_its_money")
    return customer.invoice_of("processing")


async def told(customer: Customer, invoice: str, times: int = 1) -> dict[str, object]:
    """Let an event of the processor tell of an invoice; return the status afterwards."""
    for _ in range(times):
        await customer.life.signal("invoice_paid", {"invoice": invoice})
    return await customer.life.settle()


async def test_a_workflow_that_was_lost_goes_on_with_what_was_granted(fleet: RunningFleet) -> None:
    customer = await a_trusted_customer(fleet)
    invoice = await ordered(customer)
    await customer.use("600", action="call")

    again = await rebuild(customer, await lose(customer))
    assert (await again.life.settle())["available"] == "900"
    again.settle_later(invoice)
    status = await told(again, invoice, 2)

    assert (status["available"], status["open_charges"]) == ("900", [])
    assert again.mails().count("on_its_way") == 1
    assert again.paid() == [8000, 2500]
    again.check()


async def test_one_that_was_lost_takes_back_what_fails(fleet: RunningFleet) -> None:
    customer = await a_trusted_customer(fleet)
    invoice = await ordered(customer)
    await customer.use("600", action="call")

    again = await rebuild(customer, await lose(customer))
    again.settle_later(invoice, "account_closed")
    status = await told(again, invoice, 2)

    assert (status["available"], status["open_charges"]) == ("0", [])
    assert [state for _, state, _ in again.charges()] == ["paid", "void"]
    assert again.mails().count("payment_failed") == 1
    again.check()


async def test_the_window_that_is_over_changes_nothing(fleet: RunningFleet) -> None:
    """The renewal is charged on its own, and the pack stays until its debit is decided."""
    customer = await a_trusted_customer(fleet)
    invoice = await ordered(customer)
    await customer.life.ask("use_payment_method", {"payment_method": customer.new_card()})
    status = await customer.pass_until(FEBRUARY + DAY)
    assert status["available"] == "1500"

    customer.settle_later(invoice, "insufficient_funds")
    status = await told(customer, invoice)

    assert (status["status"], status["available"]) == ("active", "500")
    assert customer.paid() == [8000, 8000]
    customer.check()


async def test_one_that_fails_after_the_end_is_taken_back(fleet: RunningFleet) -> None:
    customer = await a_trusted_customer(fleet)
    invoice = await ordered(customer)
    await customer.use("600", action="call")
    await customer.cancel()
    await customer.pass_until(FEBRUARY + DAY)

    customer.settle_later(invoice, "insufficient_funds")
    await told(customer, invoice, 2)

    assert [state for _, state, _ in customer.charges()] == ["paid", "void"]
    [(owed,)] = customer.rows("SELECT sum(owed) FROM grants WHERE account_id = %s")
    assert owed == 100 * 10**6
    customer.check()


async def test_while_another_charge_is_unpaid_credits_wait_for_their_money(
    fleet: RunningFleet,
) -> None:
    """A declined auto-purchase pauses; packs can be bought then, and wait."""
    customer = await a_trusted_customer(fleet)
    await customer.life.ask("set_auto_purchase", {"on": True})
    await customer.use("600", action="call")
    invoice = customer.invoice_of("processing")
    customer.settle_later(invoice, "insufficient_funds")
    status = await told(customer, invoice)
    assert status["status"] == "paused"

    answer = await buy_pack(customer, "thousand", "p1")

    assert (answer["status"], answer.get("granted")) == ("processing", None)
    customer.check()


async def test_a_period_that_was_lost_goes_on_and_is_paid_or_taken_back(
    fleet: RunningFleet,
) -> None:
    customer = await a_trusted_customer(fleet)
    await customer.pass_until(FEBRUARY + DAY)
    invoice = customer.invoice_of("processing")

    again = await rebuild(customer, await lose(customer))
    status = await again.life.settle()
    assert (status["status"], status["available"]) == ("active", "500")
    again.settle_later(invoice, "account_closed")
    status = await told(again, invoice, 2)
    assert (status["status"], status["available"]) == ("paused", "0")

    once_more = await rebuild(again, await lose(again))
    card = {"payment_method": once_more.new_card()}
    await once_more.life.ask("use_payment_method", card)
    status = await once_more.life.settle()
    assert (status["status"], status["available"]) == ("active", "500")
    assert once_more.paid() == [8000, 8000]
    assert once_more.mails().count("receipt") == 2
    once_more.check()


async def test_a_period_that_fails_after_the_end_is_given_up(fleet: RunningFleet) -> None:
    customer = await a_trusted_customer(fleet)
    await customer.pass_until(FEBRUARY + DAY)
    invoice = customer.invoice_of("processing")
    await customer.use("100", action="call")
    await customer.cancel("now")
    await customer.life.settle()

    customer.settle_later(invoice, "insufficient_funds")
    status = await told(customer, invoice, 2)

    assert (status["status"], status["open_charges"]) == ("ended", [])
    assert [state for _, state, _ in customer.charges()] == ["paid", "void"]
    customer.check()


async def test_a_period_paid_after_the_end_is_booked(fleet: RunningFleet) -> None:
    customer = await a_trusted_customer(fleet)
    await customer.pass_until(FEBRUARY + DAY)
    invoice = customer.invoice_of("processing")
    await customer.cancel("now")
    await customer.life.settle()

    customer.settle_later(invoice)
    await told(customer, invoice, 2)

    assert customer.paid() == [8000, 8000]
    customer.check()


async def test_another_subscription_begins_before_its_money_too(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("team", catalog="trusted_debits")
    await customer.cancel("now")
    await customer.life.settle()

    again = await fleet.subscribe(
        "team", catalog="trusted_debits", card=ACCOUNT, again=customer, begins=FEBRUARY
    )
    status = await again.life.settle()

    assert (status["status"], status["available"]) == ("active", "500")
    again.settle_later(again.invoice_of("processing"))
    await again.pass_until(FEBRUARY + 2 * DAY)
    assert (await again.life.status())["available"] == "500"
    again.check()
