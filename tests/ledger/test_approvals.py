"""Requests of members: one end each, by another admin, in time, and never without the credits."""

from collections import Counter
from functools import partial

import pytest
from sqlalchemy.exc import DBAPIError

from domain.teams.approvals import Decision, Kind, State
from ledger import accounts, balances, grants
from ledger.teams import approvals, members
from ledger.usage import holds
from tests.builders import NOON, START, a_grant, a_subscribed_wallet, left, micro
from tests.ledger.teams import (
    DAY,
    WEEK,
    a_team,
    approve,
    ask,
    put,
    refuse,
    state,
    use,
)
from tests.ledger.test_concurrency import at_once

LAPSE = NOON + WEEK


def held(connection, wallet, at=NOON):
    (balance,) = balances.balances_as_of(connection, wallet.account_id, at)
    return balance.held_micro


def test_m11_an_approval_is_checked_again_when_it_is_given(ledger):
    wallet = a_team(ledger, allowance=100)
    assert ask(ledger, wallet, 80, "job") == "waiting"
    assert (left(ledger, wallet), held(ledger, wallet)) == (micro(100), 0)
    use(ledger, wallet, 30, "hedy")

    assert approve(ledger, wallet, "job") == "insufficient_credits"

    assert state(ledger, wallet, "job") is State.WAITING
    pack = a_grant(source="bonus", quantity_micro=micro(500), priority=30)
    pack_id = grants.give(ledger, wallet.account_id, pack, NOON)
    assert pack_id
    assert approve(ledger, wallet, "job") == "approved"
    assert held(ledger, wallet) == micro(80)
    assert left(ledger, wallet) == micro(490)
    holds.capture(
        ledger, account_id=wallet.account_id, key="job", quantity_micro=micro(70), at=NOON
    )
    assert remaining(ledger, wallet) == [micro(0), micro(500)]
    assert held(ledger, wallet) == 0
    assert balances.violations(ledger) == []


def remaining(connection, wallet):
    rows = connection.exec_driver_sql(
        "SELECT remaining FROM grants WHERE account_id = %s ORDER BY priority, grant_id",
        (wallet.account_id,),
    )
    return [row[0] for row in rows]


def test_a_request_that_waits_holds_nothing_back(ledger):
    wallet = a_team(ledger, allowance=100)
    ask(ledger, wallet, 80)

    assert use(ledger, wallet, 100, "hedy").status == "debited"


def test_the_same_request_again_is_the_same_and_another_a_conflict(ledger):
    wallet = a_team(ledger)
    ask(ledger, wallet, 80, "job")

    assert ask(ledger, wallet, 80, "job") == "repeated"
    assert ask(ledger, wallet, 81, "job") == "idempotency_conflict"
    assert ask(ledger, wallet, 80, "job", member_id="hedy") == "idempotency_conflict"
    assert ask(ledger, wallet, 80, "job", kind=Kind.CREDITS) == "idempotency_conflict"


def test_a_key_of_usage_cannot_be_asked_for_again(ledger):
    wallet = a_team(ledger)
    use(ledger, wallet, 1, key="used")

    assert ask(ledger, wallet, 80, "used") == "idempotency_conflict"


def test_nobody_approves_what_they_asked_for_themselves(ledger):
    wallet = a_team(ledger)
    ask(ledger, wallet, 80, "job", member_id="grace")

    assert approve(ledger, wallet, "job", by="grace") == "own_request"
    assert refuse(ledger, wallet, "job", by="grace") == "own_request"
    assert approve(ledger, wallet, "job", by="hedy") == "approved"


def test_only_an_admin_of_the_team_decides(ledger):
    wallet = a_team(ledger)
    put(ledger, wallet, "bob")
    ask(ledger, wallet, 80, "job")
    members.remove(
        ledger, account_id=wallet.account_id, member_id="hedy", credit_types=["credits"], at=NOON
    )

    for nobody in ("bob", "a stranger", "", "Grace"):
        assert approve(ledger, wallet, "job", by=nobody) == "not_an_admin"
    assert approve(ledger, wallet, "job", by="hedy") == "member_removed"
    assert state(ledger, wallet, "job") is State.WAITING


