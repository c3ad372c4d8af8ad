"""Messages about money that goes back: any order and any repetition ends in the same state."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ledger import grants
from tests.builders import NOON, START, a_subscribed_wallet, micro, use
from tests.ledger.returns import (
    a_pack,
    books,
    debt,
    dispute,
    refund,
    replayed_debt,
    seen,
    sound,
)

pytestmark = pytest.mark.long

HOUR = timedelta(hours=1)


# Each message of two refunds and two disputes: any order and repetition ends the same.
def messages_of(refund_ends, dispute_ends):
    told = [("refund", "re1", 700, "made"), ("refund", "re2", 1_033, "made")]
    told += [("refund", "re2", 1_033, "failed")] if refund_ends else []
    for name, amount, ends in zip(("dp1", "dp2"), (2_000, 1_400), dispute_ends, strict=True):
        told += [("dispute", name, amount, state) for state in ("open", ends)]
    return told


@st.composite
def histories(draw):
    """Messages with repetitions, in two orders."""
    ends = st.sampled_from(["open", "lost", "won"])
    told = messages_of(draw(st.booleans()), (draw(ends), draw(ends)))
    again = st.lists(st.sampled_from(told), max_size=4)
    return tuple(draw(st.permutations(told + draw(again))) for _ in range(2))


def told_in_order(ledger, order, charge_parts, used):
    windows = tuple(
        (START + timedelta(days=30 * k), START + timedelta(days=30 * k + 30))
        for k in range(charge_parts)
    )
    wallet = a_subscribed_wallet(
        ledger, Fraction(1_000, charge_parts).__floor__(), windows=windows, amount_minor=4_500
    )
    charge_id = f"{wallet.subscription_id}:period:0"
    if used:
        use(ledger, wallet, used)
    for what, name, amount, state in order:
        if what == "refund":
            seen(ledger, wallet=wallet, charge_id=charge_id, amount=amount, state=state, name=name)
        else:
            dispute(
                ledger, wallet=wallet, charge_id=charge_id, state=state, amount=amount, name=name
            )
    assert sound(ledger)
    return standing(ledger, wallet)


def standing(ledger, wallet):
    """All that counts: credits, debt, money, facts. The journal's order is history."""
    query = """
        SELECT (SELECT jsonb_agg(jsonb_build_array(remaining, expired, voided, refunded, owed,
                        refunded_minor, recognised_minor, broken_minor) ORDER BY grant_id)
                FROM grants WHERE account_id = :a),
               (SELECT jsonb_object_agg(refund_id, jsonb_build_array(amount_minor, state))
                FROM refunds WHERE account_id = :a),
               (SELECT jsonb_object_agg(dispute_id, jsonb_build_array(amount_minor, state))
                FROM disputes WHERE account_id = :a)
    """
    rows = tuple(ledger.execute(text(query), {"a": wallet.account_id}).one())
    totals = books(ledger, wallet)
    return (*rows, debt(ledger, wallet), replayed_debt(ledger, wallet), totals)


@settings(max_examples=60)
@given(orders=histories(), parts=st.sampled_from([1, 3]), used=st.sampled_from([0, 1, 250, 333]))
def test_any_order_and_any_repetition_of_messages_ends_in_the_same_state(
    session_engine, orders, parts, used
):
    with session_engine.connect() as ledger:
        one, other = (told_in_order(ledger, order, parts, used) for order in orders)
        assert one == other
        assert one[3] == one[4]
        ledger.rollback()


STEP = st.one_of(
    st.tuples(st.just("use"), st.integers(1, 400)),
    st.tuples(st.just("correct"), st.integers(1, 200)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("refund"), st.integers(1, 3_000)),
    st.tuples(st.just("seen"), st.sampled_from([100, 1_700, 4_500])),
    st.tuples(st.sampled_from(["open", "lost", "won"]), st.sampled_from([333, 2_000, 4_500])),
)


def take(ledger, wallet, pack, step, number, at):
    what, amount = step
    if what == "use":
        use(ledger, wallet, amount, at=at)
    elif what == "correct":
        facts = ("credits", micro(amount), "{}", at)
        grants.remove(ledger, wallet.account_id, f"correction-{number}", *facts)
    elif what == "refund":
        refund(ledger, wallet, pack, amount, key=f"r{number}", at=at)
    elif what == "seen":
        seen(ledger, wallet, pack, amount, name=f"re{amount}", at=at)
    elif what != "wait":
        dispute(
            ledger,
            wallet=wallet,
            charge_id=pack,
            state=what,
            amount=amount,
            name=f"dp{amount}",
            at=at,
        )


@settings(max_examples=60)
@given(steps=st.lists(STEP, max_size=14))
def test_the_laws_hold_whatever_is_used_refunded_and_disputed_in_between(session_engine, steps):
    with session_engine.connect() as ledger:
        wallet, pack = a_pack(ledger, expires_at=START + timedelta(days=20))
        at = NOON
        for number, step in enumerate(steps):
            at += timedelta(days=step[1]) if step[0] == "wait" else HOUR
            take(ledger, wallet=wallet, pack=pack, step=step, number=number, at=at)
            assert sound(ledger), step
            assert debt(ledger, wallet) == replayed_debt(ledger, wallet)
        ledger.rollback()
