"""What the seller's systems are told: once per fact, in order, with the balance of the journal."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.credits import format_credits
from domain.periods import Window
from domain.pricing.policies import Alert, Channel
from domain.webhooks.events import TYPES
from ledger import accounts, grants, subscriptions
from ledger.notifications import alerts, notices
from ledger.payments import charges, refunds
from ledger.usage import corrections, debits, holds
from ledger.usage.corrections import CorrectionOrder
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    a_wallet,
    an_event,
    auto_purchase_on,
    bought,
    left,
    micro,
    reserve_auto,
    use,
)
from tests.ledger.webhooks import ends, types_of, written
from tests.price_lists import shipped

CATALOGS = shipped()
CORE = CATALOGS["make"].plan("core_10k")
NOON_TO_NOON = timedelta(days=1)
FEW = Alert("5_credits", None, micro(5), Channel.BOTH)
# The journal's own balance of a type when an event was written.
BOOKED = text("""
    SELECT available_after FROM journal
    WHERE account_id = :account AND credit_type = :type AND seq <= :seq
    ORDER BY seq DESC, line DESC LIMIT 1
""")
# Triggers that write events on what a debit writes, and the columns whose change fires them.
ON_THE_WAY = text("""
    SELECT c.relname, t.tgname, t.tgtype & 16 > 0,
           ARRAY(SELECT a.attname::text FROM unnest(t.tgattr) n
                 JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = n ORDER BY 1)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgname LIKE '%_event' AND c.relname IN
        ('entries', 'grants', 'wallets', 'counters', 'limits', 'holds', 'hold_lines')
    ORDER BY t.tgname
