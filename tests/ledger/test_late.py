"""Late usage that reopens the window of its own time: as if it had come in time."""

from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.money import Ratio
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import balances, grants
from ledger.grants import RollTerms
from ledger.teams import limits
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    auto_purchase_on,
    micro,
    use,
)
from tests.ledger.two_windows import DAY, LATER, REOPENS, WINDOWS

FIVE_HUNDRED = RollTerms(1, Ratio(1, 1), micro(500), 15)


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
    assert use(ledger, wallet, 6, at=LATER, event_at=NOON).status == "debited"
    assert balances.available(ledger, wallet.account_id, "credits", LATER) == micro(10)
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


def a_limited_member(ledger):
    """A wallet whose member may use five a window, and how the member uses it."""
    wallet = a_subscribed_wallet(ledger, 10, windows=WINDOWS, **REOPENS)
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u1",
        credit_type="credits",
        ceiling_micro=micro(5),
        at=NOON,
    )
    terms = Terms((Attempt("a", (PricedWay("credits", 1, 1),)),), ("member:u1",))

    def act(key, amount, event_at, at):
        event = UsageEvent(key, "a", micro(amount), event_at)
        demand = Demand(wallet.account_id, PricedEvent(event, "credits", 0, terms))
        return debits.debit(ledger, [demand], at)[0].status

    return wallet, act


def test_a_late_event_moves_the_counters_of_its_own_window(ledger):
    wallet, act = a_limited_member(ledger)

    assert act("a", 5, LATER, LATER) == "debited"
    assert act("b", 5, NOON, LATER) == "debited"
    assert act("c", 1, NOON, LATER) == "user_limit"
    used = {
        start: limits.usage(ledger, wallet.account_id, start)[0].used_micro for start, _ in WINDOWS
    }
    assert used == {START: micro(5), MONTH_END: micro(5)}


def rolling_wallet(ledger, rolls=FIVE_HUNDRED, days=1, **policy):
    """Windows of 1,000 credits for $10, of which some may move on."""
    policy = REOPENS | {"reopen_days": days} | policy
    windows = (*WINDOWS, (WINDOWS[1][1], WINDOWS[1][1] + 30 * DAY))
    wallet = a_subscribed_wallet(ledger, allowance=0, windows=windows, **policy)
    for start, end in windows:
        charge = a_paid_charge(ledger, wallet, f"period:{start:%m}", 1_000)
        order = a_grant(
            key=charge,
            source="allowance",
            quantity_micro=micro(1_000),
            effective_at=start,
            expires_at=end,
            cost_minor=1_000,
            charge_id=charge,
            part=0,
            rolls=rolls,
        )
        grants.give(ledger, wallet.account_id, order, START)
    return wallet


def rolled(ledger, wallet):
    """Return what of each grant is used, moved on and expired."""
    rows = text(
        "SELECT used_of(g) / 1000000, rolled / 1000000, expired / 1000000 FROM grants g"
        " WHERE account_id = :a AND effective_at < :later ORDER BY grant_id"
    )
    later = {"a": wallet.account_id, "later": WINDOWS[1][1]}
    return [tuple(row) for row in ledger.execute(rows, later)]


def test_a_late_event_uses_what_moved_on_out_of_its_window_too(ledger):
    wallet = rolling_wallet(ledger)
    use(ledger, wallet, 300)
    soon = MONTH_END + timedelta(hours=2)
    grants.expire_due(ledger, wallet.account_id, soon)
    assert rolled(ledger, wallet) == [(300, 500, 200), (0, 0, 0), (0, 0, 0)]

    assert use(ledger, wallet, 300, at=soon, event_at=NOON).status == "debited"

    assert rolled(ledger, wallet)[0] == (600, 400, 0)
    assert balances.available(ledger, wallet.account_id, "credits", soon) == micro(1_400)
    assert balances.books(ledger, wallet.account_id)["revenue"] == -600
    assert use(ledger, wallet, 400, at=soon, event_at=NOON).status == "debited"
    assert rolled(ledger, wallet)[0] == (1_000, 0, 0)
    assert laws_broken(ledger, wallet) == []
    late = use(ledger, wallet, 1, at=soon, event_at=NOON)
    assert (late.status, rolled(ledger, wallet)[1][0]) == ("debited", 1)  # booked now


def test_what_a_share_moves_is_decided_anew(ledger):
    wallet = rolling_wallet(ledger, RollTerms(2, Ratio(1, 2), None, 15))
    use(ledger, wallet, 300)
    grants.expire_due(ledger, wallet.account_id, MONTH_END)

    use(ledger, wallet, 300, at=MONTH_END, event_at=NOON)

    assert rolled(ledger, wallet)[0] == (600, 200, 200)
    assert laws_broken(ledger, wallet) == []


