"""Refunds, captures, rollover, expiries and debits at one instant: no credit goes two ways."""

from collections import Counter
from functools import partial

from ledger import balances, grants
from tests.builders import NOON, a_subscribed_wallet, left, micro, use
from tests.ledger.holding import capture, hold, release
from tests.ledger.returns import a_pack, debt, dispute, refund
from tests.ledger.test_concurrency import at_once
from tests.ledger.test_rollover import an_allowance, opened, window


def alone(engine, call, *arguments, **facts):
    with engine.begin() as connection:
        return call(connection, *arguments, **facts)


def test_refunds_captures_and_debits_at_once_never_take_the_same_credit(engine):
    with engine.begin() as connection:
        wallet, pack = a_pack(connection, 20, 2_000)
        for key in ("a", "b"):
            hold(connection, wallet, 5, key=key)

    calls = [partial(use, wallet=wallet, amount=1, key=f"k{k}") for k in range(6)]
    calls += [
        partial(refund, wallet=wallet, charge_id=pack, amount=300, key=f"r{k}") for k in (1, 2)
    ]
    calls += [partial(capture, wallet=wallet, quantity=4, key="a")] * 2
    calls += [partial(release, wallet=wallet, key="b")]
    calls += [partial(dispute, wallet=wallet, charge_id=pack, state="open", amount=500)]
    answers = Counter(
        getattr(answer, "status", answer)
        for answer in at_once([partial(alone, engine, call) for call in calls])
    )

    assert (answers["captured"], answers["released"], answers["noted"]) == (1, 1, 1)
    with engine.connect() as connection:
        gone = 3 * answers["refunded"] + 5
        unused = 20 - answers["debited"] - 4 - gone
        assert left(connection, wallet) == micro(max(0, unused))
        assert debt(connection, wallet) == micro(max(0, -unused))
        assert balances.violations(connection) == []


def test_rollover_expiry_and_usage_at_once_at_a_windows_end_move_each_credit_once(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        an_allowance(connection, wallet, quantity=10, cost=1_000)
    end = window(1)[0]

    calls = [partial(opened, wallet=wallet, k=1, at=end)] * 2
    calls += [partial(use, wallet=wallet, amount=1, key=f"k{k}", at=NOON) for k in range(3)]
    calls += [partial(use, wallet=wallet, amount=1, key=f"n{k}", at=end) for k in range(3)]
    calls += [lambda c: grants.expire_due(c, wallet.account_id, end)] * 2
    answers = at_once([partial(alone, engine, call) for call in calls])

    used = sum(getattr(answer, "status", "") == "debited" for answer in answers)
    with engine.begin() as connection:
        grants.expire_due(connection, wallet.account_id, end)
        rows = connection.exec_driver_sql(
            "SELECT sum(granted) FILTER (WHERE source <> 'rollover'), sum(remaining), sum(expired)"
            " FROM grants WHERE account_id = %s",
            (wallet.account_id,),
        )
        granted, remaining, expired = rows.one()
        assert granted == remaining + expired + micro(used)
        assert balances.violations(connection) == []
