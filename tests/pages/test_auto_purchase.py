"""The switch of auto-purchase: its whole price is shown before it is on."""

from tests.pages.forms import sent

PAGE, SWITCH = "/console/auto_purchase", "/console/auto_purchase/switch"


async def test_price_surcharge_and_cap_are_shown_before_it_is_on(fleet, link, web):
    acme = await fleet.subscribe("core_25k")
    await web.get(await link(acme.name))
    shown = (await web.get(PAGE)).text
    for told in ("10,000 Credits", "$7.60", "Surcharge, 30 %", "$2.28", "$9.88"):
        assert told in shown
    assert "20,000: 2 purchases" in shown  # of 25,000: whole units
    assert "$19.76" in shown

    done = await sent(web, PAGE, SWITCH)
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    assert "Switch off" in (await web.get(PAGE)).text
    await acme.use("25001")
    assert acme.charges()[1:] == [("auto_purchase", "paid", 988)]
    shown = (await web.get(PAGE)).text
    assert "10,000: 1 purchase<" in shown
    await sent(web, PAGE, SWITCH)
    assert "Switch on" in (await web.get(PAGE)).text


async def test_another_price_than_was_shown_switches_nothing_on(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    answer = await sent(web, PAGE, SWITCH, total_minor="1")
    assert "The price has changed" in answer.text
    assert "Switch on" in (await web.get(PAGE)).text


async def test_a_plan_that_cannot_says_why_and_where_to_go(fleet, link, web):
    small = await fleet.subscribe("core_5k")
    await web.get(await link(small.name))
    shown = (await web.get(PAGE)).text
    assert "Core 5,000 is too small for auto-purchase" in shown
    assert 'href="/console/plan"' in shown
    assert SWITCH not in shown

    web.cookies.clear()
    free = await fleet.subscribe("free")
    await web.get(await link(free.name))
    shown = (await web.get(PAGE)).text
    assert "Free has no auto-purchase" in shown
    assert f'href="{PAGE}"' not in shown  # not in its menu


async def test_without_a_usable_card_there_is_a_way_to_one_and_no_switch(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    await acme.update_card("tok_chargeCustomerFail")
    await acme.switch(on=True)
    await acme.use("10001")  # declined: paused
    await acme.switch(on=False)
    shown = (await web.get(PAGE)).text
    assert "Paused: a payment failed" in shown
    assert 'href="/console/payment"' in shown


async def test_a_bank_account_that_it_does_not_take_is_not_said_to_be_charged(fleet, link, web):
    acme = await fleet.subscribe("small", catalog="anything", auto=True)
    await web.get(await link(acme.name))
    page = (await web.get(PAGE)).text
    assert "nothing is bought until" not in page
    await acme.life.ask("use_payment_method", {"payment_method": "pm_usBankAccount_success"})
    await acme.use("10000")
    shown = (await web.get(PAGE)).text
    assert "Bank account ···6789 cannot be charged for it: nothing is bought until" in shown
    assert "<dt>Charged to</dt><dd>not Bank account ···6789" in shown
    await sent(web, PAGE, SWITCH)
    off = (await web.get(PAGE)).text
    assert "<button>Switch on" not in off
    assert "Use another card" in off
    assert acme.charges()[1:] == []
