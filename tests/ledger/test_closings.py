"""A closed month: written once, with what was seen, and never changed; the books stay open."""

from dataclasses import replace
from datetime import date, timedelta

import psycopg
import pytest
from psycopg import errors

from domain.errors import InvalidInput
from domain.payments.closing import AMOUNTS, Figures, Month, changes, seal
from domain.payments.findings import Finding, FindingKind
from ledger.payments import closings, findings
from ledger.reports.registry import ReportRequest, sheet
from models.base import connect
from tests.builders import MONTH_END, NOON, a_subscribed_wallet, auto_purchase_on, bought
from tests.ledger.importing import a_customer, a_row, bring
from tests.ledger.test_concurrency import at_once

JANUARY = Month(date(2027, 1, 1))
LATER = MONTH_END + timedelta(days=2)
SOUND_MONTH = {
    "month": JANUARY.first,
    "closed_by": "ann",
    "closed_at": LATER,
    "settled": 0,
    "open_findings": [],
    "reason": None,
}
SOUND_FIGURES = {"month": JANUARY.first, "currency": "USD"} | dict.fromkeys(AMOUNTS, 0)
ATTACKS = (
    ("closed_months_pk", "closed_months", {"month": date(2026, 12, 1)}),
    ("closed_months_month", "closed_months", {"month": date(2027, 1, 2)}),
    ("closed_months_closed_by", "closed_months", {"closed_by": ""}),
    ("closed_months_settled", "closed_months", {"settled": -1}),
    ("closed_months_reason", "closed_months", {"reason": ""}),
    ("closed_months_over", "closed_months", {"closed_at": MONTH_END - timedelta(seconds=1)}),
    ("closed_months_explained", "closed_months", {"open_findings": ["paid:in_1"]}),
    ("closed_figures_pk", "closed_figures", {"month": date(2026, 12, 1)}),
    ("closed_figures_of", "closed_figures", {"month": date(2026, 11, 1)}),
    ("closed_figures_currency", "closed_figures", {"month": date(2026, 12, 1), "currency": "usd"}),
    ("closed_figures_add_up", "closed_figures", {"currency": "EUR", "cash": 1}),
    ("closed_figures_covered", "closed_figures", {"currency": "EUR", "liability": 1}),
)


@pytest.fixture
def books(new_database):
    """A database of its own: a month is closed for all customers together."""
    made = connect(new_database().url)
    yield made
    made.dispose()


def a_paying_customer(engine, charge="first"):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on())
        bought(connection, wallet, f"{wallet.customer_id}:{charge}")
    return wallet


def seen(engine, month=JANUARY):
    with engine.connect() as connection:
        found = findings.open_findings(connection)
        return seal(closings.figures_of(connection, month), [one.key for one in found])


def close(engine, at=LATER, **changed):
    asked = closings.Asked(JANUARY, "ann@seller.example", seen(engine), compared=True)
    closings.close(engine, replace(asked, **changed), at)


def closed(engine, month=JANUARY):
    with engine.connect() as connection:
        return list(closings.closed(connection, month.first, month.until))


def refused(engine, **changed):
    with pytest.raises(InvalidInput) as refusal:
        close(engine, **changed)
    assert closed(engine) == [] or refusal.value.reason == "month_closed"
    return refusal.value.reason


def a_finding(key="paid:in_1"):
    return Finding(
        key=key,
        kind=FindingKind.AMOUNT_DIFFERS,
        customer_id=None,
        subscription_id=None,
        charge_id=None,
        processor_id="in_1",
        detail="$54 for $45",
        at=NOON,
    )


def test_what_was_imported_is_a_figure_of_its_own(books):
    with books.begin() as connection:
        bring(connection, a_row(a_customer(connection)))
        (figures,) = closings.figures_of(connection, JANUARY)
    assert (figures.imported, figures.cash, figures.adds_up) == (4_500, 0, True)
    close(books)
    assert closed(books)[0].figures == (figures,)


