"""What a report reads grows with what it is about, also where the planner knows no statistics."""

import pytest
from sqlalchemy import text

from ledger.reports.registry import REPORTS, ReportRequest, sheet
from ledger.usage import debits
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, an_event

FEW, MANY = 100, 600
MOST_READ = 40  # rows for one more event: its lines, their operation, grant, charge and customer

READ = text("""
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))
    FROM pg_stat_xact_user_tables
""")


def rows_read(ledger, asked):
    before = ledger.scalar(READ)
    sheet(ledger, asked, MONTH_END)
    return ledger.scalar(READ) - before


def use_up(ledger, wallet, number):
    events = [an_event(wallet.account_id, 1, tags=(("member", "ada"),)) for _ in range(number)]
    assert {one.status for one in debits.debit(ledger, events, NOON)} == {"debited"}


@pytest.fixture
def fresh(engine):
    """A ledger of its own: what the planner expects is made by nobody else's customers."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("of_all", [False, True], ids=["one customer", "all customers"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_each_event_a_few_times_and_no_more(fresh, name, of_all):
    wallet = a_subscribed_wallet(fresh, 1_000)
    asked = ReportRequest(
        name=name,
        customer_id=None if of_all else wallet.customer_id,
        first=START.date(),
        until=MONTH_END.date(),
        tag="member",
    )
    use_up(fresh, wallet, FEW)
    few = rows_read(fresh, asked)
    use_up(fresh, wallet, MANY)

    assert rows_read(fresh, asked) - few <= MOST_READ * MANY
