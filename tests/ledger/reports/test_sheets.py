"""Reports as people ask for them: by name and days, as tables and as CSV that loses nothing."""

import csv
import io
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from domain.errors import InvalidInput
from ledger import grants
from ledger.balances import history
from ledger.reports import scope as scopes
from ledger.reports.layouts.registered import history_sheet
from ledger.reports.registry import REPORTS, ReportRequest, add_arguments, asked_in, sheet
from ledger.reports.scope import Scope, snapshot
from ledger.reports.tables import Column, Sheet, csv_text, fraction_text, money_text
from ledger.reports.usage import usage_by_action
from ledger.usage import debits
from models.tables import Customer
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    micro,
    use,
)
from tests.ledger.reports.histories import History, steps


def cells(found, name):
    """Return a column of a sheet as its CSV has it."""
    rows = csv.DictReader(io.StringIO(csv_text(found), newline=""))
    return [row[name] for row in rows]


@pytest.mark.long
@settings(max_examples=15)
@given(told=steps)
def test_every_report_comes_out_for_one_customer_and_for_all_with_exact_decimals(books, told):
    with books() as ledger:
        told_history = History(ledger).tell(told)
        for name in REPORTS:
            for customer in (None, told_history.wallets[0].customer_id):
                asked = ReportRequest(name, customer, tag="campaign")
                found = sheet(ledger, asked, told_history.clock)
                assert found == sheet(ledger, asked, told_history.clock)
                assert all(len(row) == len(found.columns) for row in found.rows)
                for column in found.columns:
                    if column.is_number and "exact" not in column.name:
                        for cell in cells(found, column.name):
                            assert cell == "-" or Decimal(cell).is_finite()


@settings(max_examples=10)
@given(told=steps)
def test_what_is_read_back_from_a_csv_still_sums_to_the_books(books, told):
    with books() as ledger:
        clock = History(ledger).tell(told).clock
        found = sheet(ledger, ReportRequest("liability"), clock)
        of_dollars = [
            Decimal(amount)
            for amount, currency in zip(
                cells(found, "deferred revenue"), cells(found, "currency"), strict=True
            )
            if currency == "USD"
        ]
        booked = ledger.scalar(
            text("SELECT coalesce(-sum(amount_minor), 0)::bigint FROM postings "
                 "WHERE book = 'deferred_revenue' AND currency = 'USD'")
        )  # fmt: skip
        assert sum(of_dollars) * 100 == booked


def test_the_prices_of_a_sheet_are_rounded_once_and_its_exact_column_is_not(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=3, amount_minor=100)
    use(ledger, wallet, 1)
    asked = ReportRequest("prices", wallet.customer_id, START.date(), MONTH_END.date())

    found = sheet(ledger, asked, NOON)

    assert cells(found, "price") == ["0.333333", "-"]
    assert cells(found, "earned, exact minor units") == ["100/3", "-1/3"]
    assert found.notes == (
        "USD: earned 0.33 = posted 0.00 + earned, not yet posted 0.33 - the same at the start 0.00",
    )


