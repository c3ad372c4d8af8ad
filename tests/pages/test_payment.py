"""Cards and charges: what was declined is paid once more, and nothing is charged twice."""

import re
from datetime import UTC, datetime

from tests.pages.forms import forms_of, sent

PAGE = "/console/payment"
USE, RETRY = f"{PAGE}/use", f"{PAGE}/retry"


async def unpaid(fleet):
    """Return a customer whose auto-purchase was declined."""
    acme = await fleet.subscribe("core_10k", auto=True)
    await acme.update_card("tok_chargeCustomerFail")
    await acme.use("10001")
    assert acme.charges()[1:] == [("auto_purchase", "open", 1170)]
    return acme


async def test_a_declined_payment_is_told_with_its_amount_and_tried_again(fleet, link, web):
    acme = await unpaid(fleet)
    await web.get(await link(acme.name))
    shown = (await web.get(PAGE)).text
    assert "A payment was declined" in shown
    assert "The bank declined the payment." in shown
    assert "Try $11.70 again now" in shown
    before = acme.attempts()

    done = await sent(web, PAGE, RETRY)
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}?tried=1")
    await acme.life.settle()
    assert acme.attempts() == before + 1
    assert "Declined again" in (await web.get(f"{PAGE}?tried=1")).text


async def test_a_declined_payment_says_whether_credits_can_be_used_meanwhile(fleet, link, web):
    acme = await unpaid(fleet)
    await web.get(await link(acme.name))
    shown = (await web.get("/console/credits")).text
    assert "nothing can be used until it is paid" in shown
    assert "10,000 <small>not usable now" in shown
    assert "Auto-purchase waits for a payment: 10,000 Credits" in shown

    served = await fleet.subscribe("starter", catalog="salestools")
    await served.life.ask("buy_pack", {"key": "one", "pack": "pack_500"})
    served.fault("decline", code="insufficient_funds", count=99)
    await served.pass_until(datetime(2027, 2, 2, tzinfo=UTC))
    await web.get(await link(served.name))
    shown = (await web.get("/console/credits")).text
    assert "What you have can be used meanwhile" in shown
    assert "500 <small>can be used now" in shown


async def test_another_card_is_made_the_default_and_what_waited_is_paid_once(fleet, link, web):
    acme = await unpaid(fleet)
    good = acme.new_card()
    acme.ask_processor(f"payment_methods/{good}/attach", {"customer": acme.processor()["payer"]})
    await web.get(await link(acme.name))
    shown = await web.get(PAGE)
    assert "Mastercard" in shown.text
    assert forms_of(shown, USE)[0]["card"] == good

    done = await sent(web, PAGE, USE)
    assert done.status_code == 303
    await acme.life.settle()
    assert acme.charges()[1:] == [("auto_purchase", "paid", 1170)]
    shown = (await web.get(done.headers["location"])).text
    assert "All is paid" in shown
    assert "A payment was declined" not in shown
    again = await sent(web, PAGE, USE)  # the old one, which is the default no more
    assert again.status_code == 303
    assert acme.paid() == [900, 1170]


async def test_a_card_of_somebody_else_is_refused(fleet, link, web):
    acme, other = await fleet.subscribe("core_10k"), await fleet.subscribe("core_10k")
    theirs = other.ask_processor(f"customers/{other.processor()['payer']}/payment_methods")
    mine = acme.new_card()
    acme.ask_processor(f"payment_methods/{mine}/attach", {"customer": acme.processor()["payer"]})
    await web.get(await link(acme.name))
    for card in (theirs["data"][0]["id"], "pm_nobody", "<script>", ""):
        answer = await sent(web, PAGE, USE, card=card)
        assert answer.status_code in (403, 422), card
        assert "<script>" not in answer.text.replace("<script src=", "")


async def test_a_card_is_saved_on_the_processors_page_which_leads_back(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    leads = await web.get(f"{PAGE}/card")
    assert leads.status_code == 303
    assert leads.headers["location"].startswith(f"{fleet.standin.base_url}/portal/")
    saved = await web.post(leads.headers["location"], data={"card": "pm_card_mastercard"})
    assert re.fullmatch(
        r"http://127\.0\.0\.1:\d+/console/payment\?saved=1&tried=0", saved.headers["location"]
    )


async def test_every_charge_says_what_it_was_for_and_what_was_refunded(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await acme.buy("3000", key="to-refund")
    charge = acme.rows(
        "SELECT charge_id FROM charges WHERE account_id = %s AND kind = 'manual_purchase'"
    )[0][0]
    order = {"key": "r", "charge_id": charge, "amount_minor": 90, "reason": "sorry", "by": "ann"}
    assert (await acme.life.ask("refund", order))["status"] != "refused"
    await acme.life.settle()
    await web.get(await link(acme.name))
    shown = (await web.get(PAGE)).text
    for told in ("Extra credits", "3,000", "$2.70", "refunded $0.90", "Refunded in part", "Plan"):
        assert told in shown
    pdf = re.search(r'href="(/console/invoices/pdf\?invoice=[^"]+)"', shown).group(1)
    assert (await web.get(pdf)).status_code == 303


async def test_bank_accounts_are_offered_where_the_plan_takes_their_debits(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    team = await fleet.subscribe("starter", catalog="salestools")
    for customer, offered in (
        (acme, "Save another card<"),
        (team, "another card or bank account<"),
    ):
        web.cookies.clear()
        await web.get(await link(customer.name))
        assert offered in (await web.get(PAGE)).text
    page = await web.get(f"{PAGE}/card")
    assert "/checkout/" in page.headers["location"]  # which shows the mandate of a debit
