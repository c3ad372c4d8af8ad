"""Bank debits: what takes them, and what becomes of everything while their money takes days."""

import pytest

from tests.fleet import BEGINS, RunningFleet

pytestmark = pytest.mark.long

ACCOUNT = "pm_usBankAccount_success"


async def test_a_plan_that_takes_cards_alone_refuses_a_bank_account(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")

    answer = await customer.life.ask("use_payment_method", {"payment_method": ACCOUNT})

    assert (answer["status"], answer["reason"]) == ("refused", "payment_method_not_accepted")
    assert "such as a card" in answer["cure"]
    assert (await customer.buy("1000"))["status"] == "paid"
    customer.check()


async def test_a_plan_that_takes_debits_begins_by_one_once_its_money_has_come(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools", card=ACCOUNT, wait=False)
    status = await customer.pass_until(BEGINS)
    assert (status["status"], status["card"]) == ("pending", "Bank account ···6789")
    invoice = customer.invoice_of("processing")

    customer.settle_later(invoice)
    await customer.life.signal("invoice_paid", {"invoice": invoice})

    status = await customer.life.settle()
    assert (status["status"], status["available"]) == ("active", "500")
    assert customer.rows("SELECT pays_with FROM policies WHERE account_id = %s") == [
        ("bank_debit",)
    ]
    customer.check()