def test_what_is_closed_is_what_was_seen_and_the_report_tells_exactly_it(books):
    wallet = a_paying_customer(books)
    with books.connect() as connection:
        figures = closings.figures_of(connection, JANUARY)
    assert figures[0].cash > 0
    close(books)
    (one,) = closed(books)
    assert (one.closed_by, one.closed_at, one.compared) == ("ann@seller.example", LATER, True)
    assert (one.figures, one.open_findings, one.reason) == (figures, (), None)
    assert refused(books) == "month_closed"
    asked = ReportRequest("closed-months", first=JANUARY.first, until=JANUARY.until)
    with books.connect() as connection:
        told = sheet(connection, asked, LATER)
        moved = sheet(connection, replace(asked, name="movement"), LATER)
        nobody = sheet(connection, replace(asked, customer_id=wallet.customer_id), LATER)
    assert [row[:14] for row in told.rows] == [row[:14] for row in moved.rows]
    assert told.rows[0][14:16] == ("ann@seller.example", "2027-02-03 00:00:00Z")
    assert nobody.rows == ()


def test_a_month_is_closed_neither_while_it_runs_nor_with_other_figures_than_were_seen(books):
    assert refused(books, at=MONTH_END - timedelta(seconds=1)) == "month_running"
    before = seen(books)
    a_paying_customer(books)
    assert refused(books, seen=before) == "figures_changed"
    with books.begin() as connection:
        findings.record(connection, a_finding())
    assert refused(books, reason="seen without it", seen=before) == "figures_changed"


def test_open_findings_need_a_reason_that_is_kept_with_them(books):
    a_paying_customer(books)
    with books.begin() as connection:
        findings.record(connection, a_finding())
    assert refused(books) == "findings_open"
    close(books, reason="the bank answers next week")
    (one,) = closed(books)
    assert (one.open_findings, one.reason) == (("paid:in_1",), "the bank answers next week")


def test_of_two_people_at_once_one_closes_a_month_and_the_other_is_told(books):
    a_paying_customer(books)

    def by(name):
        def call():
            try:
                return close(books, by=name)
            except InvalidInput as error:
                return error.reason

        return call

    told = at_once([by(f"{name}@seller.example") for name in ("ann", "bob", "cy", "dan")])
    assert sorted(told, key=str) == [None, *["month_closed"] * 3]
    assert len(closed(books)) == 1


def test_what_is_booked_later_is_a_difference_and_changes_nothing_that_was_closed(books):
    a_paying_customer(books)
    close(books)
    (before,) = closed(books)
    a_paying_customer(books)
    with books.connect() as connection:
        now = closings.figures_of(connection, JANUARY)
    (after,) = closed(books)
    assert after == before
    cash = next(one for one in changes(after.figures, now) if one.figure == "cash")
    assert cash.difference == before.figures[0].cash
    assert changes(before.figures, before.figures) == []


def test_sums_that_no_bigint_holds_are_kept_exactly(books):
    huge = 10**30 + 1
    row = SOUND_FIGURES | {"cash": huge, "closing": huge, "liability": huge}
    with books.begin() as connection:
        connection.exec_driver_sql(*inserted("closed_months", SOUND_MONTH))
        connection.exec_driver_sql(*inserted("closed_figures", row))
    (one,) = closed(books)
    assert one.figures[0] == Figures(**{k: v for k, v in row.items() if k != "month"})


def inserted(table, row):
    """Return a statement and its values."""
    places = ", ".join(f"%({name})s" for name in row)
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", row


@pytest.mark.parametrize(("constraint", "table", "changed"), ATTACKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_its_name(
    session_database, constraint, table, changed
):
    sound = {"closed_months": SOUND_MONTH, "closed_figures": SOUND_FIGURES}
    december = {"month": date(2026, 12, 1)}
    with psycopg.connect(session_database.owner_url) as connection:
        connection.execute(*inserted("closed_months", SOUND_MONTH | december))
        connection.execute(*inserted("closed_figures", SOUND_FIGURES | december))
        if table == "closed_figures":
            connection.execute(*inserted("closed_months", SOUND_MONTH))
        with pytest.raises(errors.IntegrityError) as refusal:
            connection.execute(*inserted(table, sound[table] | changed))
        assert refusal.value.diag.constraint_name == constraint
        connection.rollback()


@pytest.mark.parametrize("table", ["closed_months", "closed_figures"])
@pytest.mark.parametrize(
    "attack", ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_what_was_closed_stays_even_for_its_owner(session_database, table, attack):
    with psycopg.connect(session_database.owner_url) as connection:
        connection.execute(*inserted("closed_months", SOUND_MONTH))
        connection.execute(*inserted("closed_figures", SOUND_FIGURES))
        with pytest.raises(psycopg.Error) as refusal:
            connection.execute(attack.format(table))
        assert refusal.value.sqlstate == "DD001"
        connection.rollback()
