"""A coupon on the pages: price, discount and total before the click, and what an operator sees."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered
from tests.workflows.promoted import Dashboard
from tests.workflows.test_payers_removed import default_of

MAY = datetime(2027, 5, 1, 1, tzinfo=UTC)
PAGE, CONFIRM = "/console/buy", "/console/buy/confirm"
BASKET = f"{PAGE}?pack=basket&count=1"


@pytest.fixture
async def acme(fleet, link, web):
    customer = await fleet.subscribe("grove", catalog="orchard")
    await web.get(await link(customer.name))
    return customer


async def test_an_order_shows_price_coupon_and_total_and_costs_that(acme, web):
    assert '<input id="coupon-packs" name="coupon"' in (await web.get(PAGE)).text
    there = f"{BASKET}&coupon=fifth"
    shown = (await web.get(there)).text
    for words in (
        "<dt>Price</dt><dd>$5.00</dd>",
        "<dt>Coupon FIFTH</dt><dd>-$1.00</dd>",
        '<dd class="total">$4.00</dd>',
        "Pay $4.00",
    ):
        assert words in shown, shown
    bought = await sent(web, there, CONFIRM)
    assert bought.status_code == 303
    assert "Paid: $4.00" in (await web.get(bought.headers["location"])).text
    assert acme.paid() == [1_000, 400]


async def test_what_costs_nothing_needs_no_card_and_is_there_at_once(acme, web):
    acme.ask_processor(f"payment_methods/{default_of(acme)}/detach", {})
    there = f"{BASKET}&coupon=WELCOME"
    shown = (await web.get(there)).text
    assert '<dd class="total">$0.00</dd>' in shown
    assert "Add a card first" not in shown
    assert "<button>Get it for nothing</button>" in shown
    bought = await sent(web, there, CONFIRM)
    assert bought.status_code == 303
    assert "Nothing to pay" in (await web.get(bought.headers["location"])).text
    assert acme.charges()[-1] == ("pack", "paid", 0)


@pytest.mark.parametrize(
    ("coupon", "headline"),
    [("NOBODY", "There is no such coupon."), ("<b>", "There is no such coupon.")],
)
async def test_a_coupon_that_is_none_is_told_and_stays_typed(acme, web, coupon, headline):
    shown = (await web.get(f"{BASKET}&coupon={quote(coupon)}")).text
    assert headline in shown
    assert "Check how it is written, or buy without it." in shown
    assert forms_of(await web.get(f"{BASKET}&coupon={quote(coupon)}"), CONFIRM) == []
    assert f'value="{coupon.replace("<", "&lt;").replace(">", "&gt;")}"' in shown


async def test_a_coupon_of_one_form_is_not_that_of_the_other(acme, web):
    shown = (await web.get(f"{PAGE}?credits=500&coupon=THREE")).text
    assert "Pay $2.00" in shown
    assert (await sent(web, f"{PAGE}?credits=500&coupon=THREE", CONFIRM)).status_code == 303
    assert acme.paid() == [1_000, 200]


async def test_an_operator_sees_which_coupon_a_charge_had(acme, web, fleet):
    await acme.life.ask("buy_pack", {"key": "five", "pack": "basket", "coupon": "FIFTH"})
    free = await acme.life.ask("buy_credits", {"key": "no", "credits": "300", "coupon": "THREE"})
    await entered(fleet, web)
    charge = f"{acme.life.handle.id.removeprefix('subscription:')}:pack:five"
    shown = (await web.get(f"/operator/charge?id={acme.name}&charge={charge}")).text
    assert "<dt>Price</dt><dd>$5.00</dd>" in shown
    assert "<dt>Coupon FIFTH</dt><dd>-$1.00</dd>" in shown
    there = f"/operator/charge?id={acme.name}&charge={quote(free['charge_id'])}"
    assert 'id="refund"' not in (await web.get(there)).text


async def test_the_page_of_the_plan_says_what_the_next_period_costs(fleet, link, web):
    customer = await fleet.subscribe("grove", catalog="orchard", coupon="QUARTER")
    plain = await fleet.subscribe("grove", catalog="orchard")
    await web.get(await link(customer.name))
    shown = (await web.get("/console/plan")).text
    assert "Coupon QUARTER" in shown
    assert "<dt>Your next payment</dt><dd>$5.00</dd>" in shown
    await customer.pass_until(MAY)
    assert "Coupon QUARTER" not in (await web.get("/console/plan")).text
    assert customer.paid() == [500, 500, 500, 1_000, 1_000]
    web.cookies.clear()
    await web.get(await link(plain.name))
    assert "Your next payment" not in (await web.get("/console/plan")).text


async def test_a_code_of_the_processor_is_typed_at_the_same_field(acme, web, fleet):
    dashboard = Dashboard(fleet.standin)
    code = dashboard.code(coupon={"percent_off": 20})
    there = f"{BASKET}&coupon={code.lower()}"
    shown = (await web.get(there)).text
    assert f"<dt>Coupon {code}</dt><dd>-$1.00</dd>" in shown, shown
    assert (await sent(web, there, CONFIRM)).status_code == 303
    assert acme.paid() == [1_000, 400]
    fleet.standin.post("/_fault", fault="500", path="/v1/promotion_codes", method="GET", count=9)
    silent = (await web.get(there)).text
    fleet.standin.behave()
    assert "The payment processor does not answer." in silent
    assert forms_of(await web.get(f"{BASKET}&coupon={code}-X"), CONFIRM) == []
