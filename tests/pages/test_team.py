"""The team's page without a screen: who may do what, and whose part is seen."""

import re

import pytest

HIDDEN = re.compile(r'<input type="hidden" name="([\w:]+)" value="([^"]*)">')
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def acme(fleet):
    acme = await fleet.subscribe("starter", catalog="salestools")
    await acme.life.ask("set_member", person("grace", role="admin"))
    await acme.life.ask("set_member", person("ada", limits={"credits": "3"}))
    return acme


def person(member, **more):
    name = member.title()
    return {"member": member, "name": name, "email": f"{member}@acme.example", **more}


async def entered(web, link, acme, **facts):
    await web.get(await link(acme.name, page="team", **facts))
    shown = await web.get("/console/team")
    assert shown.status_code == 200
    return shown.text


def tokens(text):
    found = dict(HIDDEN.findall(text))
    return {name: found[name] for name in ("csrf", "key")}


async def test_a_member_sees_the_own_part_alone_and_does_no_admins_work(acme, link, web):
    text = await entered(web, link, acme, member="ada")
    assert "Your limit" in text
    assert "Grace" not in text
    asked = await web.post(
        "/console/team/ask", data={**tokens(text), "credits": "2", "note": SCRIPT}
    )
    assert asked.status_code == 303
    own = await web.get("/console/team")
    assert "What you asked for" in own.text
    assert SCRIPT not in own.text
    key = tokens(text)["key"]
    for act, fields in (
        ("keep", person("ada", role="admin")),
        ("remove", {"member": "grace"}),
        ("approve", {"request": f"console-{key}", "by": "grace"}),
        ("refuse", {"request": f"console-{key}", "by": "grace", "reason": "no"}),
    ):
        answer = await web.post(f"/console/team/{act}", data={**tokens(text), **fields})
        assert answer.status_code == 404, act
    states = acme.rows("SELECT state FROM approvals WHERE account_id = %s")
    assert [tuple(one) for one in states] == [("waiting",)]
    roles = acme.rows("SELECT role FROM members WHERE account_id = %s ORDER BY member_id")
    assert [one.role for one in roles] == ["member", "admin"]


async def test_an_admin_decides_as_herself_and_never_her_own_request(acme, link, web):
    await acme.life.ask("set_member", person("grace", role="admin", limits={"credits": "1"}))
    await acme.life.ask("set_member", person("hal", role="admin"))
    for member in ("grace", "ada"):
        asked = {"key": f"more-{member}", "member": member, "credits": "2"}
        await acme.life.ask("request_credits", asked)
    text = await entered(web, link, acme, member="grace")
    assert "Another admin has to decide" in text
    sent = tokens(text)
    own = await web.post(
        "/console/team/approve", data={**sent, "request": "more-grace", "by": "hal"}
    )
    assert own.status_code == 403
    done = await web.post("/console/team/approve", data={**sent, "request": "more-ada"})
    assert done.status_code == 303
    decided = acme.rows(
        "SELECT state, decided_by FROM approvals WHERE account_id = %s AND key = 'more-ada'"
    )
    assert [tuple(one) for one in decided] == [("approved", "grace")]
    fields = {**sent, "key": "another form", "request": "nobody's"}
    unknown = await web.post("/console/team/approve", data=fields)
    assert unknown.status_code == 404


async def test_another_customers_request_and_member_are_unknown(acme, link, web, fleet):
    other = await fleet.subscribe("starter", catalog="salestools")
    await other.life.ask("set_member", person("eve", limits={"credits": "1"}))
    await other.life.ask("request_credits", {"key": "theirs", "member": "eve", "credits": "2"})
    text = await entered(web, link, acme)
    assert "Eve" not in text
    sent = tokens(text)
    for act, fields in (
        ("approve", {"request": "theirs", "by": "grace"}),
        ("refuse", {"request": "theirs", "by": "grace", "reason": "no"}),
        ("remove", {"member": "eve"}),
    ):
        form = {**sent, "key": f"form of {act}", **fields}
        answer = await web.post(f"/console/team/{act}", data=form)
        assert answer.status_code == 404, act
    states = other.rows("SELECT state FROM approvals WHERE account_id = %s")
    assert [one.state for one in states] == ["waiting"]


async def test_a_member_is_added_changed_and_removed(acme, link, web):
    sent = tokens(await entered(web, link, acme))
    fields = {**person("bob"), "name": SCRIPT, "new": "1", "limit:credits": "2.5"}
    added = await web.post("/console/team/keep", data={**sent, **fields})
    assert added.status_code == 303
    text = (await web.get("/console/team?edit=bob")).text
    assert 'value="2.5"' in text
    assert SCRIPT not in text
    taken = await web.post("/console/team/keep", data={**sent, **person("ada"), "new": "1"})
    assert taken.headers["location"].startswith("/console/team?edit=ada")
    wrong = await web.post("/console/team/keep", data={**sent, **person("bob"), "email": "x@"})
    assert wrong.status_code == 422
    assert 'value="x@"' in wrong.text
    gone = await web.post("/console/team/remove", data={**sent, "member": "bob"})
    assert gone.status_code == 303
    assert "bob" not in (await web.get("/console/team")).text


async def test_zaplifys_goal_is_shown_for_each_member(fleet, link, web):
    team = await fleet.subscribe("team_12000_yearly", catalog="zaplify")
    for member in ("ada", "bob", "cyd", "dan", "eve"):
        await team.life.ask("set_member", person(member))
    text = await entered(web, link, team)
    told = re.compile(r"Goal for each member a month</dt><dd>200<")
    assert told.search(text)
    assert told.search((await web.get("/console/credits")).text)


async def test_who_has_no_team_is_told_no_goal(fleet, link, web):
    alone = await fleet.subscribe("core_10k")
    await entered(web, link, alone)
    assert "Goal for each member" not in (await web.get("/console/credits")).text


async def test_the_team_is_read_without_the_sums_of_the_whole_period(fleet, door):
    acme = await fleet.subscribe("core_10k")
    put = await door.put(
        f"/customers/{acme.name}/members/ada", json={"name": "Ada", "email": "ada@acme.example"}
    )
    assert put.status_code == 200
    path = f"/customers/{acme.name}/team"
    (whole,) = (await door.get(path)).json()["members"]
    (quick,) = (await door.get(path, params={"used": "window"})).json()["members"]
    assert whole.pop("used_this_period") == "0"
    assert quick == whole
    assert (await door.get(path, params={"used": "period"})).status_code == 422
