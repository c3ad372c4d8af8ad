"""Imported subscriptions: all or nothing, once per key, and nothing for the running period."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from activities.periods.imports import carry_out
from catalogs.reader import read_catalog
from domain.payments.import_files import InvalidImport
from domain.payments.import_subscriptions import Brings, read_subscriptions
from ledger import accounts, balances, subscriptions
from settings import CATALOGS
from tests.ledger.importing import LISTS

WORLD = {"make_world": read_catalog(CATALOGS / "examples" / "make_world.yaml")}
MID_JANUARY = datetime(2027, 1, 16, 12, tzinfo=UTC)
HEADING = (
    "customer,name,email,seller,plan,renews_at,status,key,version,anchor,time_zone,"
    "processor_customer,payment_method"
)


def a_line(customer, status="active", **facts):
    """Core 10,000, which renews on February 1st."""
    usual = {
        "plan": "core_10k",
        "renews_at": "2027-02-01T00:00:00Z",
        "key": "old-1",
        "payer": f"cus_{customer}",
    } | facts
    return (
        f"{customer},Ada Example,{customer}@example.com,make,{usual['plan']},{usual['renews_at']},"
        f"{status},{usual['key']},,,UTC,{usual['payer']},pm_1"
    )


def bring(connection, *lines, at=MID_JANUARY, by="ann"):
    rows = read_subscriptions("\n".join((HEADING, *lines)))
    return carry_out(connection, LISTS, rows, at, by=by)


def count(connection, table, account):
    where = text(f"SELECT count(*) FROM {table} WHERE account_id = :account")
    return connection.scalar(where, {"account": account})


@pytest.mark.parametrize("status", [Brings.ACTIVE, Brings.CANCELED, Brings.PAUSED])
def test_the_running_period_is_there_and_nothing_is_charged_granted_or_mailed(ledger, status):
    (come,) = bring(ledger, a_line("moved-a", status))

    account = accounts.account_of(ledger, "moved-a")
    stored = subscriptions.stored(ledger, "moved-a")
    assert (come.is_new, come.lives, come.start.payment_method) == (True, True, "pm_1")
    assert stored.period().end == datetime(2027, 2, 1, tzinfo=UTC)
    assert stored.cancel_at_end is (status is Brings.CANCELED)
    assert subscriptions.status_of(ledger, "moved-a") == status
    assert accounts.details_of(ledger, account).payer == "cus_moved-a"
    assert count(ledger, "windows", account) == 1
    assert [count(ledger, name, account) for name in ("grants", "charges", "entries")] == [0, 0, 0]
    mails = text("SELECT count(*) FROM outbox WHERE account_id = :account AND topic = 'mail'")
    assert ledger.scalar(mails, {"account": account}) == 0
    assert balances.violations(ledger) == []


def test_a_repeat_changes_nothing_whoever_sends_it_and_other_content_is_a_conflict(ledger):
    bring(ledger, a_line("moved-b"))
    ledger.execute(
        text("UPDATE customers SET email = 'new@example.com' WHERE customer_id = 'moved-b'")
    )

    (again,) = bring(ledger, a_line("moved-b"), at=datetime(2027, 3, 9, tzinfo=UTC), by="eve")
    with pytest.raises(InvalidImport) as found:
        bring(ledger, a_line("moved-b", renews_at="2027-02-02T00:00:00Z"))

    assert (again.is_new, again.lives) == (False, True)
    assert [(one.column, one.reason) for one in found.value.faults] == [
        ("key", "idempotency_conflict")
    ]
    account = accounts.account_of(ledger, "moved-b")
    assert accounts.details_of(ledger, account).email == "new@example.com"
    who = text("SELECT made_by FROM imports WHERE account_id = :account")
    assert ledger.scalar(who, {"account": account}) == "ann"


def test_a_subscription_comes_along_in_its_currency(ledger):
    heading, line = f"{HEADING},currency", a_line("moved-w").replace(",make,", ",make_world,")
    rows = read_subscriptions(f"{heading}\n{line},EUR")
    (come,) = carry_out(ledger, WORLD, rows, MID_JANUARY, by="ann")
    assert (come.plan.currency, come.plan.price_minor, come.start.currency) == ("EUR", 850, "EUR")
    assert subscriptions.stored(ledger, "moved-w").plan["currency"] == "EUR"

    other = read_subscriptions(f"{heading}\n{line.replace('moved-w', 'moved-x')},GBP")
    with pytest.raises(InvalidImport) as found:
        carry_out(ledger, WORLD, other, MID_JANUARY, by="ann")
    assert [(one.column, one.reason) for one in found.value.faults] == [
        ("currency", "unknown_currency")
    ]


def test_every_row_that_cannot_come_is_named(ledger):
    bring(ledger, a_line("moved-c"))
    with pytest.raises(InvalidImport) as found:
        bring(
            ledger,
            a_line("moved-c", key="old-2"),
            a_line("moved-d", plan="nothing"),
            a_line("moved-e", renews_at="2027-01-01T00:00:00Z"),
            a_line("moved-f", payer="cus_moved-c"),
            a_line("moved-g", "trialing"),
        )

    assert [(one.line, one.column, one.reason) for one in found.value.faults] == [
        (2, "subscription", "already_subscribed"),
        (3, "plan", "unknown_plan"),
        (4, "renews_at", "invalid_time"),
        (5, "", "invalid_value"),
        (6, "", "invalid_value"),
    ]
