"""Alerts set from their page are those in force, and what was told can be read there."""

import pytest

from local.patience import until
from tests.pages.forms import forms_of, sent
from tests.pages.test_usage import put

PAGE = "/console/alerts"
ADD, REMOVE, RESTORE, READ = (f"{PAGE}/{name}" for name in ("add", "remove", "restore", "read"))


@pytest.fixture
async def sales(fleet, link, web):
    customer = await fleet.subscribe("starter", catalog="salestools")
    await web.get(await link(customer.name, page="alerts"))
    return customer


async def in_force(door, customer):
    answer = await door.get(f"/customers/{customer.name}/alerts")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_thresholds_are_added_removed_and_restored(sales, web, door):
    plans = {"threshold": "20_percent", "percent": 20, "channel": "both"}
    assert await in_force(door, sales) == {"own": False, "alerts": [plans]}
    wanted = {"amount": "50.5", "measure": "credits", "channel": "email", "again": "1"}
    await sent(web, PAGE, ADD, **wanted)
    mine = {"threshold": "50.5_credits", "credits": "50.5", "channel": "email"}
    mine["rearm_on_purchase"] = True
    assert await in_force(door, sales) == {"own": True, "alerts": [plans, mine]}
    await sent(web, PAGE, REMOVE)
    assert (await in_force(door, sales))["alerts"] == [mine]
    await sent(web, PAGE, REMOVE)
    assert await in_force(door, sales) == {"own": True, "alerts": []}
    await sent(web, PAGE, RESTORE)
    assert await in_force(door, sales) == {"own": False, "alerts": [plans]}


async def test_what_is_no_threshold_is_refused_and_says_why(sales, web, door):
    before = await in_force(door, sales)
    script = "<script>alert(1)</script>"
    for amount, measure, channel in (
        ("0", "percent", "email"),
        ("20", "percent", "email"),  # there is one
        (script, "percent", "email"),
        (script, "credits", "email"),
        ("-5", "credits", "email"),
        ("5", "credits", script),
    ):
        wanted = {"amount": amount, "measure": measure, "channel": channel}
        answer = await sent(web, PAGE, ADD, **wanted)
        assert answer.status_code in (400, 422), wanted
        assert "<script>alert" not in answer.text
    assert await in_force(door, sales) == before


async def test_what_was_told_is_listed_and_marked_as_read(sales, web):
    await sales.report(["50"] * 9, action="ai_email")
    page = await until(
        lambda: web.get(PAGE), lambda shown: ">New</span>" in shown.text, "a notice",
        sign=lambda shown: ">New</span>" in shown.text,
    )  # fmt: skip
    assert "100 Credits left of 500" in page.text
    edited = await sent(web, PAGE, READ, notices="[" * 10_000)
    assert edited.status_code == 400
    foreign = await sent(web, PAGE, READ, notices='["alert:of:another"]')
    assert foreign.status_code == 303
    assert ">New</span>" in (await web.get(PAGE)).text
    await sent(web, PAGE, READ)
    page = await web.get(PAGE)
    assert ">New</span>" not in page.text
    assert forms_of(page, READ) == []
    assert "100 Credits left" in page.text


async def test_members_set_no_alerts(sales, link, web, door):
    stolen = forms_of(await web.get(PAGE), ADD)[0]
    await put(door, sales, "ada")
    web.cookies.clear()
    await web.get(await link(sales.name, member="ada"))
    assert (await web.get(PAGE)).status_code == 404
    body = {**stolen, "amount": "5", "measure": "credits", "channel": "email"}
    assert (await web.post(ADD, data=body)).status_code == 404
