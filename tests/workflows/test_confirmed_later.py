"""A purchase that the bank wants confirmed by its buyer: paid once, or not at all."""

from datetime import timedelta

import pytest

from tests.fleet import BEGINS

pytestmark = pytest.mark.long
DAY = timedelta(days=1)
MONTH = timedelta(days=31)  # of the first period


async def unconfirmed(fleet, key="buy"):
    """Return a customer with such a purchase, and the answer to it."""
    acme = await fleet.subscribe("core_10k")
    await acme.update_card("tok_authenticationRequired")
    answer = await acme.buy("3000", key)
    assert acme.charges()[1:] == [("manual_purchase", "open", 270)]
    return acme, answer


async def test_confirmed_it_is_paid_and_the_same_key_says_so(fleet):
    acme, answer = await unconfirmed(fleet)
    assert (answer["status"], answer["decline"]) == ("declined", "needs_customer")
    assert (answer["why"], "/invoice/" in answer["invoice_url"]) == ("confirmation", True)
    assert acme.mails()[-1] == "payment_failed"
    assert await acme.buy("3000", "buy") == answer  # nothing is tried by a repeat
    invoice = acme.invoice_of("open")
    acme.confirm(invoice)
    await acme.life.signal("invoice_paid", {"invoice": invoice})
    await acme.life.settle()
    assert acme.charges()[1:] == [("manual_purchase", "paid", 270)]
    assert (await acme.buy("3000", "buy"))["status"] == "paid"
    assert acme.paid() == [900, 270]
    acme.check()


async def test_unconfirmed_for_a_day_it_is_void(fleet):
    acme, _ = await unconfirmed(fleet)
    begun = await acme.life.now()
    await acme.pass_until(begun + DAY - timedelta(minutes=1))
    assert acme.charges()[1:] == [("manual_purchase", "open", 270)]
    await acme.pass_until(begun + DAY + timedelta(minutes=1))
    assert acme.charges()[1:] == [("manual_purchase", "void", 270)]
    assert acme.open_invoices() == []
    acme.check()


@pytest.mark.parametrize("ended_by", ["another card", "an operator's pause", "a cancellation"])
async def test_what_ends_the_wait_charges_nothing(fleet, ended_by):
    acme, _ = await unconfirmed(fleet)
    match ended_by:
        case "another card":
            await acme.update_card()
        case "an operator's pause":
            await acme.life.ask("pause", {"reason": "a check", "by": "ada"})
        case "a cancellation":
            await acme.cancel()
    await acme.life.settle()
    assert acme.charges()[1:] == [("manual_purchase", "void", 270)]
    assert acme.paid() == [900]
    assert acme.open_invoices() == []


async def test_a_window_that_ends_while_the_bank_waits_takes_the_purchase_with_it(fleet):
    acme = await fleet.subscribe("core_10k")
    await acme.pass_until(BEGINS + MONTH - DAY / 2)
    await acme.update_card("tok_authenticationRequired")
    await acme.buy("3000", "buy")
    await acme.pass_until(BEGINS + MONTH + timedelta(minutes=1))
    assert ("manual_purchase", "void", 270) in acme.charges()
    assert acme.paid() == [900]
    acme.check()


async def test_an_upgrade_that_is_declined_meanwhile_leaves_it_to_be_confirmed(fleet):
    acme, _ = await unconfirmed(fleet)
    invoice = acme.invoice_of("open")
    assert (await acme.change_plan("core_40k"))["status"] == "declined"
    acme.confirm(invoice)
    await acme.life.signal("invoice_paid", {"invoice": invoice})
    await acme.life.settle()
    assert ("manual_purchase", "paid", 270) in acme.charges()
    assert acme.paid() == [900, 270]
    acme.check()


async def test_another_purchase_meanwhile_is_a_purchase_of_its_own(fleet):
    acme, _ = await unconfirmed(fleet)
    invoice = acme.invoice_of("open")
    await acme.update_card()
    assert (await acme.buy("3000", "anew"))["status"] == "paid"
    assert acme.paid() == [900, 270]
    assert acme.open_invoices() == []
    assert invoice not in [one for (one,) in acme.rows(PAID)]
    acme.check()


PAID = "SELECT invoice FROM charges WHERE account_id = %s AND state = 'paid'"
