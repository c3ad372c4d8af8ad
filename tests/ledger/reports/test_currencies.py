"""Reports have a row for each currency, with its own decimals, and sum none with another."""

import pytest

from ledger.reports.registry import ReportRequest, sheet
from tests.builders import MONTH_END, START, a_subscribed_wallet, use
from tests.ledger.returns import buy, refund


@pytest.fixture
def wallet(ledger):
    """A wallet that paid $45.00 and KWD 2.500, and got a tenth of each back."""
    found = a_subscribed_wallet(ledger, allowance=0)
    dollars, dinars = (f"{found.subscription_id}:{name}" for name in ("usd", "kwd"))
    buy(ledger, wallet=found, charge_id=dollars, quantity=1_000, cost=4_500)
    buy(ledger, wallet=found, charge_id=dinars, quantity=5_000, cost=2_500, currency="KWD")
    use(ledger, found, 400)
    refund(ledger, found, dollars, 450, key="usd")
    refund(ledger, found, dinars, 250, key="kwd")
    return found


def rows_of(ledger, wallet, name):
    asked = ReportRequest(name, wallet.customer_id, START.date(), MONTH_END.date())
    told = sheet(ledger, asked, MONTH_END)
    names = [column.name for column in told.columns]
    return [dict(zip(names, row, strict=True)) for row in told.rows]


def test_what_was_charged_is_told_in_each(ledger, wallet):
    rows = {one["currency"]: one for one in rows_of(ledger, wallet, "charges")}
    assert {code: one["paid"] for code, one in rows.items()} == {"USD": "45.00", "KWD": "2.500"}


def test_what_moved_is_told_in_each(ledger, wallet):
    rows = {one["currency"]: one for one in rows_of(ledger, wallet, "movement")}
    assert {code: one["cash"] for code, one in rows.items()} == {"USD": "45.00", "KWD": "2.500"}
    gone = {code: one["refunds"] for code, one in rows.items()}
    assert gone == {"USD": "4.50", "KWD": "0.250"}


@pytest.mark.parametrize("name", ["prices", "liability", "movement", "charges"])
def test_no_row_is_of_two(ledger, wallet, name):
    rows = rows_of(ledger, wallet, name)
    assert {one["currency"] for one in rows} <= {"USD", "KWD"}
    assert {one["currency"] for one in rows} >= ({"USD", "KWD"} if name != "prices" else set())
    decimals = {"USD": 2, "KWD": 3}
    money = {"paid", "of it surcharge", "cash", "deferred revenue", "owed"}
    for row in rows:
        for column in money & row.keys():
            assert len(row[column].partition(".")[2]) in (0, decimals[row["currency"]]), row
