"""What is asked of one customer costs the same whoever else there is: by index, never the whole."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from ledger import balances, checkpoints, grants, open_items, room, subscriptions
from ledger.notifications import notices, outbox
from ledger.payments import booked, charges, processor_ids, refunds
from ledger.reads import charge, timeline, wallets
from ledger.reports.registry import REPORTS, ReportRequest, sheet
from ledger.teams import limits, members
from ledger.usage import corrections, debits, holds
from local.postgres import Database
from models.base import connect
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
)

CUSTOMERS, EVENTS = 300, 20
LARGE = ["entries", "archived_entries", "grants", "outbox", "charges", "postings"]
ARCHIVE = text("SELECT archive_entries(:account, :before, 15)")
READ_WHOLE = text("""
    SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY (:large)
""")


def a_customer(ledger):
    wallet = a_subscribed_wallet(ledger, 1_000, **auto_purchase_on())
    events = [an_event(wallet.account_id, 1, tags=(("member", "ada"),)) for _ in range(EVENTS)]
    debits.debit(ledger, events, NOON)
    for number in range(3):
        name = f"{wallet.customer_id}:period:1{number}"
        charge = a_paid_charge(ledger, wallet, name, 500, at=NOON)
        grants.give(ledger, wallet.account_id, a_grant(), NOON)
        outbox.put(ledger, wallet.account_id, f"receipt:{charge}", "mail", {})
    ledger.execute(ARCHIVE, {"account": wallet.account_id, "before": MONTH_END})
    return wallet


@pytest.fixture(scope="module")
def crowd(new_database: Callable[[], Database]):
    """A ledger of many customers, its statistics known, and one of them."""
    database = new_database()
    engine, owner = connect(database.url), connect(database.owner_url)
    with engine.begin() as ledger:
        wallets = [a_customer(ledger) for _ in range(CUSTOMERS)]
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    owner.dispose()
    yield engine, wallets[CUSTOMERS // 2]
    engine.dispose()


READS = {
    "available": lambda c, w: balances.available(c, w.account_id, "credits", NOON),
    "available of each": lambda c, w: balances.available_of_each(c, w.account_id, NOON),
    "by expiry": lambda c, w: balances.by_expiry(c, w.account_id, "credits", NOON),
    "as of": lambda c, w: balances.balances_as_of(c, w.account_id, NOON),
    "left behind": lambda c, w: balances.left_behind(c, w.account_id, NOON),
    "history": lambda c, w: balances.history(c, w.account_id, limit=10),
    "refusals": lambda c, w: balances.refusals(c, w.account_id, limit=10),
    "books": lambda c, w: balances.books(c, w.account_id),
    "open items": lambda c, w: open_items.open_matters(c, w.account_id),
    "notices": lambda c, w: notices.newest(c, w.account_id),
    "used": lambda c, w: wallets.used_of_each(c, wallets.wallet_now(c, w.account_id, NOON)),
    "burns": lambda c, w: wallets.burns_of_each(c, wallets.wallet_now(c, w.account_id, NOON)),
    "recent use": lambda c, w: notices.recent_use(c, w.account_id, "credits", NOON),
    "expiring": lambda c, w: notices.expiring(c, w.account_id, NOON),
    "outbox": lambda c, w: outbox.waiting(c, "crossing", grace_seconds=0, limit=10),
    "charges": lambda c, w: charges.listed(c, w.account_id, limit=10),
    "open charges": lambda c, w: checkpoints.open_charges(c, w.account_id, w.subscription_id),
    "auto-purchased": lambda c, w: charges.auto_purchased(c, w.account_id),
    "left of the cap": lambda c, w: room.cap_left(c, w.account_id, NOON),
    "frozen": lambda c, w: room.frozen_of_each(c, w.account_id, NOON),
    "charge": lambda c, w: charges.known(c, w.account_id, f"{w.customer_id}:period:10"),
    "charge by its invoice": lambda c, w: processor_ids.subscription_of_invoice(c, "in_1"),
    "charge by its id": lambda c, w: booked.charges_by_id(c, f"{w.customer_id}:period:10"),
    "paid by an invoice": lambda c, w: booked.paid_by(c, "in_1"),
    "disputes": lambda c, w: refunds.has_open_dispute(c, w.account_id),
    "returned": lambda c, w: refunds.returned(c, w.account_id, f"{w.customer_id}:period:10"),
    "timeline": lambda c, w: timeline.page(c, w.account_id, timeline.Place(), 50),
    "older": lambda c, w: timeline.page(
        c, w.account_id, timeline.Place.parse(f"9~{NOON.isoformat()}~mail x"), 50
    ),
    "twins": lambda c, w: timeline.twins(c, w.account_id, [f"{w.customer_id}:period:10"]),
    "whole charge": lambda c, w: charge.whole(c, w.account_id, f"{w.customer_id}:period:10"),
    "members": lambda c, w: members.standings(c, w.account_id, "credits", START, START),
    "limits": lambda c, w: limits.usage(c, w.account_id, START),
    "event": lambda c, w: corrections.event_of(c, w.account_id, "nothing"),
    "holds": lambda c, w: holds.open_holds(c, w.account_id, NOON),
    "record": lambda c, w: subscriptions.record_of_account(c, w.account_id),
    "debit": lambda c, w: debits.debit(c, [an_event(w.account_id, 1)], NOON),
    "lapse": lambda c, w: holds.lapse_due(c, w.account_id, NOON),
    "expiry": lambda c, w: grants.expire_due(c, w.account_id, MONTH_END),
}


def read_whole(crowd, read):
    engine, wallet = crowd
    with engine.connect() as ledger:
        before = dict(ledger.execute(READ_WHOLE, {"large": LARGE}).all())
        read(ledger, wallet)
        after = dict(ledger.execute(READ_WHOLE, {"large": LARGE}).all())
        ledger.rollback()
    return [name for name, scans in after.items() if scans > before[name]]


@pytest.mark.parametrize("name", READS)
def test_no_large_table_is_read_whole_for_one_customer(crowd, name):
    assert read_whole(crowd, READS[name]) == []


@pytest.mark.parametrize("name", REPORTS)
def test_no_report_of_one_customer_reads_a_large_table_whole(crowd, name):
    asked = ReportRequest(
        name=name,
        customer_id=crowd[1].customer_id,
        first=START.date(),
        until=MONTH_END.date(),
        tag="member",
    )
    assert read_whole(crowd, lambda ledger, _: sheet(ledger, asked, MONTH_END)) == []
