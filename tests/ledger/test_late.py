"""Late usage that reopens the window of its own time: as if it had come in time."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import balances, debits, grants, limits
from ledger.debits import Demand
from tests.builders import MONTH_END, NOON, START, a_grant, a_subscribed_wallet, micro, use

DAY = timedelta(days=1)
WINDOWS = ((START, MONTH_END), (MONTH_END, MONTH_END + 28 * DAY))
LATER = MONTH_END + DAY
REOPENS = {"late_usage": "reopen", "reopen_days": 3}


def books(ledger, wallet):
    found = balances.books(ledger, wallet.account_id)
    return -found.get("revenue", 0), -found.get("breakage", 0)


def kinds(ledger, wallet):
    history = balances.history(ledger, wallet.account_id)
    return [line.kind for line in history if line.kind != "grant"]


def laws_broken(ledger, wallet):
    found = text("SELECT law, subject FROM violations WHERE account_id = :a")
    return ledger.execute(found, {"a": wallet.account_id}).all()


def test_a_late_event_uses_what_expired_in_its_own_window(ledger):
    wallet = a_subscribed_wallet(ledger, 10, windows=WINDOWS, amount_minor=2_000, **REOPENS)
    grants.expire_due(ledger, wallet.account_id, LATER)
    assert books(ledger, wallet) == (0, 1_000)

    late = use(ledger, wallet, 4, at=LATER, event_at=NOON)

    assert (late.status, late.charged) == ("debited", (("credits", micro(4)),))
    assert kinds(ledger, wallet) == ["expiry", "reopen", "debit"]
    assert balances.available(ledger, wallet.account_id, "credits", LATER) == micro(10)
    assert books(ledger, wallet) == (400, 600)
    assert use(ledger, wallet, 7, at=LATER, event_at=NOON).status == "insufficient_credits"
    assert use(ledger, wallet, 6, at=LATER, event_at=NOON).status == "debited"
    assert books(ledger, wallet) == (1_000, 0)
    assert laws_broken(ledger, wallet) == []


def test_what_has_expired_and_is_not_booked_yet_is_used_without_reopening(ledger):
    wallet = a_subscribed_wallet(ledger, 10, windows=WINDOWS, **REOPENS)

    use(ledger, wallet, 4, at=LATER, event_at=NOON)

    assert kinds(ledger, wallet) == ["debit"]
    assert grants.expire_due(ledger, wallet.account_id, LATER) == micro(6)
    assert laws_broken(ledger, wallet) == []


def test_after_the_days_a_late_event_is_booked_now_and_tagged_late(ledger):
    wallet = a_subscribed_wallet(ledger, 10, windows=WINDOWS, **REOPENS)
    last = MONTH_END + 3 * DAY

    use(ledger, wallet, 4, key="in", at=last - timedelta(microseconds=1), event_at=NOON)
    use(ledger, wallet, 4, key="out", at=last, event_at=NOON)

    assert balances.available(ledger, wallet.account_id, "credits", last) == micro(6)
    causes = [line.cause for line in balances.history(ledger, wallet.account_id)][-2:]
    assert all("(late)" in cause for cause in causes)
    assert laws_broken(ledger, wallet) == []


def test_a_late_event_moves_the_counters_of_its_own_window(ledger):
    wallet = a_subscribed_wallet(ledger, 10, windows=WINDOWS, **REOPENS)
    limits.set_limit(ledger, wallet.account_id, "member:u1", "credits", micro(5), NOON)
    terms = Terms((Attempt("a", (PricedWay("credits", 1, 1),)),), ("member:u1",))

    def act(key, amount, event_at, at):
        event = UsageEvent(key, "a", micro(amount), event_at)
        demand = Demand(wallet.account_id, PricedEvent(event, "credits", 0, terms))
        return debits.debit(ledger, [demand], at)[0].status

    assert act("a", 5, LATER, LATER) == "debited"
    assert act("b", 5, NOON, LATER) == "debited"
    assert act("c", 1, NOON, LATER) == "user_limit"
    used = {
        start: limits.usage(ledger, wallet.account_id, start)[0].used_micro for start, _ in WINDOWS
    }
    assert used == {START: micro(5), MONTH_END: micro(5)}


events = st.lists(
    st.tuples(st.integers(0, 57), st.integers(0, 3), st.integers(1, 12)), min_size=1, max_size=12
)


def a_wallet_of_two_windows(ledger):
    windows = [*WINDOWS, (WINDOWS[1][1], WINDOWS[1][1] + 30 * DAY)]
    wallet = a_subscribed_wallet(ledger, 15, windows=tuple(windows), amount_minor=3_000, **REOPENS)
    for number in range(2):
        pack = a_grant(
            key=f"pack-{number}",
            source="pack",
            priority=30,
            quantity_micro=micro(9),
            expires_at=None,
        )
        grants.give(ledger, wallet.account_id, pack, START)
    return wallet


def used(ledger, wallet):
    rows = text(
        "SELECT e.key, used_of(g) FROM grants g JOIN entries e ON e.account_id = g.account_id"
        " AND e.seq = g.grant_id AND e.line = 0 WHERE g.account_id = :a ORDER BY g.grant_id"
    )
    return [row[1] for row in ledger.execute(rows, {"a": wallet.account_id})]


@given(events)
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
def test_replaying_accepted_events_in_time_order_gives_the_same_balances(session_engine, events):
    with session_engine.connect() as ledger:
        wallet = a_wallet_of_two_windows(ledger)
        # Each event happens on a day and is told up to three days later.
        told = sorted(
            (START + (day + delay) * DAY, START + day * DAY, amount)
            for day, delay, amount in events
        )
        accepted = []
        for number, (at, event_at, amount) in enumerate(told):
            if number % 3 == 0:
                grants.expire_due(ledger, wallet.account_id, at)
            done = use(ledger, wallet, amount, at=at, event_at=event_at)
            if done.status == "debited":
                accepted.append((event_at, amount))
        assert laws_broken(ledger, wallet) == []

        again = a_wallet_of_two_windows(ledger)
        for event_at, amount in sorted(accepted):
            assert use(ledger, again, amount, at=event_at).status == "debited"

        assert used(ledger, wallet) == used(ledger, again)
        ledger.rollback()
