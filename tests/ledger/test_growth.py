"""What is asked of a time costs what happened in it, however old the customer is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from ledger import balances, checkpoints, grants
from ledger.reads import usage
from ledger.reports.members import limits_of
from ledger.reports.registry import ReportRequest, sheet
from ledger.reports.scope import Scope
from ledger.reports.statement import statement
from ledger.teams import members
from ledger.usage import debits
from local.postgres import Database
from models.base import connect
from tests.builders import MONTH_END, NOON, START, a_grant, a_subscribed_wallet, an_event

DAY = timedelta(days=1)
FEBRUARY_END = datetime(2027, 3, 1, tzinfo=UTC)
BEFORE, SINCE = 2_000, 5  # events of January, and of the first day of February
FETCHED = text("""
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_xact_user_tables WHERE relname = 'entries'
""")
MOST = 400  # rows: what is told, and a few halvings of a customer's journal
OF_A_TIME = ("usage", "usage-by-day", "usage-by-tag", "usage-by-member", "events", "outcomes",
             "statement")  # fmt: skip


def asked(customer_id: str, name: str) -> ReportRequest:
    return ReportRequest(
        name=name,
        customer_id=customer_id,
        first=MONTH_END.date(),
        until=(MONTH_END + DAY).date(),
        tag="member",
    )


def history(ledger, wallet):
    chosen = balances.Chosen(start=MONTH_END, end=MONTH_END + DAY)
    return balances.history(ledger, wallet.account_id, chosen=chosen)


READS = {
    name: lambda ledger, wallet, name=name: sheet(
        ledger, asked(wallet.customer_id, name), MONTH_END + DAY
    )
    for name in OF_A_TIME
} | {
    "grouped": lambda ledger, wallet: usage.grouped(
        ledger, Scope(MONTH_END, MONTH_END + DAY, wallet.account_id), ["day", "action"]
    ),
    "history": history,
    "members": lambda ledger, wallet: members.standings(
        ledger, wallet.account_id, "credits", MONTH_END, MONTH_END
    ),
    "members in a window": lambda ledger, wallet: members.standings(
        ledger, wallet.account_id, "credits", START, None
    ),
    "numbers of charges": lambda ledger, wallet: checkpoints.last_number(
        ledger, wallet.account_id, f"{wallet.customer_id}:upgrade:"
    ),
    "limits": lambda ledger, wallet: limits_of(ledger, wallet.account_id, "ada"),
}


WINDOWS = ((START, MONTH_END), (MONTH_END, FEBRUARY_END))


@pytest.fixture(scope="module")
def old_customer(new_database: Callable[[], Database]):
    """A customer who did much in January and a little since, and one who did all for free."""
    fresh = new_database()
    engine, owner = connect(fresh.url), connect(fresh.owner_url)
    with owner.begin() as tables:  # a table as small as this one may rightly be read whole
        tables.execute(text(f"ALTER DATABASE {fresh.name} SET enable_seqscan = off"))
    with engine.begin() as ledger:
        wallet = a_subscribed_wallet(ledger, windows=WINDOWS)
        for at, many in ((NOON, BEFORE), (MONTH_END, SINCE)):
            events = [
                an_event(wallet.account_id, event_at=at, tags=(("member", "ada"),))
                for _ in range(many)
            ]
            assert {one.status for one in debits.debit(ledger, events, at)} == {"debited"}
        free_user = a_subscribed_wallet(ledger, 0, windows=WINDOWS)
        free = [an_event(free_user.account_id, 0, credit_type="leads") for _ in range(BEFORE)]
        assert {one.status for one in debits.debit(ledger, free, NOON)} == {"debited"}
    # Or else what is read would depend on whether autovacuum has come by already.
    with owner.begin() as tables:
        tables.execute(text("ANALYZE"))
    yield engine, wallet, free_user
    engine.dispose()
    owner.dispose()


@pytest.mark.parametrize("name", READS)
def test_what_was_before_a_time_is_not_read_for_it(old_customer, name):
    engine, wallet, _ = old_customer
    with engine.connect() as ledger:
        before = ledger.scalar(FETCHED)
        READS[name](ledger, wallet)
        assert ledger.scalar(FETCHED) - before <= MOST
        ledger.rollback()


SUMS = {
    "members": lambda ledger, wallet: members.standings(
        ledger, wallet.account_id, "credits", START, START
    ),
    "grouped": lambda ledger, wallet: usage.grouped(
        ledger, Scope(START, MONTH_END + DAY, wallet.account_id), ["day", "tag:member"]
    ),
    **{
        name: lambda ledger, wallet, name=name: sheet(
            ledger,
            replace(asked(wallet.customer_id, name), first=START.date()),
            MONTH_END + DAY,
        )
        for name in ("usage", "usage-by-day", "usage-by-tag", "usage-by-member")
    },
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_a_time_read_each_of_its_lines_once(old_customer, name):
    engine, wallet, _ = old_customer
    with engine.connect() as ledger:
        before = ledger.scalar(FETCHED)
        SUMS[name](ledger, wallet)
        assert ledger.scalar(FETCHED) - before <= BEFORE + SINCE + MOST
        ledger.rollback()


def test_a_balance_as_of_an_instant_reads_each_line_once_however_many_grants(old_customer):
    engine, wallet, _ = old_customer
    many = 40
    with engine.connect() as ledger:
        for _ in range(many):
            grants.give(ledger, wallet.account_id, a_grant(expires_at=None), MONTH_END)
        before = ledger.scalar(FETCHED)
        balances.balances_as_of(ledger, wallet.account_id, MONTH_END)
        assert ledger.scalar(FETCHED) - before <= BEFORE + SINCE + many + MOST
        ledger.rollback()


def test_a_type_of_free_lines_alone_is_told_without_reading_them(old_customer):
    engine, _, wallet = old_customer
    with engine.connect() as ledger:
        before = ledger.scalar(FETCHED)
        scope = Scope(MONTH_END, MONTH_END + DAY, wallet.account_id)
        told = {one.credit_type: one for one in statement(ledger, scope).balances}
        assert ledger.scalar(FETCHED) - before <= MOST
        assert (told["leads"].opening_micro, told["leads"].closing_micro) == (0, 0)
        ledger.rollback()
