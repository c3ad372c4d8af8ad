"""Refunds, disputes and debits at the same instant: each credit goes one way."""

from collections import Counter

from ledger import balances
from ledger.payments import refunds
from tests.builders import left, micro
from tests.ledger.returns import a_pack, debt, dispute, refund
from tests.ledger.test_concurrency import at_once, debit_alone


def test_a_refund_and_debits_at_once_never_take_the_same_credit(engine):
    with engine.begin() as connection:
        wallet, pack = a_pack(connection, 10, 1_000)

    def refund_alone(key):
        with engine.begin() as connection:
            return refund(connection, wallet, pack, 500, key=key).status

    calls = [lambda k=k: debit_alone(engine, wallet, f"k{k}").status for k in range(12)]
    calls += [lambda k=k: refund_alone(f"r{k}") for k in range(3)]
    answers = Counter(at_once(calls))

    assert answers["debited"] + 5 * answers["refunded"] <= 10
    with engine.connect() as connection:
        unused = micro(10 - answers["debited"] - 5 * answers["refunded"])
        assert left(connection, wallet) == unused
        assert balances.violations(connection) == []


def test_one_refund_asked_for_ten_times_at_once_is_made_once(engine):
    with engine.begin() as connection:
        wallet, pack = a_pack(connection)

    def refund_alone():
        with engine.begin() as connection:
            return refund(connection, wallet, pack, 900).status

    answers = Counter(at_once([refund_alone] * 10))

    assert answers == {"refunded": 1, "repeated": 9}
    with engine.connect() as connection:
        assert left(connection, wallet) == micro(800)
        assert balances.violations(connection) == []


def test_messages_of_one_dispute_at_once_with_debits_end_in_its_last_state(engine):
    with engine.begin() as connection:
        wallet, pack = a_pack(connection, 100, 1_000)

    def told(state):
        with engine.begin() as connection:
            return dispute(connection, wallet=wallet, charge_id=pack, state=state, amount=1_000)

    calls = [lambda s=s: told(s) for s in ("open", "lost", "open", "lost")]
    calls += [lambda k=k: debit_alone(engine, wallet, f"k{k}").status for k in range(6)]
    used = Counter(at_once(calls))["debited"]

    with engine.connect() as connection:
        assert (left(connection, wallet), debt(connection, wallet)) == (0, micro(used))
        assert not refunds.has_open_dispute(connection, wallet.account_id)
        assert balances.violations(connection) == []
