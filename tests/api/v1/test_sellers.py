"""Price lists and reports through the door: what is sold now, and whose figures they are."""

import csv
import io
from datetime import UTC, datetime

import pytest

from ledger import api_keys
from ledger.reports.registry import REPORTS


@pytest.fixture
def bearing(engine):
    """A function that returns the headers of a key with these scopes."""

    def make(*scopes, catalog=None):
        with engine.begin() as connection:
            at = datetime.now(UTC)
            made = api_keys.create(connection, "t", scopes, catalog, by="ann", at=at)
        return {"Authorization": f"Bearer {made.secret}"}

    return make


async def test_a_price_list_says_what_is_sold_and_not_how_it_is_run(door):
    told = (await door.get("/catalogs/salestools")).json()
    plans = {one["plan_id"]: one for one in told["plans"]}
    starter = plans["starter"]
    assert starter["allowances"][0]["credits"] == "500"
    assert [(one["credits"], one["price_minor"]) for one in starter["packs"]] == [
        ("500", 2500),
        ("1000", 4500),
        ("2500", 10000),
        ("5000", 17500),
    ]
    assert [plans[name]["payment_methods"] for name in ("starter", "enterprise_yearly")] == [
        {
            "plan": ["card", "bank_debit"],
            "purchases": ["card", "bank_debit"],
            "auto": ["card"],
            "due_days": None,
        },
        {
            "plan": ["invoice"],
            "purchases": ["invoice"],
            "auto": ["card"],
            "due_days": 30,
        },
    ]
    actions = {one["action"]: one for one in told["actions"]}
    assert actions["email_verification"]["ways"][0]["credits"] == "0.5"
    for secret in ("dunning", "adjustment", "approval", "grace"):
        assert secret not in str(told)


async def test_another_sellers_price_list_is_unknown(door, bearing):
    own = bearing("read", catalog="make")
    assert (await door.get("/catalogs/make", headers=own)).status_code == 200
    for name in ("zaplify", "nothing"):
        answer = await door.get(f"/catalogs/{name}", headers=own)
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_catalog")


@pytest.mark.parametrize("name", REPORTS)
async def test_every_report_is_read_as_json_and_as_a_table(door, customer, event, name):
    wallet = customer()
    await door.post("/usage", json=event(wallet, tags={"campaign": "=1"}))
    asked = {"customer": wallet.customer_id, "tag": "campaign"}
    told = await door.get(f"/reports/{name}", params=asked)
    assert told.status_code == 200, told.text
    rows = told.json()["rows"]
    table = await door.get(f"/reports/{name}", params=asked, headers={"Accept": "text/csv"})
    assert len(list(csv.reader(io.StringIO(table.text)))) == len(rows) + 1
    assert ",=1" not in table.text


async def test_reports_are_for_operators_and_of_their_own_customers(door, customer, bearing):
    wallet = customer()
    asked = {"customer": wallet.customer_id}
    for headers, params, status, reason in (
        (bearing("read"), asked, 403, "scope_missing"),
        (bearing("operator", catalog="make"), {}, 403, "scope_missing"),
        (bearing("operator", catalog="zaplify"), asked, 404, "unknown_customer"),
        (bearing("operator"), {"from": "x"}, 422, "invalid_parameter"),
        (bearing("operator"), {"from": "2027-02-01", "to": "2027-01-01"}, 422, "invalid_range"),
    ):
        answer = await door.get("/reports/usage", params=params, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    answer = await door.get("/reports/colours")
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_report")
    own = bearing("operator", catalog="make")
    assert (await door.get("/reports/usage", params=asked, headers=own)).status_code == 200
