"""What the ledger tells: balances as of any instant, causes, messages and refusals."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from domain.usage import RefusedEvent
from ledger import accounts, balances, grants
from ledger.notifications import outbox
from ledger.usage import debits
from models.tables import Entry, OutboxMessage, Refusal
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    bought,
    micro,
    reserve_auto,
    use,
)

HOUR = timedelta(hours=1)


def as_of(ledger, wallet, at):
    found = balances.balances_as_of(ledger, wallet.account_id, at)
    return {one.credit_type: one.available_micro for one in found}


def test_a_balance_as_of_an_instant_is_what_was_available_then(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    use(ledger, wallet, 4, at=NOON)
    extra = a_grant(quantity_micro=micro(5), effective_at=NOON + 2 * HOUR, expires_at=None)
    grants.give(ledger, wallet.account_id, extra, NOON + HOUR)
    use(ledger, wallet, 3, at=NOON + 3 * HOUR)
    grants.expire_due(ledger, wallet.account_id, MONTH_END + 3 * HOUR)

    moment = timedelta(microseconds=1)
    expected = {
        NOON - moment: 10,
        NOON: 6,
        NOON + HOUR: 6,
        NOON + 2 * HOUR: 11,
        NOON + 3 * HOUR: 8,
        MONTH_END - moment: 8,
        MONTH_END: 5,  # decided by the instant, booked three hours later
        MONTH_END + 3 * HOUR: 5,
    }
    assert {at: as_of(ledger, wallet, at)["credits"] for at in expected} == {
        at: micro(amount) for at, amount in expected.items()
    }


@settings(max_examples=25)
@given(amounts=st.lists(st.integers(1, 4), min_size=1, max_size=8))
def test_a_balance_as_of_a_debit_is_what_its_answer_said(session_engine, amounts):
    with session_engine.connect() as ledger:
        wallet = a_subscribed_wallet(ledger, allowance=32)
        answers = {}
        for hour, amount in enumerate(amounts):
            at = NOON + hour * HOUR
            answers[at] = use(ledger, wallet, amount, at=at).available_micro

        assert {at: as_of(ledger, wallet, at)["credits"] for at in answers} == answers
        ledger.rollback()


def test_what_is_told_by_a_clock_that_runs_behind_is_what_a_debit_by_it_may_take(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    later = a_grant(quantity_micro=micro(70), effective_at=NOON + HOUR, expires_at=None)
    grants.give(ledger, wallet.account_id, later, NOON + HOUR)

    told = balances.available(ledger, wallet.account_id, "credits", NOON)
    assert told == micro(80)
    assert balances.available_of_each(ledger, wallet.account_id, NOON) == {"credits": micro(80)}
    batches = balances.by_expiry(ledger, wallet.account_id, "credits", NOON)
    assert sum(one.credits_micro for one in batches) == micro(80)
    assert use(ledger, wallet, 80, at=NOON).status == "debited"


def test_history_names_the_cause_of_every_line(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=3, **auto_purchase_on())
    use(ledger, wallet, 0, key="free")
    use(ledger, wallet, 2, key="two")
    bought(ledger, wallet, needed=5)
    use(ledger, wallet, "1.5", key="split")
    grants.remove(
        ledger,
        account_id=wallet.account_id,
        key="a",
        credit_type="credits",
        quantity_micro=micro(1),
        tags='{"reason": "test"}',
        at=NOON,
    )
    gift = a_grant(source="adjustment", tags='{"reason": "sorry"}')
    grants.give(ledger, wallet.account_id, gift, NOON)
    grants.expire_due(ledger, wallet.account_id, MONTH_END)

    lines = balances.history(ledger, wallet.account_id)

    period = f"{wallet.subscription_id}:period:0"
    assert [(line.kind, line.change_micro, line.cause) for line in lines] == [
        ("grant", micro(3), period),
        ("debit", 0, "operation x 0.000001 (free) [free]"),
        ("debit", -micro(2), "operation x 2 [two]"),
        ("grant", micro(10_000), "auto-1"),
        ("debit", -micro(1), "operation x 1.5 [split]"),
        ("debit", -micro("0.5"), "operation x 1.5 [split]"),
        ("adjustment", -micro(1), "test"),
        ("grant", micro(10), "sorry"),
        ("expiry", -micro("9998.5"), "unused credits expired"),
        ("expiry", -micro(10), "unused credits expired"),
    ]
    assert balances.history(ledger, wallet.account_id, after_seq=lines[3].seq, limit=1) == (
        lines[4],
    )


def test_a_grant_without_a_charge_or_a_reason_is_named_by_its_key(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    grants.give(ledger, wallet.account_id, a_grant(key="welcome"), START)

    assert balances.history(ledger, wallet.account_id)[0].cause == "welcome"


@pytest.fixture
def two_relays(engine: Engine) -> Iterator[tuple[Connection, Connection]]:
    with engine.connect() as first, engine.connect() as second:
        yield first, second


def crossings(connection, limit=10):
    return outbox.waiting(connection, "crossing", grace_seconds=0, limit=limit)


def test_two_relays_claim_different_messages(engine, two_relays):
    with engine.begin() as connection:
        wallets = [a_subscribed_wallet(connection, allowance=1) for _ in range(4)]
        for wallet in wallets:
            assert use(connection, wallet, 1).crossed
    first, second = two_relays

    claimed = crossings(first, limit=3) + crossings(second)

    assert sorted(message.account_id for message in claimed) == [w.account_id for w in wallets]
    assert claimed[0].payload == {"crossing": "zero", "seq": 2, "credit_type": "credits"}


def test_a_message_is_delivered_again_after_a_crash_and_not_after_it_was_marked(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=1)
        use(connection, wallet, 1)
    with engine.connect() as connection:
        assert len(crossings(connection)) == 1
        connection.rollback()  # the relay died between delivering and marking

    with engine.begin() as connection:
        (message,) = crossings(connection)
        outbox.delivered(connection, message)
    with engine.begin() as connection:
        assert crossings(connection) == []


def test_the_grace_leaves_a_message_to_whoever_caused_it(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=1)
        use(connection, wallet, 1)
    with engine.begin() as connection:
        assert outbox.waiting(connection, "crossing", grace_seconds=60, limit=10) == []


def test_a_decision_about_a_purchase_settles_the_crossings_before_it(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=1, **auto_purchase_on())
        use(connection, wallet, 1)
        assert reserve_auto(connection, wallet, needed=0).status == "reserved"
    with engine.begin() as connection:
        assert crossings(connection) == []


def test_a_crossing_is_written_with_the_debit_or_not_at_all(engine):
    with engine.connect() as connection:
        wallet = a_subscribed_wallet(connection, allowance=2)
        connection.commit()
        use(connection, wallet, 1)
        assert use(connection, wallet, 1).crossed
        connection.rollback()
    with engine.begin() as connection:
        assert crossings(connection) == []
        events = [an_event(wallet.account_id) for _ in range(3)]
        answers = debits.debit(connection, events, NOON)
        assert [a.crossed for a in answers] == [False, True, False]
        assert use(connection, wallet, 1, key=events[1].priced.event.key).crossed is False
    with engine.begin() as connection:
        assert [message.message_key for message in crossings(connection)] == ["zero:3"]


def test_a_message_is_queued_once_and_may_be_given_up(ledger):
    wallet = a_subscribed_wallet(ledger)
    for _ in range(2):
        outbox.put(
            ledger,
            account_id=wallet.account_id,
            message_key="welcome",
            topic="mail",
            payload={"to": "a@example.com"},
        )
    rows = select(OutboxMessage).where(OutboxMessage.account_id == wallet.account_id)
    assert len(ledger.execute(rows).all()) == 1

    message = outbox.Message(wallet.account_id, "welcome", {})
    outbox.delivered(ledger, message, refused="no such address")

    assert ledger.execute(rows).one().refused == "no such address"


def test_a_refusal_is_kept_once_whatever_its_text(ledger):
    wallet = a_subscribed_wallet(ledger)
    refusals = [
        RefusedEvent("run:1", "key\x00", "malformed", "a\x00b\ud800c"),
        RefusedEvent("run:2", None, "invalid_quantity", "{}"),
    ]
    for _ in range(2):
        accounts.keep_refusals(ledger, wallet.account_id, refusals, NOON)

    kept = ledger.execute(
        select(Refusal.refusal_id, Refusal.key, Refusal.reason, Refusal.request)
        .where(Refusal.account_id == wallet.account_id)
        .order_by(Refusal.refusal_id)
    ).all()
    assert kept == [
        ("run:1", "key\ufffd", "malformed", "a\ufffdb?c"),
        ("run:2", None, "invalid_quantity", "{}"),
    ]


def test_a_refused_key_binds_nothing(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=1)
    assert use(ledger, wallet, 2, key="later").status == "insufficient_credits"
    assert use(ledger, wallet, 1, key="later").status == "debited"
    assert use(ledger, wallet, 2, key="later").status == "idempotency_conflict"
    assert ledger.scalar(select(Entry.seq).where(Entry.key == "later")) == 2


@pytest.mark.parametrize(
    "other",
    [{"quantity_micro": 7}, {"action": "other"}, {"event_at": START}, {"tags": (("a", "b"),)}],
    ids=["quantity", "action", "time", "tags"],
)
@pytest.mark.parametrize("company", [0, 2], ids=["alone", "in a batch"])
def test_a_key_with_other_content_is_a_conflict(ledger, other, company):
    wallet = a_subscribed_wallet(ledger, allowance=9)
    first = an_event(wallet.account_id, key="same")
    changed = an_event(wallet.account_id, key="same", **other)
    rest = [an_event(wallet.account_id) for _ in range(company)]
    debits.debit(ledger, [first], NOON)

    assert debits.debit(ledger, [first, *rest], NOON)[0].status == "repeated"
    assert debits.debit(ledger, [changed, *rest], NOON)[0].status == "idempotency_conflict"


def test_a_repeat_answers_what_the_first_one_did_for_ever(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=9)
    first = use(ledger, wallet, 2, key="first")
    use(ledger, wallet, 3)
    accounts.set_paused(ledger, wallet.account_id, "by_operator", NOON, paused=True)

    again = use(ledger, wallet, 2, key="first")

    assert (again.status, again.seq, again.available_micro) == (
        "repeated",
        first.seq,
        first.available_micro,
    )


def test_a_senders_key_cannot_keep_a_grant_from_being_given(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=9)
    use(ledger, wallet, 1, key="gift")

    assert grants.give(ledger, wallet.account_id, a_grant(key="gift"), NOON) == micro(18)


def test_keys_of_any_length_that_charges_make_fit_the_journal(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    order = a_grant(key="x" * 200 + ":manual:" + "y" * 200 + ":grant")

    assert grants.give(ledger, wallet.account_id, order, NOON) == micro(10)