def test_days_are_the_customers_own_and_the_last_one_is_not_included(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    zone = update(Customer).where(Customer.account_id == wallet.account_id)
    ledger.execute(zone.values(time_zone="Asia/Tokyo"))
    for key, at in (
        ("before", datetime(2027, 1, 4, 14, 59, tzinfo=UTC)),
        ("inside", datetime(2027, 1, 4, 15, 0, tzinfo=UTC)),
        ("after", datetime(2027, 1, 5, 15, 0, tzinfo=UTC)),
    ):
        debits.debit(ledger, [an_event(wallet.account_id, 1, key=key, event_at=START)], at)
    asked = ReportRequest("statement", wallet.customer_id, date(2027, 1, 5), date(2027, 1, 6))

    assert cells(sheet(ledger, asked, NOON), "key") == ["-", "inside", "-"]


def test_without_days_a_report_includes_what_virtual_time_decided_ahead_of_the_clock(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    use(ledger, wallet, 1, key="ahead")

    asked = ReportRequest("statement", wallet.customer_id)

    assert "ahead" in cells(sheet(ledger, asked, START - timedelta(days=90)), "key")


def test_a_statements_csv_chains_by_itself(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    use(ledger, wallet, "2.5")
    grants.give(ledger, wallet.account_id, a_grant(quantity_micro=micro(1)), NOON)
    asked = ReportRequest("statement", wallet.customer_id, date(2027, 1, 1), date(2027, 1, 2))

    found = sheet(ledger, asked, NOON)

    assert cells(found, "kind") == ["opening", "grant", "debit", "grant", "closing"]
    assert cells(found, "change") == ["-", "10", "-2.5", "1", "-"]
    assert cells(found, "balance") == ["0", "10", "7.5", "8.5", "8.5"]


def test_the_words_of_others_are_not_run_by_a_spreadsheet():
    columns = (Column("key"), Column("change", is_number=True))
    found = Sheet("t", columns, (("=HYPERLINK(1)", "-2"), ("-", "-"), ("+1", "3")))

    assert csv_text(found).splitlines() == ["key,change", "'=HYPERLINK(1),-2", "-,-", "'+1,3"]


def test_history_keeps_keys_in_brackets(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    use(ledger, wallet, 1, key="k")

    found = history_sheet("acme", None, history(ledger, wallet.account_id))

    assert (found.title, found.rows[-1][-2:]) == (
        "acme: no subscription",
        ("operation x 1 [k]", ""),
    )


def test_a_terminal_shows_the_first_rows_and_says_what_it_leaves_out():
    columns = (Column("a"), Column("b", csv_only=True))
    found = Sheet("t", columns, (("1", "x"), ("2", "y"), ("3", "z")), ("note",))

    assert list(found.shown_rows(2)) == [("1",), ("2",)]
    assert found.shown == columns[:1]
    assert found.shown_notes(2) == ("note", "1 more rows: --csv FILE has all")
    assert found.shown_notes(3) == ("note",)


@given(amount=st.integers(-(10**15), 10**15), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_in_texts_is_exact(amount, currency):
    exponent = {"USD": 2, "JPY": 0, "KWD": 3}[currency]
    assert Decimal(money_text(amount, currency)).scaleb(exponent) == amount


@given(value=st.fractions(min_value=-(10**9), max_value=10**9))
def test_a_fraction_in_texts_is_rounded_by_at_most_half_of_the_last_decimal(value):
    assert abs(Fraction(fraction_text(value)) - value) <= Fraction(1, 2 * 10**6)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (ReportRequest("profit"), "unknown_report"),
        (ReportRequest("outcomes"), "missing_tag"),
        (ReportRequest("usage", "nobody"), "unknown_customer"),
        (ReportRequest("usage", None, date(2027, 2, 1), date(2027, 1, 1)), "invalid_range"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_reason(ledger, asked, reason):
    with pytest.raises(InvalidInput) as refusal:
        sheet(ledger, asked, NOON)
    assert refusal.value.reason == reason


def test_instants_without_an_offset_are_refused():
    with pytest.raises(InvalidInput) as refusal:
        Scope(START.replace(tzinfo=None), MONTH_END)
    assert refusal.value.reason == "invalid_time"


def test_a_report_that_would_be_cut_short_is_refused(ledger, monkeypatch):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    scope = Scope(START, MONTH_END, wallet.account_id)
    for action in ("email", "lookup"):
        debits.debit(ledger, [an_event(wallet.account_id, 1, action=action)], NOON)

    monkeypatch.setattr(scopes, "MOST_ROWS", 2)
    assert len(usage_by_action(ledger, scope)) == 2
    monkeypatch.setattr(scopes, "MOST_ROWS", 1)
    with pytest.raises(InvalidInput) as refusal:
        usage_by_action(ledger, scope)
    assert refusal.value.reason == "report_too_large"


def test_a_snapshot_sees_one_instant_and_changes_nothing(engine):
    with engine.begin() as writer:
        wallet = a_subscribed_wallet(writer, allowance=10)
    scope = Scope(START, MONTH_END, wallet.account_id)
    with snapshot(engine) as reader:
        assert usage_by_action(reader, scope) == ()
        with engine.begin() as writer:
            use(writer, wallet, 1)
        assert usage_by_action(reader, scope) == ()
        with pytest.raises(DBAPIError, match="read-only"):
            use(reader, wallet, 1)


def test_a_commands_arguments_are_what_is_asked():
    parser = ArgumentParser()
    add_arguments(parser)
    words = "outcomes --customer acme --from 2027-01-01 --to 2027-02-01 --tag campaign"

    assert asked_in(parser.parse_args(words.split(" "))) == ReportRequest(
        name="outcomes",
        customer_id="acme",
        first=date(2027, 1, 1),
        until=date(2027, 2, 1),
        tag="campaign",
    )
