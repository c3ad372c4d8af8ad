"""What credits brought: the same sums as the report of outcomes."""

import pytest

from tests.pages.test_usage import cells, put, used


@pytest.fixture
async def sales(fleet, link, web):
    customer = await fleet.subscribe("starter", catalog="salestools")
    await web.get(await link(customer.name, page="results"))
    return customer


async def test_credits_for_each_outcome_set_ai_against_templates(sales, web):
    for quantity, writer in (("30", "ai"), ("20", "template")):
        await used(sales, quantity, writer=writer, campaign="spring")
    await used(sales, "12", "meeting_booked", writer="ai", campaign="spring")
    await used(sales, "3", "meeting_booked", writer="template", campaign="spring")
    await used(sales, "40", "reply_received", writer="ai", campaign="spring")
    page = (await web.get("/console/results?tag=writer")).text
    assert cells(page) == [
        ["ai", "30", "12", "2.5", "0.4"],
        ["template", "20", "3", "6.67", "0.15"],
    ]
    replies = (await web.get("/console/results?tag=writer&outcome=reply_received")).text
    assert cells(replies) == [
        ["ai", "30", "40", "0.75", "1.33"],
        ["template", "20", "0", "none", "none"],
    ]
    by_campaign = (await web.get("/console/results")).text
    assert cells(by_campaign) == [["spring", "50", "15", "3.33", "0.3"]]


async def test_without_outcomes_the_page_says_how_they_are_sent(sales, link, web, door):
    await used(sales, "3", campaign="<script>alert(1)</script>")
    page = await web.get("/console/results")
    assert "There are no outcomes" in page.text
    assert "POST /v1/usage" in page.text
    for odd in ("tag=a,b", "tag=%00", "range=days&from=x", "tag=<script>alert(1)</script>"):
        shown = await web.get(f"/console/results?{odd}")
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
    await put(door, sales, "ada")
    web.cookies.clear()
    await web.get(await link(sales.name, member="ada"))
    assert (await web.get("/console/results")).status_code == 404