def test_the_first_word_is_the_only_one_and_its_repeat_the_same_answer(ledger):
    wallet = a_team(ledger, allowance=200)
    ask(ledger, wallet, 80, "job")
    assert refuse(ledger, wallet, "job") == "refused"

    assert refuse(ledger, wallet, "job") == "repeated"
    assert approve(ledger, wallet, "job") == "already_decided"
    assert refuse(ledger, wallet, "job", by="hedy") == "already_decided"
    assert (state(ledger, wallet, "job"), held(ledger, wallet)) == (State.REFUSED, 0)


def test_an_approval_says_for_ever_until_when_it_was_to_hold(ledger):
    wallet = a_team(ledger, allowance=200)
    ask(ledger, wallet, 80, "job")
    assert held_until(ledger, wallet) is None
    assert approve(ledger, wallet, "job") == "approved"

    holds.extend(ledger, account_id=wallet.account_id, key="job", lapses_at=NOON + 2 * DAY, at=NOON)
    assert held_until(ledger, wallet) == NOON + DAY
    holds.capture(
        ledger, account_id=wallet.account_id, key="job", quantity_micro=micro(70), at=NOON
    )
    assert held_until(ledger, wallet) == NOON + DAY


def held_until(connection, wallet):
    return approvals.named(connection, wallet.subscription_id, "job").held_until


