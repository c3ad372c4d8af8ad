"""Corrections of held work: as if the smaller quantity had been captured."""

import pytest

from domain.usage import EVERY_TIME, Attempt, PricedWay, Terms
from ledger import balances, grants
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_action
from ledger.teams import limits
from ledger.usage.corrections import CorrectionOrder, correct
from tests.builders import MONTH_END, NOON, START, a_grant, a_subscribed_wallet, left, micro, use
from tests.ledger.holding import LAPSE, capture, hold, release

LATER = MONTH_END
ONE = Terms((Attempt("a", (PricedWay("credits", 1, 1),)),))


def less(ledger, wallet, quantity, *, key="c", event="h", at=NOON):
    order = CorrectionOrder(
        key=key, event=event, quantity_micro=micro(quantity), reason="counted twice", by="ann"
    )
    return correct(ledger, account_id=wallet.account_id, order=order, terms=None, at=at)


def given(ledger, wallet, quantity, **facts):
    done = less(ledger, wallet, quantity, **facts)
    assert done.status == "corrected"
    return dict(done.given)


def test_what_was_captured_becomes_less_in_reverse_draw_order(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=15)
    pack = a_grant(priority=30, expires_at=None)
    grants.give(ledger, wallet.account_id, pack, START)
    hold(ledger, wallet, 25)
    assert capture(ledger, wallet, 20).status == "captured"
    grants.expire_due(ledger, wallet.account_id, LATER)

    done = less(ledger, wallet, 12, at=LATER)

    assert (done.status, done.given) == ("corrected", (("credits", micro(8)),))
    assert done.closed == (("credits", micro(3)),)
    assert left(ledger, wallet, LATER) == micro(10)
    (used,) = usage_by_action(ledger, Scope(START, LATER.replace(day=2), wallet.account_id))
    assert (used.quantity_micro, used.usage.events) == (micro(12), 1)
    assert used.usage.credits_micro == micro(12)
    assert less(ledger, wallet, 12, at=LATER).status == "repeated"
    assert capture(ledger, wallet, 20, at=LATER).status == "repeated"
    assert balances.violations(ledger) == []


def test_only_what_was_captured_can_be_corrected(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    once = Terms((Attempt("unlock", (PricedWay("credits", 1, 1),)),), once="unlock:p1")
    for key in ("open", "released", "lapsed", "free", "taken"):
        hold(ledger, wallet, 0 if key == "free" else 2, key=key)
    tags = (("prospect", "p1"),)
    hold(ledger, wallet, 1, key="once", terms=once, action="unlock", tags=tags)
    release(ledger, wallet, key="released")
    for key, quantity in (("free", 1), ("taken", 2), ("once", 1)):
        capture(ledger, wallet, quantity, key=key)
    assert less(ledger, wallet, 0, event="open").status == "event_held"

    reasons = {
        key: less(ledger, wallet, quantity, event=key, at=LAPSE).status
        for key, quantity in {
            "released": 0, "lapsed": 0, "free": 0, "taken": 2, "once": 0,
        }.items()
    }  # fmt: skip

    assert reasons == {
        "released": "event_free",
        "lapsed": "event_free",
        "free": "event_free",
        "taken": "not_less",
        "once": "bought_for_ever",
    }
    assert balances.violations(ledger) == []


@pytest.mark.parametrize("steps", [(125, 110, 0), (110, 50, 0), (0,)])
def test_what_was_uncollected_is_taken_off_first(ledger, steps):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 100)
    captured = capture(ledger, wallet, 130)
    assert (captured.taken, captured.uncollected) == (
        (("credits", micro(120)),),
        (("credits", micro(10)),),
    )

    for quantity in steps:
        less(ledger, wallet, quantity, key=f"to {quantity}")
        assert left(ledger, wallet) == micro(120 - min(quantity, 120))
    assert balances.violations(ledger) == []


def test_what_nobody_agreed_to_is_not_given_back(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    words = a_grant(credit_type="words", quantity_micro=micro(500))
    grants.give(ledger, wallet.account_id, words, START)
    asks = PricedWay("credits", 2, 1_000, consent=EVERY_TIME)
    terms = Terms((Attempt("write", (PricedWay("words", 1, 1), asks)),))
    hold(ledger, wallet, 500, terms=terms, action="write")
    captured = capture(ledger, wallet, 1_500)
    assert captured.uncollected == (("credits", micro(2)),)

    assert given(ledger, wallet, 1_000) == {}
    assert given(ledger, wallet, 400, key="d") == {"words": micro(100)}
    assert balances.violations(ledger) == []


def test_the_holds_own_rates_and_carries_follow(ledger):
    way = PricedWay("credits", 1, 3, carry="carry:a")
    terms = Terms((Attempt("a", (way,)),))
    corrected, never = (a_subscribed_wallet(ledger, 10) for _ in range(2))
    for wallet, quantity in ((corrected, "2.000001"), (never, "1.000001")):
        hold(ledger, wallet, 3, key="h", terms=terms, action="a")
        capture(ledger, wallet, quantity, key="h")
    given(ledger, corrected, "1.000001")

    for wallet in (corrected, never):
        hold(ledger, wallet, 1, key="next", terms=terms, action="a")
        capture(ledger, wallet, "0.000001", key="next")
    assert left(ledger, corrected) == left(ledger, never)
    assert balances.violations(ledger) == []


def test_a_members_limit_follows_in_the_window_of_the_hold(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u",
        credit_type="credits",
        ceiling_micro=micro(5),
        at=NOON,
    )
    terms = Terms(ONE.attempts, ("member:u",))
    hold(ledger, wallet, 5, terms=terms, action="a")
    capture(ledger, wallet, 5)
    assert hold(ledger, wallet, 2, key="i", terms=terms, action="a").status == "user_limit"

    given(ledger, wallet, 3)

    assert hold(ledger, wallet, 2, key="i", terms=terms, action="a").status == "held"


def test_a_key_of_held_work_that_was_corrected_stays_used(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    hold(ledger, wallet, 5)
    capture(ledger, wallet, 5)
    given(ledger, wallet, 0)

    assert use(ledger, wallet, 5, key="h").status == "idempotency_conflict"
    assert less(ledger, wallet, 0, key="d").status == "not_less"
    assert left(ledger, wallet) == micro(10)
