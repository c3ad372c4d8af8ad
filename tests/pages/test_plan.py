"""The plan changed and ended from its page: for what was shown, never for anything else."""

import pytest

from local.patience import until
from tests.pages.forms import forms_of, sent
from tests.pages.test_usage import put

PLAN = "/console/plan"
CHANGE, CANCEL, STAY = "/console/plan/change", "/console/plan/cancel", "/console/plan/stay"


@pytest.fixture
async def acme(fleet, link, web):
    customer = await fleet.subscribe("core_10k")
    await web.get(await link(customer.name, page="plan"))
    return customer


async def test_what_there_is_to_choose_and_which_is_mine(acme, web):
    page = (await web.get("/console/plan")).text
    for told in ("Core 40,000", "$29.00", "40,000 Credits a month", "30 % dearer", "a year"):
        assert told in page
    assert page.count("Your plan</span>") == 1


async def test_what_a_plan_is_paid_by_is_said_before_it_is_chosen(fleet, link, web):
    team = await fleet.subscribe("starter", catalog="salestools")
    await web.get(await link(team.name))
    page = (await web.get(PLAN)).text
    assert "Paid by a card or a debit of your bank account" in page
    assert "Paid by transfer: each invoice within 30 days" in page


async def test_an_upgrade_costs_what_its_preview_says_and_nothing_else(acme, web):
    await acme.use("1000")
    page = await web.get("/console/plan?plan=core_40k")
    assert "$20.00 and change" in page.text
    assert "39,000 (+30,000)" in page.text
    edited = await sent(web, "/console/plan?plan=core_40k", CHANGE, amount_minor="1")
    assert "The price has changed" in edited.text
    other = await sent(web, "/console/plan?plan=core_40k", CHANGE, plan="core_80k")
    assert "The price has changed" in other.text
    assert acme.charges() == [("period", "paid", 900)]
    fields = forms_of(page, CHANGE)[0]
    done = await web.post(CHANGE, data=fields)
    assert done.status_code == 303
    await web.post(CHANGE, data=fields)  # a double click
    assert acme.charges() == [("period", "paid", 900), ("upgrade", "paid", 2000)]
    after = await web.get(done.headers["location"])
    assert "Paid: $20.00" in after.text
    assert "Core 40,000 · active" in after.text


async def test_a_smaller_plan_waits_and_can_be_taken_back(acme, web):
    assert "Change on February 1, 2027" in (await web.get("/console/plan?plan=core_5k")).text
    await sent(web, "/console/plan?plan=core_5k", CHANGE)
    page = await web.get("/console/plan")
    assert "Core 5,000 from February 1, 2027" in page.text
    assert "Your next plan" in page.text
    await sent(web, "/console/plan", STAY)
    assert "Your next plan" not in (await web.get("/console/plan")).text
    assert acme.charges() == [("period", "paid", 900)]


async def test_the_end_says_before_what_is_lost(acme, web):
    await acme.buy("1000")
    page = await web.get("/console/plan?cancel=1")
    assert "11,000 Credits" in page.text or "10,000 Credits" in page.text
    await sent(web, "/console/plan?cancel=1", CANCEL)
    page = await web.get("/console/plan")
    assert "Your plan ends on January 31, 2027" in page.text
    assert "See the change" not in page.text
    assert "If you stay, charged next" in page.text
    assert "$9.00" in page.text
    late = await web.get("/console/plan?plan=core_40k")
    assert forms_of(late, CHANGE) == []
    assert "The plan ends: it cannot be changed any more." in late.text
    stays = await sent(web, "/console/plan", f"{PLAN}/uncancel")
    assert stays.status_code == 303
    after = (await web.get("/console/plan")).text
    assert "Your plan ends on" not in after
    assert "Core 10,000 · active" in after
    assert (await sent(web, "/console/plan?cancel=1", CANCEL)).status_code == 303  # said again


async def test_what_the_bank_wants_confirmed_waits_on_the_page_and_can_be_taken_back(acme, web):
    acme.fault("sca")
    asked = await sent(web, "/console/plan?plan=core_40k", CHANGE)
    assert asked.status_code == 303
    there = asked.headers["location"]
    for address in (there, "/console/plan"):
        shown = (await web.get(address)).text
        assert "Your bank wants you to confirm $20.00" in shown
        assert "Core 10,000 · active" in shown
    assert 'href="/console/plan?charge=' in (await web.get("/console/payment")).text
    bank = await web.get("/console/plan/bank?" + there.partition("?")[2])
    assert "/invoice/" in bank.headers["location"]
    await sent(web, "/console/plan", STAY)

    async def charges():
        return acme.charges()[1:]

    await until(charges, lambda seen: seen == [("upgrade", "void", 2000)], "its taking back")
    assert "wants you to confirm" not in (await web.get("/console/plan")).text
    assert (await web.get("/console/plan/bank?charge=x")).headers["location"] == f"{PLAN}?charge=x"


async def test_a_declined_change_changes_nothing_and_says_so(fleet, link, web):
    poor = await fleet.subscribe("core_10k")
    await poor.update_card("tok_chargeCustomerFail")
    await web.get(await link(poor.name, page="plan"))
    answer = await sent(web, "/console/plan?plan=core_40k", CHANGE)
    assert answer.status_code == 402
    assert "The payment was declined." in answer.text
    assert "/console/payment" in answer.text
    assert "Core 10,000 · active" in (await web.get("/console/plan")).text


async def test_what_does_not_exist_is_told_and_members_see_nothing(acme, link, web, door):
    for unknown in ("core_9k", "<script>alert(1)</script>", "%00", "starter"):
        page = await web.get(f"/console/plan?plan={unknown}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert forms_of(page, CHANGE) == []
    page = await web.get("/console/plan?plan=core_40k")
    stolen = forms_of(page, CHANGE)[0]
    await put(door, acme, "ada")
    web.cookies.clear()
    await web.get(await link(acme.name, member="ada"))
    assert (await web.get("/console/plan")).status_code == 404
    assert (await web.post(CHANGE, data=stolen)).status_code == 404
    assert acme.charges() == [("period", "paid", 900)]


async def test_a_plan_made_for_one_is_the_sellers_to_start_and_unknown_in_the_console(
    fleet, link, web, post, bearing
):
    customer = await fleet.subscribe("plain", catalog="clocks")
    await web.get(await link(customer.name, page="plan"))
    asked = await web.get("/console/plan?plan=made_for_one")
    assert "Made for one" not in asked.text
    assert forms_of(asked, CHANGE) == []
    await sent(web, "/console/plan?plan=tried_grand", CHANGE, plan="made_for_one")
    assert customer.charges() == [("period", "paid", 900)]

    path = f"/subscriptions/{customer.life.handle.id.partition(':')[2]}/change_plan"
    backend = bearing("customer", catalog="clocks")  # no operator's: its own list is enough
    unknown = await post(path, {"plan": "nothing"}, **backend)
    assert (unknown.status_code, "made_for_one" in unknown.text) == (404, False)
    changed = await post(path, {"plan": "made_for_one"}, **backend)
    assert (changed.status_code, changed.json()["status"]) == (200, "changed")
    page = await web.get("/console/plan")
    assert "Made for one" in page.text
    await sent(web, "/console/plan?plan=plain", CHANGE)
    stays = await sent(web, "/console/plan", STAY)  # its own plan, though nobody is offered it
    assert stays.status_code == 303
    assert "Your next plan" not in (await web.get("/console/plan")).text