""")


def test_a_grant_a_threshold_and_zero_are_told_once_each_and_plain_debits_never(engine):
    wallet = ends(engine, a_subscribed_wallet, 20)
    ends(engine, alerts.put, wallet.account_id, "credits", [FEW], own=False)
    for _ in range(3):
        ends(engine, use, wallet, 4)
    assert types_of(engine, wallet) == ["credits.granted"]

    ends(engine, use, wallet, 4)
    ends(engine, use, wallet, 4)
    ends(engine, grants.give, wallet.account_id, a_grant(), NOON)

    assert types_of(engine, wallet)[1:] == [
        "balance.low",
        "balance.exhausted",
        "credits.granted",
        "balance.restored",
    ]
    low, zero, granted, restored = written(engine, wallet)[1:]
    assert low.payload["data"] == {
        "credit_type": "credits",
        "threshold": "5_credits",
        "available": "4",
        "base": "20",
        "window_end": "2027-02-01T00:00:00.000000Z",
    }
    assert low.payload["balance"] == {"credits": {"available": "4", "held": "0"}}
    assert zero.payload["balance"] == {"credits": {"available": "0", "held": "0"}}
    assert granted.payload["data"]["credits"] == "10"
    assert restored.payload["timestamp"] == "2027-01-01T12:00:00.000000Z"
    assert restored.payload["customer_id"] == wallet.customer_id
    assert restored.payload["subscription_id"] == wallet.subscription_id


def test_the_balance_and_the_sequence_are_those_of_the_journal(engine):
    wallet = ends(engine, a_subscribed_wallet, 20, **auto_purchase_on())
    ends(engine, alerts.put, wallet.account_id, "credits", [FEW], own=False)
    for amount in ("7.25", "8", "4.75"):
        ends(engine, use, wallet, amount)
    ends(engine, bought, wallet)
    ends(engine, use, wallet, "0.000001")
    ends(engine, grants.expire_due, wallet.account_id, MONTH_END)

    events = written(engine, wallet)
    with engine.connect() as connection:
        for one in events:
            values = {"account": wallet.account_id, "type": "credits", "seq": one.seq}
            booked = connection.scalar(BOOKED, values)
            told = one.payload["balance"].get("credits", {"available": "0"})
            assert told["available"] == format_credits(booked), one.type
            assert one.payload["seq"] == one.seq
        last = connection.scalar(
            text("SELECT seq FROM wallets WHERE account_id = :a"), {"a": wallet.account_id}
        )
    assert [one.seq for one in events] == sorted(one.seq for one in events)
    assert events[-1].seq == last
    expired = [one.payload["data"] for one in events if one.type == "credits.expired"]
    assert [one["credits"] for one in expired] == ["9999.999999"]


@pytest.mark.parametrize("way", ["one by one", "in a batch"])
def test_zero_is_told_whichever_way_it_is_reached(engine, way):
    wallet = ends(engine, a_subscribed_wallet, 3)
    events = [an_event(wallet.account_id, 1) for _ in range(3)]
    if way == "in a batch":
        ends(engine, debits.debit, events, NOON)
    else:
        for one in events:
            ends(engine, debits.debit, [one], NOON)

    assert types_of(engine, wallet) == ["credits.granted", "balance.exhausted"]


def test_a_correction_that_gives_credits_back_is_told(engine):
    wallet = ends(engine, a_subscribed_wallet, 3)
    ends(engine, use, wallet, 3, key="all")
    with engine.begin() as connection:
        order = CorrectionOrder("less", "all", micro(1), reason="a double", by="grace")
        corrections.correct(connection, wallet.account_id, order, None, NOON)
        assert left(connection, wallet) == micro(2)

    assert types_of(engine, wallet)[-1] == "balance.restored"


def test_a_window_paid_ahead_is_told_when_it_begins(engine):
    next_end = MONTH_END + timedelta(days=28)
    wallet = ends(
        engine, a_subscribed_wallet, 3, windows=((START, MONTH_END), (MONTH_END, next_end))
    )
    ends(engine, use, wallet, 3)
    assert types_of(engine, wallet)[-1] == "balance.exhausted"

    ends(engine, use, wallet, 1, at=MONTH_END)

    assert types_of(engine, wallet)[-1] == "balance.restored"


def test_nothing_is_told_of_what_did_not_happen(engine):
    wallet = ends(engine, a_subscribed_wallet, 3)
    before = types_of(engine, wallet)
    with engine.connect() as connection:
        use(connection, wallet, 3)
        grants.give(connection, wallet.account_id, a_grant(), NOON)
        connection.rollback()

    assert types_of(engine, wallet) == before


def test_purchases_refunds_and_disputes_are_told_whatever_the_order_of_their_messages(engine):
    wallet = ends(engine, a_subscribed_wallet, 3, **auto_purchase_on(cap=30_000))
    ends(engine, use, wallet, 3)
    ends(engine, reserve_auto, wallet, "auto-1")
    with engine.begin() as connection:
        for attempt in (1, 1, 2):
            charges.mark_declined(
                connection,
                account_id=wallet.account_id,
                charge_id="auto-1",
                invoice="in_1",
                attempt=attempt,
                code="expired_card",
                at=NOON,
            )
    ends(engine, charges.mark_void, wallet.account_id, "auto-1", NOON)
    ends(engine, bought, wallet, "auto-2")
    with engine.begin() as connection:
        for state in ("made", "made"):
            refunds.note_refund(
                connection,
                account_id=wallet.account_id,
                charge_id="auto-2",
                refund_id="re_1",
                amount_minor=100,
                state=state,
                at=NOON,
            )
    for state in ("lost", "open"):
        with engine.begin() as connection:
            refunds.note_dispute(
                connection,
                account_id=wallet.account_id,
                charge_id="auto-2",
                dispute_id="dp_1",
                amount_minor=200,
                state=state,
                at=NOON,
            )

    events = written(engine, wallet)
    told = {one.type: one.payload["data"] for one in events}
    types = [one.type for one in events]
    assert types.count("purchase.declined") == 2
    assert {types.count(one) for one in TYPES[-3:]} == {1}
    assert told["purchase.declined"]["decline_code"] == "expired_card"
    assert told["purchase.paid"]["amount_minor"] == 1170
    assert told["refund.made"] == {
        "charge_id": "auto-2",
        "kind": "auto_purchase",
        "refund_id": "re_1",
        "amount_minor": 100,
        "currency": "USD",
    }
    assert told["dispute.closed"]["outcome"] == "lost"


def test_notices_of_expiry_and_pauses_are_told(engine):
    wallet = ends(engine, a_subscribed_wallet, 3)
    payload = {
        "credit_type": "credits",
        "credits": "3",
        "expires_at": MONTH_END.isoformat(),
        "days": 7,
    }
    for _ in range(2):
        ends(engine, notices.put, wallet.account_id, "n", "credits_expiring", payload, NOON)
        ends(
            engine,
            accounts.set_paused,
            wallet.account_id,
            "by_operator",
            NOON,
            paused=True,
            reason="fraud?",
            by="grace",
        )

    expiring, paused = written(engine, wallet)[1:]
    assert expiring.type == "credits.expiring"
    assert expiring.payload["data"]["expires_at"] == "2027-02-01T00:00:00.000000Z"
    assert paused.payload["data"] == {"cause": "by_operator", "reason": "fraud?", "by": "grace"}


def test_a_subscription_starts_with_its_first_period_and_renews_with_every_other(engine):
    wallet = ends(engine, a_wallet)
    name = wallet.subscription_id
    plans = [replace(CORE, version=version) for version in (1, 2)]
    ends(engine, subscriptions.write, name, START, status="paused")  # the first charge was declined
    steps = (
        (plans[0], Window(-1, START, NOON), "trialing"),
        (plans[0], Window(0, NOON, MONTH_END), "active"),
        (plans[1], Window(1, MONTH_END, MONTH_END + NOON_TO_NOON), "active"),
    )
    for plan, period, status in steps:
        with engine.begin() as connection:
            accounts.lock(connection, wallet.account_id, period.start)
            subscriptions.begin_period(
                connection,
                subscription_id=name,
                plan=plan,
                anchor=START,
                period=period,
                at=period.start,
            )
            subscriptions.write(connection, name, period.start, status=status)
    for status in ("past_due", "past_due", "active"):
        ends(engine, subscriptions.write, name, MONTH_END, status=status)
    for status, over in (("canceled", True), ("active", False), ("canceled", True)):
        ends(engine, subscriptions.write, name, MONTH_END, status=status, cancel_at_end=over)
    ends(engine, subscriptions.write, name, MONTH_END, status="ended")

    told = [(one.type, one.payload["data"]["status"]) for one in written(engine, wallet)]
    assert told == [
        ("subscription.started", "trialing"),
        ("subscription.renewed", "active"),
        ("subscription.plan_changed", "active"),
        ("subscription.renewed", "active"),
        ("subscription.past_due", "past_due"),
        ("subscription.canceled", "canceled"),
        ("subscription.uncanceled", "active"),
        ("subscription.canceled", "canceled"),
        ("subscription.ended", "ended"),
    ]


def test_a_hold_that_is_released_restores_what_was_exhausted(engine):
    wallet = ends(engine, a_subscribed_wallet, 3)
    held = an_event(wallet.account_id, 2).priced
    with engine.begin() as connection:
        holds.hold(
            connection, account_id=wallet.account_id, priced=held, lapses_at=MONTH_END, at=NOON
        )
    ends(engine, use, wallet, 1)
    assert types_of(engine, wallet)[-1] == "balance.exhausted"
    ends(engine, holds.release, wallet.account_id, held.event.key, NOON)

    last = written(engine, wallet)[-1]
    assert last.type == "balance.restored"
    assert last.payload["balance"] == {"credits": {"available": "2", "held": "0"}}


def test_no_column_that_a_debit_or_a_hold_names_writes_an_event(ledger):
    assert [tuple(one) for one in ledger.execute(ON_THE_WAY)] == [
        ("grants", "grants_event", False, []),
        ("grants", "grants_expiry_event", True, ["expired"]),
        ("wallets", "wallets_event", True, ["frozen", "window_start"]),
    ]
