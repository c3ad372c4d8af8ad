"""A month on one page: what moved, what it is compared with, and its files."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from api.pages.operator.running.finance import month_of
from api.v1.problems import Problem
from domain.access.operators import OperatorRole
from domain.money import minor_exponent
from gateways.letter_formats import Formats
from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered
from tests.payer import card_in

FINANCE = "/operator/finance"
SHOW = Formats.of("en_US", "UTC")


def paid_in(customer):
    ((at,),) = customer.rows("SELECT settled_at FROM charges WHERE account_id = %s")
    return f"{at:%Y-%m}"


async def test_a_months_figures_are_those_of_the_reports_by_currency(fleet, web, door):
    acme = await fleet.subscribe("core_10k")
    for catalog in ("make_japan", "make_kuwait"):
        await fleet.subscribe("core_10k", catalog=catalog)
    month = month_of(paid_in(acme), datetime.now(UTC))
    await entered(fleet, web, OperatorRole.FINANCE)
    page = (await web.get(FINANCE, params={"month": f"{month.first:%Y-%m}"})).text
    assert "does not add up" not in page
    assert "not covered" not in page
    rows = (await door.get("/reports/movement", params=month.days)).json()["rows"]
    assert rows
    assert {row["currency"] for row in rows} >= {"USD", "JPY", "KWD"}
    for row in rows:
        currency = row["currency"]
        assert f"Deferred revenue in {currency}" in page
        cash = int(Decimal(row["cash"]).scaleb(minor_exponent(currency)))
        assert SHOW.money(cash, currency) in page


async def test_tax_is_told_beside_what_is_without_it(fleet, web, door):
    card = card_in(fleet, "GB")
    british = await fleet.subscribe("core_10k", catalog="make_europe", card=card)
    month = month_of(paid_in(british), datetime.now(UTC))
    await entered(fleet, web, OperatorRole.FINANCE)
    page = (await web.get(FINANCE, params={"month": f"{month.first:%Y-%m}"})).text
    rows = (await door.get("/reports/taxes", params=month.days)).json()["rows"]
    charged = sum(Decimal(row["charged"]) for row in rows if row["currency"] == "USD")
    assert charged >= Decimal("1.80")
    told = "<dt>Tax charged, not in any of these</dt>"
    assert f"{told}<dd>${charged:,.2f}</dd>" in page
    assert "<dt>Tax given back</dt>" in page


async def test_a_file_is_the_report_of_the_same_month(fleet, web, door):
    acme = await fleet.subscribe("core_10k")
    month = month_of(paid_in(acme), datetime.now(UTC))
    await entered(fleet, web, OperatorRole.FINANCE)
    asked = {"month": f"{month.first:%Y-%m}", "report": "charges"}
    file = await web.get(f"{FINANCE}/csv", params=asked)
    assert file.headers["content-disposition"].endswith(f'charges-{asked["month"]}.csv"')
    rows = (await door.get("/reports/charges", params=month.days)).json()["rows"]
    assert list(csv.DictReader(io.StringIO(file.text))) == rows
    unknown = await web.get(f"{FINANCE}/csv", params=asked | {"report": "statement"})
    assert unknown.status_code == 404


async def closed(web, month, **fields):
    """Close a month as it is shown; another test's findings may come in between."""
    asked = f"{FINANCE}?month={month}"
    for _ in range(5):
        answer = await sent(web, asked, f"{FINANCE}/close", **fields)
        if "figures" not in answer.text or answer.status_code == 303:
            break
    return answer


async def test_a_month_is_closed_once_by_somebody_with_what_was_shown(fleet, web):
    ann = await entered(fleet, web, OperatorRole.FINANCE)
    shown = await web.get(f"{FINANCE}?month=2019-02")
    (fields,) = forms_of(shown, f"{FINANCE}/close")
    stale = await web.post(f"{FINANCE}/close", data={**fields, "seen": "x", "reason": "r"})
    assert stale.status_code == 409
    assert "Close February 2019" in stale.text
    done = await closed(web, "2019-02", reason="nothing was sold then")
    assert done.status_code == 303
    page = (await web.get(done.headers["location"])).text
    assert "This month is closed" in page
    assert f"Closed by {ann.email} on" in page
    assert "nothing was sold then" in page
    assert forms_of(await web.get(f"{FINANCE}?month=2019-02"), f"{FINANCE}/close") == []
    again = await web.post(f"{FINANCE}/close", data={**fields, "reason": "r"})
    assert again.status_code == 409
    file = await web.get(f"{FINANCE}/csv", params={"month": "2019-02", "report": "closed-months"})
    (row,) = csv.DictReader(io.StringIO(file.text))
    assert (row["month"], row["closed by"]) == ("2019-02", ann.email)
    assert row["reason"] == "nothing was sold then"


async def test_what_changed_since_a_month_was_closed_is_shown_with_the_difference(fleet, web):
    month, amounts = "'2019-05-01', ", "0, 1170, 0, 0, 0, 0, 0, 1170, 0, 0, 1170"
    with fleet.engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO closed_months VALUES ({month}'ann', '2019-06-02Z', true, 0, '{{}}')"
        )
        connection.exec_driver_sql(f"INSERT INTO closed_figures VALUES ({month}'USD', {amounts})")
    await entered(fleet, web, OperatorRole.ADMIN)
    page = (await web.get(f"{FINANCE}?month=2019-05")).text
    assert "Changed since it was closed" in page
    for told in ("Cash", "$11.70", "-$11.70"):
        assert told in page


async def test_a_month_that_runs_has_no_form_to_close_it(fleet, web):
    await entered(fleet, web, OperatorRole.FINANCE)
    shown = await web.get(f"{FINANCE}?month=8999-01")
    assert "This month is still running" in shown.text
    assert forms_of(shown, f"{FINANCE}/close") == []
    (fields,) = forms_of(await web.get(f"{FINANCE}?month=2019-03"), f"{FINANCE}/close")
    early = await web.post(f"{FINANCE}/close", data={**fields, "month": "8999-01"})
    assert early.status_code == 409


async def test_support_has_no_page_of_finance(fleet, web):
    await entered(fleet, web, OperatorRole.SUPPORT)
    assert FINANCE not in (await web.get("/operator/customers")).text
    for path in (FINANCE, f"{FINANCE}/csv?report=movement"):
        assert (await web.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("at", "first"), [("2027-01-31", "2026-12-01"), ("2027-03-01", "2027-02-01")]
)
def test_the_month_to_close_is_the_last_that_is_over(at, first):
    instant = datetime.fromisoformat(f"{at}T00:00:00+00:00")
    month = month_of("", instant)
    assert month.first.isoformat() == first
    assert month.is_over(instant)
    assert not month_of(at[:7], instant).is_over(instant)


@pytest.mark.parametrize("written", ["2027-13", "2027", "9999-12", "0001-01", "<b>", "2027-01-01"])
def test_what_is_no_month_is_refused(written):
    with pytest.raises(Problem):
        month_of(written, datetime.now(UTC))
