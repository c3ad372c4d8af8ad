"""What the page of health says is stuck, and how a finding is settled there."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text

from api.pages.operator.running.health import age
from api.v1.tally import Tally
from domain.payments.findings import Finding, FindingKind
from ledger.payments import findings
from ledger.reads import health
from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered

HEALTH, SETTLE = "/operator/health", "/operator/health/settle"
SCRIPT = "<script>alert(1)</script>"
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
_numbers = count(1)


def a_finding(fleet):
    at = datetime.now(UTC)
    made = Finding(
        key=f"health:{next(_numbers)}",
        kind=FindingKind.PROCESSOR_STATE,
        customer_id=None,
        subscription_id=None,
        charge_id=None,
        processor_id="in_health",
        detail=f"nobody knows {SCRIPT}",
        at=at,
    )
    with fleet.engine.begin() as connection:
        findings.record(connection, made)
    return made.key


def settled(fleet, key):
    with fleet.engine.connect() as connection:
        row = text("SELECT settled_by, settled_reason FROM findings WHERE key = :key")
        return connection.execute(row, {"key": key}).one()


def place(page, key):
    return [one["finding"] for one in forms_of(page, SETTLE)].index(key)


async def test_a_finding_is_settled_with_a_reason_and_keeps_who_did(fleet, web):
    olga = await entered(fleet, web)
    key = a_finding(fleet)
    page = await web.get(HEALTH)
    assert SCRIPT not in page.text
    assert "nobody knows &lt;script&gt;" in page.text

    without = await sent(web, HEALTH, SETTLE, place(page, key), reason=" ")
    assert without.status_code == 422
    assert settled(fleet, key) == (None, None)
    unknown = await sent(web, HEALTH, SETTLE, place(page, key), finding="no", reason="seen")
    assert unknown.status_code == 404

    done = await sent(web, HEALTH, SETTLE, place(page, key), reason="paid back by hand")
    assert done.headers["location"] == "/operator/health?settled=1"
    assert settled(fleet, key) == (olga.email, "paid back by hand")
    assert key not in (await web.get(HEALTH)).text


async def test_what_waits_is_told_with_its_oldest(fleet):
    acme = await fleet.subscribe("core_10k")
    wait = text("""
        INSERT INTO outbox (account_id, message_key, topic, payload, recorded_at)
        SELECT account_id, 'health:' || days, 'crossing', '{}', now() - make_interval(days => days)
        FROM customers, unnest(ARRAY[1, 3]) AS days WHERE customer_id = :customer
    """)
    with fleet.engine.connect() as connection:  # never committed: the relay would deliver them
        connection.execute(wait, {"customer": acme.name})
        (found,) = [one for one in health.waiting(connection) if one.topic == "crossing"]
    assert found.number >= 2
    assert found.since < datetime.now(UTC) - timedelta(days=2)


async def test_it_says_what_it_sees_and_looks_at_the_laws_only_when_asked(fleet, web):
    await entered(fleet, web)
    page = await web.get(HEALTH)
    assert page.status_code == 200
    for said in ("reachable", "not looked at", "make", "Blocked by a bug"):
        assert said in page.text, said
    asked = await web.get(HEALTH, params={"laws": "1"})
    assert "all hold" in asked.text or "too large" in asked.text


async def test_what_the_door_refuses_is_counted_by_reason(fleet, web, door):
    await entered(fleet, web)
    assert (await door.get("/customers/nobody/balance")).status_code == 404
    assert "unknown_customer" in (await web.get(HEALTH)).text


def test_looking_at_the_laws_ends_in_time(fleet):
    def allowed(connection):
        return connection.scalar(text("SHOW statement_timeout"))

    with fleet.engine.begin() as connection:
        usual = allowed(connection)
        assert health.broken(connection, patience_ms=1) is None
    with fleet.engine.begin() as connection:
        assert allowed(connection) == usual


def test_a_tally_forgets_what_is_older_than_a_day():
    tally = Tally()
    for hours in (0, 1, 25, 25.9):
        tally.add("unknown_event", NOON + timedelta(hours=hours))
    assert tally.told(NOON + timedelta(hours=26)) == [health.Refused("unknown_event", 1, 2)]
    assert tally.told(NOON + timedelta(days=9)) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "less than a minute"), (60, "1 minute"), (7_300, "2 hours"), (200_000, "2 days")],
)
def test_ages_are_said_as_people_do(seconds, said):
    assert age(timedelta(seconds=seconds)) == said