def test_what_does_not_fit_its_own_window_is_booked_now_on_the_day_and_a_day_later(ledger):
    wallet = a_subscribed_wallet(ledger, 10, windows=WINDOWS, **REOPENS, **auto_purchase_on())
    use(ledger, wallet, 9)
    grants.expire_due(ledger, wallet.account_id, LATER)

    assert use(ledger, wallet, 2, at=LATER, event_at=NOON, key="a").status == "debited"

    assert balances.available(ledger, wallet.account_id, "credits", LATER) == micro(8)
    assert use(ledger, wallet, 1, at=LATER, event_at=NOON).status == "debited"
    assert balances.available(ledger, wallet.account_id, "credits", LATER) == micro(8)
    for at in (LATER, LATER + 5 * DAY):  # neither buys: a purchase does not cure what is closed
        assert use(ledger, wallet, 9, at=at, event_at=NOON).status == "insufficient_credits"
    assert use(ledger, wallet, 9, at=LATER + 5 * DAY).status == "purchase_needed"
    assert laws_broken(ledger, wallet) == []


def test_a_limit_of_its_own_window_is_no_refusal_while_this_one_has_room(ledger):
    _, act = a_limited_member(ledger)

    assert act("a", 5, NOON, NOON) == "debited"
    assert act("b", 5, NOON, LATER) == "debited"
    assert act("c", 1, NOON, LATER) == "user_limit"


events = st.lists(
    st.tuples(st.integers(0, 57), st.integers(0, 3), st.integers(1, 12)), min_size=1, max_size=12
)


def a_wallet_of_two_windows(ledger, rolls=None):
    if rolls:
        return rolling_wallet(ledger, rolls, days=3)
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


def left_in_all(ledger, wallet):
    """Return credits left, rolled over and expired, by the grant they came from."""
    rows = text(
        "SELECT sum(remaining), sum(rolled), sum(expired) FROM grants WHERE account_id = :a"
    )
    return ledger.execute(rows, {"a": wallet.account_id}).all()


def drew_as_then(ledger, wallet, seq, event_at):
    """Say whether a debit drew only what there was at the event's own time.

    What is booked now draws the window of now as well: packs alone would have sufficed then too.
    """
    rows = text(
        "SELECT bool_and(g.effective_at <= :at AND g.expires_at > :at)"
        " FROM entries e JOIN grants g USING (account_id, grant_id)"
        " WHERE e.account_id = :a AND e.seq = :seq"
    )
    return ledger.scalar(rows, {"a": wallet.account_id, "seq": seq, "at": event_at})


def used(ledger, wallet):
    rows = text(
        "SELECT e.key, used_of(g) FROM grants g JOIN entries e ON e.account_id = g.account_id"
        " AND e.seq = g.grant_id AND e.line = 0 WHERE g.account_id = :a ORDER BY g.grant_id"
    )
    return [row[1] for row in ledger.execute(rows, {"a": wallet.account_id})]


shares = st.sampled_from([Ratio(1, 1), Ratio(1, 2), Ratio(2, 3)])
caps = st.sampled_from([None, micro(300), micro(500)])
rolls = st.builds(RollTerms, st.integers(1, 2), shares, caps, st.just(15))


# The last one finds its own window used up: it takes a pack, as it would have then.
@example([(31, 0, 3), (31, 0, 12), (56, 3, 1)], None)
@given(events, st.none() | rolls)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
def test_replaying_accepted_events_in_time_order_gives_the_same_balances(
    session_engine, events, rolls
):
    with session_engine.connect() as ledger:
        wallet = a_wallet_of_two_windows(ledger, rolls)
        # Each event happens on a day and is told up to three days later.
        told = sorted(
            (START + (day + delay) * DAY, START + day * DAY, amount)
            for day, delay, amount in events
        )
        accepted = []
        for number, (at, event_at, amount) in enumerate(told):
            if rolls or number % 3 == 0:  # what moves on is there once it is booked
                grants.expire_due(ledger, wallet.account_id, at)
            size = amount * 60 if rolls else amount
            done = use(ledger, wallet, size, at=at, event_at=event_at)
            if done.status == "debited":  # what was booked now is usage of now
                reopened = drew_as_then(ledger, wallet, done.seq, event_at)
                accepted.append((event_at if reopened else at, size))
        assert laws_broken(ledger, wallet) == []

        again = a_wallet_of_two_windows(ledger, rolls)
        for event_at, amount in sorted(accepted):
            grants.expire_due(ledger, again.account_id, event_at)
            assert use(ledger, again, amount, at=event_at).status == "debited"

        end = WINDOWS[1][1] + 5 * DAY
        for one in (wallet, again):
            grants.expire_due(ledger, one.account_id, end)
        assert used(ledger, wallet) == used(ledger, again)
        assert left_in_all(ledger, wallet) == left_in_all(ledger, again)
        ledger.rollback()
