"""Buying by hand: the price that was shown is the price that is charged, or nothing is."""

from urllib.parse import parse_qs, urlsplit

from local.patience import until
from tests.pages.forms import forms_of, sent
from tests.workflows.test_payers_removed import default_of

PAGE, CONFIRM = "/console/buy", "/console/buy/confirm"
THOUSAND = f"{PAGE}?credits=1000"


async def test_a_price_that_changed_meanwhile_is_shown_again_and_not_charged(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    fields = forms_of(await web.get(THOUSAND), CONFIRM)[0]
    assert fields["amount_minor"] == "90"
    assert (await acme.change_plan("core_40k"))["status"] == "changed"
    answer = await web.post(CONFIRM, data=fields)
    assert "The price has changed" in answer.text
    assert "Pay $0.73" in answer.text
    assert "manual_purchase" not in [kind for kind, *_ in acme.charges()]
    now = forms_of(answer, CONFIRM)[0]
    assert (await web.post(CONFIRM, data=now)).status_code == 303
    assert acme.charges()[-1] == ("manual_purchase", "paid", 73)


async def test_a_missing_card_is_told_before_the_click_and_leads_to_where_one_is_saved(
    fleet, link, web
):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    offers = {THOUSAND: "Pay $0.90", "/console/plan?plan=core_40k": "Pay $20.00 and change"}
    for address, act in offers.items():
        assert act in (await web.get(address)).text
    acme.ask_processor(f"payment_methods/{default_of(acme)}/detach", {})
    for address, act in offers.items():
        shown = (await web.get(address)).text
        assert act not in shown
        assert "<dt>Charged to</dt><dd>no card yet</dd>" in shown
        assert '<a class="button" href="/console/payment">Add a card first</a>' in shown
    assert len(acme.charges()) == 1


async def test_an_edited_price_buys_nothing(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    for price in ("1", "9" * 40, "-90", "", "<script>"):
        answer = await sent(web, THOUSAND, CONFIRM, amount_minor=price)
        assert answer.status_code in (200, 422), price
        assert "Pay $0.90" in answer.text
    assert len(acme.charges()) == 1


async def test_what_the_bank_wants_confirmed_waits_and_then_brings_the_credits(
    fleet, link, web, told
):
    acme = await fleet.subscribe("core_10k")
    await acme.update_card("tok_authenticationRequired")
    await web.get(await link(acme.name))
    bought = await sent(web, THOUSAND, CONFIRM)
    assert bought.status_code == 303
    there = bought.headers["location"]
    shown = (await web.get(there)).text
    assert "Your bank wants you to confirm $0.90" in shown
    assert "data-waiting" in shown
    assert acme.charges()[1:] == [("manual_purchase", "open", 90)]

    (charge,) = parse_qs(urlsplit(there).query)["charge"]
    leads = await web.get(f"{PAGE}/bank?charge={charge}")
    assert leads.headers["location"].startswith(f"{fleet.standin.base_url}/invoice/")
    await web.post(leads.headers["location"], data={"card": "pm_card_authenticationRequired"})

    async def charges():
        return acme.charges()[1:]

    await until(charges, lambda seen: seen == [("manual_purchase", "paid", 90)], "the credits")
    assert "Paid: $0.90" in (await web.get(there)).text
    other = await fleet.subscribe("core_10k")
    web.cookies.clear()
    await web.get(await link(other.name))
    foreign = await web.get(f"{PAGE}/bank?charge={charge}")
    assert foreign.headers["location"].startswith(PAGE)
    assert "confirm" not in (await web.get(f"{PAGE}?charge={charge}")).text


async def test_money_on_its_way_says_so_and_offers_no_second_payment(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    acme.fault("later")
    await web.get(await link(acme.name))
    bought = await sent(web, THOUSAND, CONFIRM)
    shown = (await web.get(bought.headers["location"])).text
    assert "The money is on its way: $0.90" in shown
    assert "Please do not pay again" in shown
    balance = (await web.get("/console/credits")).text
    assert "$0.90 on its way" in balance
    assert "For 1,000 Credits, since" in balance
    assert "10,000 <small>can be used now" in balance
    invoice = acme.invoice_of("processing")
    acme.settle_later(invoice)
    await acme.life.signal("invoice_paid", {"invoice": invoice})
    await acme.life.settle()
    balance = (await web.get("/console/credits")).text
    assert "on its way" not in balance
    assert "11,000 <small>can be used now" in balance
    edited = await web.get(f"{PAGE}?charge=x&expected=<script>")
    assert edited.status_code == 200


async def test_what_comes_before_its_money_says_so_and_what_becomes_of_it(fleet, link, web):
    acme = await fleet.subscribe("core_10k", catalog="make_trusting")
    acme.fault("later")
    await web.get(await link(acme.name))
    there = (await sent(web, THOUSAND, CONFIRM)).headers["location"]
    assert "1,000 can be used already" in (await web.get(there)).text
    balance = (await web.get("/console/credits")).text
    assert "$0.90 on its way" in balance
    assert "You can use it already." in balance
    assert "11,000 <small>can be used now" in balance
    invoice = acme.invoice_of("processing")
    acme.settle_later(invoice, "account_closed")
    await acme.life.signal("invoice_paid", {"invoice": invoice})
    await acme.life.settle()
    assert "what you had for it was taken back" in (await web.get(there)).text
    assert "10,000 <small>can be used now" in (await web.get("/console/credits")).text


async def test_a_declined_payment_says_what_the_bank_lets_us_tell(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    for code, told in (
        ("insufficient_funds", "There was not enough money available"),
        ("stolen_card", "The bank declined the payment."),
    ):
        acme.fault("decline", code=code)
        bought = await sent(web, THOUSAND, CONFIRM)
        shown = (await web.get(bought.headers["location"])).text
        assert "Not paid: $0.90" in shown
        assert told in shown
        assert "stolen" not in shown
    assert acme.paid() == [900]


async def test_another_card_is_chosen_with_the_purchase(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    other = acme.new_card()
    acme.ask_processor(f"payment_methods/{other}/attach", {"customer": acme.processor()["payer"]})
    await web.get(await link(acme.name))
    shown = await web.get(THOUSAND)
    assert "Mastercard" in shown.text
    bought = await sent(web, THOUSAND, CONFIRM, card=other)
    assert bought.status_code == 303
    assert (await acme.life.status())["card"].startswith("Mastercard")
    assert acme.charges()[1:] == [("manual_purchase", "paid", 90)]
    refused = await sent(web, THOUSAND, CONFIRM, card="pm_nobody")
    assert refused.status_code == 422
    assert len(acme.charges()) == 2


async def test_who_pays_from_a_bank_account_is_told_before_that_it_takes_days(fleet, link, web):
    team = await fleet.subscribe("starter", catalog="salestools")
    house = await fleet.subscribe("team", catalog="trusted_debits")
    pack, later = f"{PAGE}?pack=pack_500", "when your bank has paid, which can take some days"
    await web.get(await link(team.name))
    for address in (pack, "/console/plan?plan=professional"):
        assert later not in (await web.get(address)).text
    for one in (team, house):
        account = {"payment_method": "pm_usBankAccount_success"}
        await one.life.ask("use_payment_method", account)
        await one.life.settle()
    for address in (pack, "/console/plan?plan=professional"):
        shown = (await web.get(address)).text
        assert later in shown, address
        assert "<dt>Begins</dt><dd>at once" not in shown
        assert "Total, debited now" in shown
    web.cookies.clear()
    await web.get(await link(house.name))
    trusted = (await web.get(f"{PAGE}?pack=thousand")).text
    assert "at once; what is left of them is taken back" in trusted
    assert later not in trusted


async def test_a_pack_by_invoice_asks_for_no_card_and_says_when_it_is_due(fleet, link, web):
    firm = await fleet.subscribe("enterprise_yearly", catalog="salestools", card=None)
    year = firm.invoice_of("processing")
    firm.transfers(year, 646920)
    await firm.life.signal("invoice_paid", {"invoice": year})
    await firm.life.settle()
    await web.get(await link(firm.name))

    shown = await web.get(f"{PAGE}?pack=pack_5000&count=1")
    for told in (
        "Total of the invoice",
        "by transfer, within 30 days",
        "when your transfer has arrived",
        "Send me the invoice for $175.00",
    ):
        assert told in shown.text
    assert "Charged to" not in shown.text
    assert "card" not in shown.text.partition("Your order")[2].partition("</section>")[0].replace(
        'class="card"', ""
    )
    done = await sent(web, f"{PAGE}?pack=pack_5000&count=1", CONFIRM)
    after = (await web.get(done.headers["location"])).text
    assert "Invoice sent: $175.00, due" in after
    assert "added as soon as your transfer arrives" in after
    assert firm.charges()[1:] == [("pack", "processing", 17500)]