def test_a_request_lapses_at_its_instant_and_not_before(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    put(ledger, wallet, "ada")
    put(ledger, wallet, "grace")
    for key in ("early", "late", "swept"):
        ask(ledger, wallet, 30, key)
    hair = LAPSE.replace(microsecond=0) - (LAPSE.resolution)

    assert approvals.lapse(ledger, wallet.account_id, "swept", hair) is State.WAITING
    assert approve(ledger, wallet, "early", at=hair) == "approved"
    assert approve(ledger, wallet, "late", at=LAPSE) == "approval_lapsed"
    assert approve(ledger, wallet, "swept", at=hair) == "approval_lapsed"  # time never goes back
    assert approvals.lapse(ledger, wallet.account_id, "late", LAPSE) is State.LAPSED
    assert approvals.lapse(ledger, wallet.account_id, "early", LAPSE) is State.APPROVED
    assert held(ledger, wallet, LAPSE) in (0, micro(30))


def test_an_approval_while_paused_is_refused_and_goes_on_waiting(ledger):
    wallet = a_team(ledger)
    ask(ledger, wallet, 80, "job")
    ask(ledger, wallet, 80, "more", kind=Kind.CREDITS)
    accounts.set_paused(ledger, wallet.account_id, "by_operator", NOON, paused=True)

    assert approve(ledger, wallet, "job") == "paused:by_operator"

    assert state(ledger, wallet, "job") is State.WAITING
    accounts.set_paused(ledger, wallet.account_id, "by_operator", NOON, paused=False)
    assert approve(ledger, wallet, "job") == "approved"


def test_an_approved_operation_keeps_to_the_member_s_limit(ledger):
    wallet = a_team(ledger, limit=50)
    ask(ledger, wallet, 80, "job")

    assert approve(ledger, wallet, "job") == "user_limit"

    put(ledger, wallet, "ada", 80)
    assert approve(ledger, wallet, "job") == "approved"
    assert use(ledger, wallet, "0.5").status == "user_limit"


def test_who_may_ask(ledger):
    wallet = a_team(ledger)
    put(ledger, wallet, "bob", restricted=True)
    members.remove(
        ledger, account_id=wallet.account_id, member_id="hedy", credit_types=["credits"], at=NOON
    )

    assert ask(ledger, wallet, member_id="bob") == "member_restricted"
    assert ask(ledger, wallet, member_id="hedy") == "member_removed"
    assert ask(ledger, wallet, member_id="a stranger") == "unknown_member"
    assert ask(ledger, wallet, kind=Kind.CREDITS) == "not_needed"  # she has no limit


def test_nothing_is_asked_of_a_wallet_that_ended(ledger):
    wallet = a_team(ledger)
    accounts.end(ledger, wallet.account_id, NOON)

    assert ask(ledger, wallet, 80) == "subscription_ended"


def test_an_operation_is_not_approved_without_its_hold(ledger):
    wallet = a_team(ledger)
    ask(ledger, wallet, 80, "job")

    with pytest.raises(DBAPIError, match="held first"):
        approvals.settle(
            ledger,
            account_id=wallet.account_id,
            key="job",
            decision=Decision("grace", State.APPROVED),
            at=NOON,
        )


def approve_alone(engine, wallet, by, at=NOON):
    with engine.begin() as connection:
        return approve(connection, wallet=wallet, key="job", by=by, at=at)


def use_alone(engine, wallet, key):
    with engine.begin() as connection:
        return use(connection, wallet, 1, "hedy", key=key).status


def lapse_alone(engine, wallet):
    with engine.begin() as connection:
        return approvals.lapse(connection, wallet.account_id, "job", LAPSE)


def test_many_admins_at_the_same_instant_make_one_approval(engine):
    with engine.begin() as connection:
        wallet = a_team(connection, allowance=500)
        ask(connection, wallet, 80, "job")

    words = [partial(approve_alone, engine, wallet, by) for by in ("grace", "hedy") * 6]
    answers = Counter(at_once(words))

    assert answers["approved"] == 1
    assert answers == {"approved": 1, "repeated": 5, "already_decided": 6}
    with engine.connect() as connection:
        assert held(connection, wallet) == micro(80)


def test_an_approval_that_races_with_use_never_holds_what_is_gone(engine):
    with engine.begin() as connection:
        wallet = a_team(connection, allowance=85)
        ask(connection, wallet, 80, "job")

    uses = [partial(use_alone, engine, wallet, f"k{n}") for n in range(12)]
    *used, approved = at_once([*uses, partial(approve_alone, engine, wallet, "grace")])

    with engine.connect() as connection:
        on_hold = held(connection, wallet)
        assert on_hold == (micro(80) if approved == "approved" else 0)
        assert left(connection, wallet) + on_hold == micro(85 - used.count("debited"))


def test_an_approval_that_races_with_its_lapse_has_one_end(engine):
    with engine.begin() as connection:
        wallet = a_team(connection, allowance=85)
        ask(connection, wallet, 80, "job")
    before = LAPSE - DAY

    answers = at_once(
        [
            partial(lapse_alone, engine, wallet),
            partial(approve_alone, engine, wallet, "grace", before),
            partial(lapse_alone, engine, wallet),
            partial(approve_alone, engine, wallet, "hedy", before),
        ]
    )

    with engine.connect() as connection:
        end = state(connection, wallet, "job")
        approved = answers[1::2].count("approved")
        assert end in (State.APPROVED, State.LAPSED)
        assert approved == (1 if end is State.APPROVED else 0)
        entries = connection.exec_driver_sql(
            "SELECT count(*) FROM entries WHERE account_id = %s AND key = 'job'",
            (wallet.account_id,),
        ).scalar()
        assert entries == approved


def test_the_ledger_keeps_a_request_as_it_was_sent(ledger):
    wallet = a_team(ledger)
    ask(ledger, wallet, 80, "job")

    kept = approvals.named(ledger, wallet.subscription_id, "job")

    assert kept.wish.event is not None
    assert (kept.wish.event.quantity_micro, kept.wish.event.event_at) == (micro(80), NOON)
    assert dict(kept.wish.event.tags) == {"member": "ada"}
    assert (kept.member_name, kept.asked_at, kept.lapses_at) == ("Ada", NOON, LAPSE)
    assert kept.asked_at > START
