"""What was used, by whom and for what: the sums are the ledger's, and a member sees the own."""

import csv
import io
import re

import pytest

SCRIPT = "<script>alert(1)</script>"


async def used(customer, quantity, action="ai_email", **tags):
    event = await customer.event(quantity, action=action)
    return await customer.life.ask("consume", {**event, "tags": tags})


async def put(door, customer, name, role="member"):
    body = {"name": name.title(), "email": f"{name}@example.com", "role": role}
    headers = {"Idempotency-Key": f"{customer.name}-{name}"}
    path = f"/customers/{customer.name}/members/{name}"
    answer = await door.put(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def sales(fleet):
    return await fleet.subscribe("starter", catalog="salestools")


def cells(page):
    """Return the texts of all rows of a page's tables."""
    rows = re.findall(r"<tr>(<td.*?)</tr>", page, re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", " ", one).strip() for one in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in rows
    ]


async def test_sums_and_lines_are_those_of_the_ledger(sales, link, web):
    await used(sales, "3", campaign="spring")
    await used(sales, "3", "email_verification", campaign="autumn")
    await web.get(await link(sales.name, page="usage"))
    shown = cells((await web.get("/console/usage")).text)
    assert ["AI email", "3", "1", "3", "66 %"] in shown
    assert ["Email verification", "3", "1", "1.5", "33 %"] in shown
    line = next(
        one for one in shown if one and "Email verification \N{MULTIPLICATION SIGN} 3" in one[1]
    )
    assert "campaign: autumn" in line[1]
    took = "\N{MINUS SIGN}1.5 Credits"
    assert line[2:] == ["0.5 each", "Included in your plan", took, "495.5"]
    by_tag = cells((await web.get("/console/usage?by=tag&tag=campaign")).text)
    assert ["spring", "1", "3", "66 %"] in by_tag
    unnamed = await web.get("/console/usage?by=tag")
    assert cells(unnamed.text) == by_tag
    assert 'value="campaign"' in unnamed.text
    one = cells((await web.get("/console/usage?where=campaign:spring")).text)
    assert not any("Email verification" in cell for row in one for cell in row)


async def test_a_member_sees_the_own_use_alone(sales, link, web, door):
    await put(door, sales, "ada")
    await put(door, sales, "bob")
    await used(sales, "3", member="ada")
    await used(sales, "40", member="bob")
    await web.get(await link(sales.name, page="usage", member="ada"))
    for query in ("", "?by=member", "?member=bob", "?where=member:bob", "?range=month",
                  "?action=ai_email&member=bob", "?where=member:bob&member=bob"):  # fmt: skip
        shown = await web.get(f"/console/usage{query}")
        assert shown.status_code == 200
        assert not [cell for row in cells(shown.text) for cell in row if "bob" in cell]
        assert ">40<" not in shown.text
    for file in ("sums.csv", "lines.csv"):
        rows = list(csv.DictReader(io.StringIO((await web.get(f"/console/usage/{file}")).text)))
        assert [abs(int(one["credits"])) for one in rows] == [3]
        stolen = await web.get(f"/console/usage/{file}?member=bob&by=member")
        assert "bob" not in stolen.text


async def test_a_page_goes_on_where_the_one_before_it_ended(sales, link, web):
    for number in range(60):
        await used(sales, "1", number=str(number))
    await web.get(await link(sales.name, page="usage"))
    seen, address = [], "/console/usage"
    while address:
        page = (await web.get(address)).text
        seen += re.findall(r"number: (\d+)", page)
        older = re.search(r'href="([^"]+)">Older<', page)
        address = older and older[1].replace("&amp;", "&")
    assert seen == [str(number) for number in reversed(range(60))]
    saved = (await web.get("/console/usage/lines.csv")).text
    assert len(re.findall(r'""number""', saved)) == 60


async def test_days_are_chosen_and_wrong_ones_are_told(sales, link, web):
    await used(sales, "3")
    await web.get(await link(sales.name, page="usage"))
    day = "range=days&from=2027-01-01&to=2027-01-01"
    assert "3 <small>used" in (await web.get(f"/console/usage?{day}")).text
    before = await web.get("/console/usage?range=days&from=2026-12-01&to=2026-12-31")
    assert "Nothing was used" in before.text
    for wrong in ("from=2027-02-01&to=2027-01-01", "from=x&to=", "from=0001-01-01&to=9999-12-31"):
        shown = await web.get(f"/console/usage?range=days&{wrong}")
        assert shown.status_code == 200
        assert 'role="alert"' in shown.text
    for odd in ("after=9.9", "after=x", "by=x", "by=tag&tag=a,b", "by=tag&tag=%00", "where=x",
                "action=%00"):  # fmt: skip
        assert (await web.get(f"/console/usage?{odd}")).status_code == 200


async def test_what_a_person_names_is_only_text(sales, link, web):
    await used(sales, "1", campaign=SCRIPT, member=SCRIPT)
    await web.get(await link(sales.name, page="usage"))
    for query in ("", "?by=member", "?by=tag&tag=campaign", f"?by=tag&tag={SCRIPT}"):
        assert "<script>alert" not in (await web.get(f"/console/usage{query}")).text
