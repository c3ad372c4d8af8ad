"""`cli.py close-month` shows a month, and closes it as it was shown and no other."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import psycopg
import pytest

import cli
from domain.payments.closing import Month
from ledger.payments import closings, findings
from models.base import connect
from tests.builders import a_subscribed_wallet
from tests.deployment import environment
from tests.ledger.test_closings import a_finding

MONTH = Month(date(2026, 1, 1))
WINDOWS = ((MONTH.begins, MONTH.ends),)
DAMAGE = "UPDATE postings SET amount_minor = amount_minor - 1 WHERE book = 'deferred_revenue'"
BY = ("--by", "ann@seller.example")


@pytest.fixture
def engine(database):
    made = connect(database.url)
    yield made
    made.dispose()


@pytest.fixture
def run(monkeypatch, unguarded_database, capsys):
    """A function that runs `close-month` and returns exit code and all that was printed."""
    for name, value in environment(unguarded_database.url).items():
        monkeypatch.setenv(name, value)

    def command(*words):
        code = cli.main(["close-month", *words])
        return code, "".join(capsys.readouterr())

    return command


def a_customer(engine):
    with engine.begin() as connection:
        return a_subscribed_wallet(connection, 10, windows=WINDOWS)


def closed(engine):
    with engine.connect() as connection:
        return list(closings.closed(connection, MONTH.first, MONTH.until))


def seal_in(told):
    (found,) = re.findall(r"--seen ([0-9a-f]{64})\b", told)
    return found


def test_a_month_is_closed_as_it_was_shown_with_who_and_once(run, engine):
    a_customer(engine)
    code, shown = run("2026-01")
    assert (code, closed(engine)) == (0, [])
    assert "close it as it is above, for good: --by NAME --seen" in shown
    a_customer(engine)
    late, told = run("2026-01", *BY, "--seen", seal_in(shown))
    assert (late != 0, "figures_changed" in told, closed(engine)) == (True, True, [])

    seen = seal_in(run("2026-01")[1])
    code, told = run("2026-01", *BY, "--seen", seen)
    assert (code, "ann@seller.example" in told) == (0, True)
    (kept,) = closed(engine)
    # Temporal is away, so that nobody could say whether the comparison ran.
    assert (kept.closed_by, kept.compared, kept.reason) == ("ann@seller.example", None, None)
    with engine.connect() as connection:
        assert kept.figures == closings.figures_of(connection, MONTH)

    again, told = run("2026-01", *BY, "--seen", seen)
    assert (again != 0, "month_closed" in told) == (True, True)
    a_customer(engine)
    assert "since then: cash was" in run("2026-01")[1]
    assert closed(engine) == [kept]


def test_an_open_finding_about_money_needs_a_reason(run, engine):
    a_customer(engine)
    finding = replace(a_finding(), at=MONTH.begins)
    with engine.begin() as connection:
        findings.record(connection, finding)
    shown = run("2026-01")[1]
    assert f"open finding about money: {finding.key}" in shown
    assert "--by NAME --reason TEXT --seen" in shown
    seen = seal_in(shown)
    code, told = run("2026-01", *BY, "--seen", seen)
    assert (code != 0, "findings_open" in told, closed(engine)) == (True, True, [])
    assert run("2026-01", *BY, "--reason", " the bank is asked ", "--seen", seen)[0] == 0
    (kept,) = closed(engine)
    assert (kept.open_findings, kept.reason) == ((finding.key,), "the bank is asked")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--seen", "0" * 64), "missing_field"),
        (("--seen", "0" * 64, "--by", " "), "missing_field"),
        (("--seen", "0" * 64, "--by", "a" * 201), "malformed"),
        (("--seen", "0" * 64, *BY, "--reason", "a" * 201), "malformed"),
        (("--seen", "0" * 64, *BY), "figures_changed"),
        (("--seen", "", *BY), "figures_changed"),
        (("--seen", "0" * 64, *BY, "--reason", ""), "missing_field"),
    ],
)
def test_what_is_missing_or_was_not_seen_closes_nothing(run, engine, words, told):
    a_customer(engine)
    code, printed = run("2026-01", *words)
    assert (code != 0, told in printed, closed(engine)) == (True, True, [])


def test_where_the_books_differ_nothing_is_offered_to_close(run, unguarded_database):
    engine = connect(unguarded_database.url)
    a_customer(engine)
    engine.dispose()
    with psycopg.connect(unguarded_database.owner_url) as owner:
        owner.execute("ALTER TABLE postings DISABLE TRIGGER USER")
        owner.execute(DAMAGE)
    code, shown = run("2026-01")
    assert (code, "USD: the books differ" in shown, "--seen" in shown) == (0, True, False)


def test_a_month_that_runs_is_shown_and_cannot_be_closed(run, engine):
    now = f"{datetime.now(UTC):%Y-%m}"
    code, shown = run(now)
    assert (code, "it is not over yet" in shown, "--seen" in shown) == (0, True, False)
    code, told = run(now, *BY, "--seen", "0" * 64)
    assert (code != 0, "month_running" in told) == (True, True)


@pytest.mark.parametrize("written", ["January", "2026-1", "2026-13", "1999-12", "9999-12", ""])
def test_what_is_no_month_in_which_anything_was_sold_is_refused(run, written):
    with pytest.raises(SystemExit):
        run(written)
