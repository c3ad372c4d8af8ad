"""Many clients use holds at once: each ends once, nothing is overspent, nobody deadlocks."""

from collections import Counter
from datetime import timedelta
from functools import partial

from sqlalchemy import text

from ledger import balances, grants
from ledger.usage import debits, holds
from tests.builders import NOON, a_grant, a_subscribed_wallet, an_event, left, micro, use
from tests.ledger.holding import LAPSE, capture, extend, hold, release
from tests.ledger.test_concurrency import at_once

HOLDS, CREDITS = 24, 60


def alone(engine, call, *arguments, **facts):
    with engine.begin() as connection:
        return call(connection, *arguments, **facts)


def ends_of(connection, wallet):
    rows = connection.execute(
        text("SELECT state, sum((taken ->> 'credits')::bigint) FROM holds"
             " WHERE account_id = :account GROUP BY state"),
        {"account": wallet.account_id},
    )  # fmt: skip
    return {state: int(taken or 0) for state, taken in rows}


def test_captures_releases_lapses_and_debits_at_once_end_every_hold_once(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=CREDITS)
        other = a_subscribed_wallet(connection, allowance=CREDITS)
        for k in range(HOLDS):
            assert hold(connection, wallet, 2, key=f"h{k}").status == "held"
            assert hold(connection, other, 2, key=f"h{k}").status == "held"

    def worker(number):
        statuses = Counter()
        for k in range(number % 3, HOLDS, 2):
            one = wallet if (k + number) % 2 else other
            at = LAPSE if k >= HOLDS - 2 and number == 0 else NOON + timedelta(seconds=k)
            calls = (
                partial(capture, quantity=3),
                release,
                partial(capture, quantity=3),
                partial(extend, until=LAPSE + timedelta(seconds=k)),
            )
            call = calls[(k // 2 + number) % len(calls)]
            statuses[alone(engine, call, one, key=f"h{k}", at=at).status] += 1
            both = [an_event(w.account_id, 1, event_at=NOON) for w in (other, wallet)]
            with engine.begin() as connection:
                statuses.update(f"debit {d.status}" for d in debits.debit(connection, both, at))
            alone(engine, holds.lapse_due, one.account_id, at)
        return statuses

    seen = sum(at_once([partial(worker, number) for number in range(8)]), Counter())

    assert {"captured", "released", "repeated", "debit debited"} <= seen.keys()
    with engine.begin() as connection:
        for one in (wallet, other):
            holds.lapse_due(connection, one.account_id, LAPSE + timedelta(days=1))
            ends = ends_of(connection, one)
            assert "open" not in ends
            taken = "SELECT -sum(change) FROM entries WHERE account_id = %s AND kind = %s"
            used = [
                int(connection.exec_driver_sql(taken, (one.account_id, kind)).scalar() or 0)
                for kind in ("capture", "debit")
            ]
            assert used[0] == ends.get("captured", 0)
            assert left(connection, one) == micro(CREDITS) - sum(used) >= 0
        assert balances.violations(connection) == []


def test_a_capture_sent_ten_times_at_once_takes_once_with_ten_equal_answers(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=CREDITS)
        hold(connection, wallet, 50)

    answers = at_once([partial(alone, engine, capture, wallet, 40)] * 10)

    assert Counter(a.status for a in answers) == {"captured": 1, "repeated": 9}
    assert len({(a.seq, a.taken, a.available_micro) for a in answers}) == 1
    with engine.begin() as connection:
        assert left(connection, wallet) == micro(20)


def test_a_capture_and_a_release_at_once_end_a_hold_one_way(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=CREDITS)
        for k in range(10):
            hold(connection, wallet, 5, key=f"h{k}")

    calls = [
        partial(alone, engine, call, wallet, key=f"h{k}")
        for k in range(10)
        for call in (partial(capture, quantity=5), release)
    ]
    seen = Counter(answer.status for answer in at_once(calls))

    assert seen["captured"] + seen["released"] == 10
    assert seen["hold_released"] + seen["hold_captured"] == 10
    with engine.begin() as connection:
        assert left(connection, wallet) == micro(CREDITS - 5 * seen["captured"])


def test_debits_at_the_lapse_release_a_hold_once(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=10)
        grants.give(connection, wallet.account_id, a_grant(quantity_micro=micro(2)), NOON)
        hold(connection, wallet, 12)

    answers = at_once([partial(alone, engine, use, wallet, 1, at=LAPSE) for _ in range(14)])

    assert Counter(a.status for a in answers) == {"debited": 12, "insufficient_credits": 2}
    with engine.begin() as connection:
        releases = (
            "SELECT count(DISTINCT seq) FROM entries WHERE account_id = %s AND kind = 'release'"
        )
        assert connection.exec_driver_sql(releases, (wallet.account_id,)).scalar() == 1
