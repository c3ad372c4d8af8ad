"""Pages in yen and in dinars: each amount with its own decimals, and charged as it is shown."""

import pytest

from domain.access.operators import OperatorRole
from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered

PAGE, CONFIRM = "/console/buy", "/console/buy/confirm"
CHARGE = "/operator/charge"
THOUSAND = f"{PAGE}?credits=1000"
SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("catalog", "shown", "minor"),
    [("make_japan", "¥148", 148), ("make_kuwait", f"KWD{SPACE}0.630", 630)],
)
async def test_an_order_is_charged_as_it_is_shown(fleet, link, web, catalog, shown, minor):
    acme = await fleet.subscribe("core_10k", catalog=catalog)
    await web.get(await link(acme.name))
    assert f"Pay {shown}" in (await web.get(THOUSAND)).text
    bought = await sent(web, THOUSAND, CONFIRM)
    assert f"Paid: {shown}" in (await web.get(bought.headers["location"])).text
    assert acme.paid()[1:] == [minor]
    assert shown in (await web.get("/console/payment")).text


@pytest.mark.parametrize(
    ("catalog", "price", "each", "surcharge"),
    [
        ("make_japan", "¥2,480", "¥1,924", "¥444"),
        ("make_kuwait", f"KWD{SPACE}18.600", f"KWD{SPACE}8.130", f"KWD{SPACE}1.880"),
    ],
)
async def test_plans_and_the_switch_show_whole_steps(
    fleet, link, web, catalog, price, each, surcharge
):
    acme = await fleet.subscribe("core_10k", catalog=catalog)
    await web.get(await link(acme.name))
    assert price in (await web.get("/console/plan")).text
    switch = (await web.get("/console/auto_purchase")).text
    assert f'<dd class="total">{each}</dd>' in switch
    assert f"<dd>{surcharge}</dd>" in switch


async def test_an_operator_refunds_dinars_in_tens(fleet, web):
    await entered(fleet, web, OperatorRole.SUPPORT)
    acme = await fleet.subscribe("core_10k", catalog="make_kuwait")
    await acme.buy("1000")
    query = "SELECT charge_id FROM charges WHERE account_id = %s AND kind = 'manual_purchase'"
    ((charge,),) = acme.rows(query)
    page = f"{CHARGE}?id={acme.name}&charge={charge}"
    fields = forms_of(await web.get(page), f"{CHARGE}/preview")[0] | {"reason": "asked for it"}

    refused = await web.post(f"{CHARGE}/preview", data=fields | {"amount": "0.315"})
    assert "tens" in refused.text
    shown = await web.post(f"{CHARGE}/preview", data=fields | {"amount": "0.310"})
    assert f"KWD{SPACE}0.310" in shown.text
    (again,) = forms_of(shown, f"{CHARGE}/refund")
    assert (await web.post(f"{CHARGE}/refund", data=again)).status_code == 303
    assert acme.books()["refunds"] == -310


async def test_a_customer_sees_the_prices_of_its_own_currency(fleet, link, web):
    acme = await fleet.subscribe("core_10k", catalog="make_world", currency="EUR")
    await web.get(await link(acme.name))
    plans = (await web.get("/console/plan")).text
    assert "€8.50" in plans
    assert "€27.00" in plans
    assert "$" not in plans
    assert "€4.50" in (await web.get(PAGE)).text
    assert "Pay €0.85" in (await web.get(THOUSAND)).text
    await sent(web, THOUSAND, CONFIRM)
    assert acme.paid() == [850, 85]


async def test_the_operators_list_has_every_price(fleet, web):
    await entered(fleet, web, OperatorRole.ADMIN)
    page = (await web.get("/operator/catalogs", params={"list": "make_world"})).text
    for price in ("$29.00", "€27.00", "¥4,480", f"KWD{SPACE}8.900"):
        assert price in page, price
