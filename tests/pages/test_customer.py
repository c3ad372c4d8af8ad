"""One customer on one timeline: everything, once, in order, whatever the page."""

import re
from urllib.parse import quote

import pytest
from sqlalchemy import text

from domain.access.operators import OperatorRole
from ledger.reads import timeline
from ledger.reads.timeline import Place
from tests.doors import TEMPORAL_UI
from tests.pages.operators import entered

PAGE, CHARGE = "/operator/customer", "/operator/charge"
FIRST = Place()
HOSTILE = "<script>alert(1)</script>"
NO_ENDPOINTS = text("""
    UPDATE webhook_endpoints SET state = 'off', off_because = 'by_hand', off_at = now()
    WHERE state = 'on'
""")


@pytest.fixture
async def ann(fleet, web):
    """An operator of support who has signed in."""
    return await entered(fleet, web, OperatorRole.SUPPORT)


async def busy(fleet):
    """Return a customer with some of everything."""
    acme = await fleet.subscribe("core_10k", auto=True)
    await acme.use("10")
    await acme.use("20")
    await acme.buy("3000", key="first")
    await acme.use("30")
    await acme.buy("3000", key="second")
    adjusted = {"key": "a", "credits": "5", "reason": HOSTILE, "by": "bob"}
    assert (await acme.life.ask("adjust_credits", adjusted))["status"] == "done"
    assert (await acme.life.ask("pause", {"reason": "a look", "by": "bob"}))["status"] == "paused"
    assert (await acme.life.ask("resume", {"reason": "fine", "by": "bob"}))["status"] == "active"
    await acme.life.settle()
    return acme


def read(fleet, acme, place=FIRST, limit=500):
    with fleet.engine.connect() as connection:
        return timeline.page(connection, acme.account_id, place, limit)


def placed(events):
    return [(one.kind, one.at, one.amounts) for one in events]


async def test_money_on_its_way_stands_beside_the_balance(fleet, web, ann):
    acme = await fleet.subscribe("core_10k")
    acme.fault("later")
    assert (await acme.buy("1000"))["status"] == "processing"
    shown = (await web.get(PAGE, params={"id": acme.name})).text
    assert "<b>$0.90</b> on its way" in shown
    assert '<span class="figure">10,000</span>' in shown


async def test_the_timeline_has_everything_with_its_author_and_reason(fleet, web, ann):
    with fleet.engine.begin() as connection:
        connection.execute(NO_ENDPOINTS)  # other tests of the process may have left some
    acme = await busy(fleet)
    shown = (await web.get(PAGE, params={"id": acme.name})).text
    for told in (
        *("Used in 2 events", "\N{MINUS SIGN}30 ", "Used in 1 event", "Bought by hand", "+3,000 "),
        *("Included in the plan", "+10,000 ", "Given by an operator", "+5 ", "by bob", "$9.00"),
        *("Paused: by an operator", "Resumed: by an operator", "“a look”", "Subscription began"),
        *("Receipt", f"to {acme.name}@example.com", "purchase.paid", "no endpoint asked for it"),
    ):
        assert told in shown, told
    assert "&lt;script&gt;alert(1)" in shown
    assert HOSTILE not in shown
    assert ">running<" in shown


async def test_the_workflow_is_linked_in_the_temporal_ui(fleet, web, ann):
    acme = await fleet.subscribe("core_10k")
    shown = (await web.get(PAGE, params={"id": acme.name})).text
    (link,) = re.findall(rf'href="({TEMPORAL_UI}[^"]+)"', shown)
    space = f"{TEMPORAL_UI}/namespaces/{fleet.client.namespace}/workflows/"
    assert link == space + quote(acme.life.handle.id, safe="")


async def test_pages_have_everything_once_in_order(fleet):
    acme = await busy(fleet)
    whole = read(fleet, acme)
    assert whole.older is None
    times = [one.at for one in whole.events]
    assert times == sorted(times, reverse=True)
    for size in (1, 2, 3, 7):
        found, place = [], Place()
        while place is not None:
            page = read(fleet, acme, Place.parse(str(place)), size)
            assert len(page.events) <= size
            found += page.events
            place = page.older
        assert placed(found) == placed(whole.events), size


async def test_a_journal_longer_than_one_read_is_told_in_parts(fleet, monkeypatch):
    acme = await busy(fleet)
    whole = read(fleet, acme)
    for most in (2, 3, 5):
        monkeypatch.setattr(timeline, "MOST_LINES", most)
        found, place = [], Place()
        while place is not None:
            page = read(fleet, acme, place)
            found += page.events
            place = page.older
        unfolded = [
            placed(one for one in each if one.kind != "usage") for each in (found, whole.events)
        ]
        assert unfolded[0] == unfolded[1]
        used = [sum(dict(one.amounts).values()) for one in found if one.kind == "usage"]
        assert sum(used) == -60_000_000
        assert sum(one.count for one in found if one.kind == "usage") == 3


async def test_two_charges_of_one_amount_are_marked_and_compared(fleet, web, ann):
    acme = await busy(fleet)
    shown = (await web.get(PAGE, params={"id": acme.name})).text
    assert shown.count("The same amount was charged") == 2
    link = re.search(r'href="(/operator/charge\?[^"]+)">compare', shown).group(1)
    compared = (await web.get(link.replace("&amp;", "&"))).text
    for told in (
        "Credits bought by hand, $2.70",
        "The same amount was charged",
        "the other charge",
    ):
        assert told in compared
    assert re.search(r"Granted [^<]+</dt><dd>3,000", compared)


async def test_unknown_customers_charges_and_places_are_not_found(fleet, web, ann):
    acme, other = await fleet.subscribe("core_10k"), await fleet.subscribe("core_10k")
    ((theirs,),) = other.rows("SELECT charge_id FROM charges WHERE account_id = %s")
    for params in ({}, {"id": ""}, {"id": "nobody"}, {"id": "\x00"}, {"id": "'; --"}):
        assert (await web.get(PAGE, params=params)).status_code == 404, params
    for charge in (theirs, "", "nothing", "\x00", HOSTILE):
        answer = await web.get(CHARGE, params={"id": acme.name, "charge": charge})
        assert answer.status_code == 404, charge
    for older in ("x", "1", "1~2027", "1~infinity~\x00", f"{2**70}~infinity~", "1~2027-01-01~a"):
        answer = await web.get(PAGE, params={"id": acme.name, "older": older})
        assert answer.status_code == 400, older
        assert "Traceback" not in answer.text


async def test_nobody_sees_it_without_signing_in(fleet, web):
    acme = await fleet.subscribe("core_10k")
    answer = await web.get(PAGE, params={"id": acme.name})
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator/sign_in")
