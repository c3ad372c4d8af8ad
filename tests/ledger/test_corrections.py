"""Corrections of usage: an event becomes less, as if it had always been."""

import pytest

from domain.money import Ratio
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import accounts, balances, grants
from ledger.grants import RollTerms
from ledger.reports.debts import debts
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_action
from ledger.teams import limits
from ledger.usage import corrections, debits
from ledger.usage.corrections import CorrectionOrder
from ledger.usage.debits import Demand
from tests.builders import (
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    left,
    micro,
    use,
)
from tests.ledger.holding import hold
from tests.ledger.returns import a_pack, debt, dispute
from tests.ledger.two_windows import DAY, LATER, WINDOWS


def correct(ledger, wallet, event, quantity, *, key="c", terms=None, at=NOON, reason="twice"):
    order = CorrectionOrder(
        key=key, event=event, quantity_micro=micro(quantity), reason=reason, by="ann"
    )
    return corrections.correct(
        ledger, account_id=wallet.account_id, order=order, terms=terms, at=at
    )


def act(ledger, wallet, key, quantity_micro, terms, at=NOON):
    event = UsageEvent(key, terms.attempts[0].action, quantity_micro, at)
    demand = Demand(wallet.account_id, PricedEvent(event, "credits", 0, terms))
    return debits.debit(ledger, [demand], at)[0]


def books(ledger, wallet):
    found = balances.books(ledger, wallet.account_id)
    return -found.get("revenue", 0), -found.get("breakage", 0), -found["deferred_revenue"]


def a_wallet_with_a_pack(ledger, **policy):
    """15 credits for $15 in each of two windows, and a pack of 10 for $20."""
    wallet = a_subscribed_wallet(ledger, 15, windows=WINDOWS, amount_minor=3_000, **policy)
    charge = a_paid_charge(ledger, wallet, "pack", 2_000)
    pack = a_grant(
        key="pack",
        source="bonus",
        priority=30,
        expires_at=None,
        cost_minor=2_000,
        charge_id=charge,
        part=0,
    )
    grants.give(ledger, wallet.account_id, pack, START)
    return wallet


def test_what_came_of_a_window_that_is_over_expires_at_once_and_the_pack_is_whole_again(ledger):
    wallet = a_wallet_with_a_pack(ledger)
    use(ledger, wallet, 20, key="mail")
    grants.expire_due(ledger, wallet.account_id, LATER)
    assert books(ledger, wallet) == (2_500, 0, 2_500)

    done = correct(ledger, wallet, "mail", 12, at=LATER)

    assert (done.status, done.given) == ("corrected", (("credits", micro(8)),))
    assert done.closed == (("credits", micro(3)),)
    assert left(ledger, wallet, LATER) == micro(15 + 10)
    assert books(ledger, wallet) == (1_200, 300, 3_500)
    assert balances.violations(ledger) == []
    kinds = [line.kind for line in balances.history(ledger, wallet.account_id)]
    assert kinds[-3:] == ["correction", "correction", "expiry"]
    (used,) = usage_by_action(ledger, Scope(START, LATER + DAY, wallet.account_id))
    assert (used.quantity_micro, used.usage.events) == (micro(12), 1)
    assert used.usage.credits_micro == micro(12)


def test_a_key_corrects_once_and_its_content_is_compared(ledger):
    wallet = a_subscribed_wallet(ledger, 10)
    use(ledger, wallet, 5, key="mail")

    first = correct(ledger, wallet, "mail", 3)
    again = correct(ledger, wallet, "mail", 3)

    assert (again.status, again.given) == ("repeated", first.given)
    assert correct(ledger, wallet, "mail", 2).status == "idempotency_conflict"
    assert correct(ledger, wallet, "mail", 3, reason="other").status == "idempotency_conflict"
    assert use(ledger, wallet, 5, key="mail").status == "repeated"
    assert left(ledger, wallet) == micro(7)
    assert correct(ledger, wallet, "mail", 0, key="d").given == (("credits", micro(3)),)
    assert correct(ledger, wallet, "mail", 0, key="e").status == "not_less"
    assert left(ledger, wallet) == micro(10)
    assert balances.violations(ledger) == []


def test_what_cannot_be_corrected_says_why(ledger):
    wallet = a_subscribed_wallet(ledger, 10)
    use(ledger, wallet, 0, key="free")
    use(ledger, wallet, 2, key="used")
    hold(ledger, wallet, 1, key="held")
    once = Terms((Attempt("unlock", (PricedWay("credits", 1, 1),)),), once="unlock:p1")
    event = UsageEvent(
        key="once",
        action="unlock",
        quantity_micro=micro(1),
        event_at=NOON,
        tags=(("prospect", "p1"),),
    )
    debits.debit(ledger, [Demand(wallet.account_id, PricedEvent(event, "credits", 0, once))], NOON)

    statuses = {
        key: correct(ledger, wallet, key, quantity).status
        for key, quantity in {
            "free": 0, "used": 2, "held": 0, "once": 0, "unknown": 0,
        }.items()
    }  # fmt: skip

    assert statuses == {
        "free": "event_free",
        "used": "not_less",
        "held": "event_held",
        "once": "bought_for_ever",
        "unknown": "unknown_event",
    }
    assert balances.violations(ledger) == []


def test_the_wallet_gives_before_the_quota(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    quota = a_grant(credit_type="words", quantity_micro=micro(500))
    grants.give(ledger, wallet.account_id, quota, START)
    ways = (PricedWay("words", 1, 1), PricedWay("credits", 2, 1_000))
    terms = Terms((Attempt("write", ways),))
    act(ledger, wallet=wallet, key="job", quantity_micro=micro(1_500), terms=terms)
    assert left(ledger, wallet) == micro(8)

    done = correct(ledger, wallet, "job", 1_200, terms=terms)
    assert done.given == (("credits", micro("0.6")),)
    done = correct(ledger, wallet, "job", 400, terms=terms, key="d")

    assert done.given == (("credits", micro("1.4")), ("words", micro(100)))
    assert balances.violations(ledger) == []


def test_rounding_goes_on_as_if_the_event_had_been_smaller(ledger):
    way = PricedWay("credits", 1, 3, carry="carry:a")
    terms = Terms((Attempt("a", (way,)),))
    corrected, never = (a_subscribed_wallet(ledger, 10) for _ in range(2))
    for n, quantity in enumerate((2, 50, 1)):
        act(ledger, wallet=corrected, key=f"k{n}", quantity_micro=quantity, terms=terms)
    order = CorrectionOrder(key="c", event="k1", quantity_micro=10, reason="twice", by="ann")
    corrections.correct(ledger, account_id=corrected.account_id, order=order, terms=terms, at=NOON)
    for n, quantity in enumerate((2, 10, 1)):
        act(ledger, wallet=never, key=f"k{n}", quantity_micro=quantity, terms=terms)

    for wallet in (corrected, never):
        act(ledger, wallet=wallet, key="next", quantity_micro=1, terms=terms)
    assert left(ledger, corrected) == left(ledger, never)
    assert balances.violations(ledger) == []


def test_a_started_unit_is_given_back_whole(ledger):
    wallet = a_subscribed_wallet(ledger, 100)
    way = PricedWay("credits", micro(10), micro(60), started=True)
    terms = Terms((Attempt("film", (way,)),))
    act(ledger, wallet=wallet, key="film", quantity_micro=micro(130), terms=terms)
    assert left(ledger, wallet) == micro(70)

    assert correct(ledger, wallet, "film", 121, terms=terms).given == ()
    assert correct(ledger, wallet, "film", 95, terms=terms, key="d").given == (
        ("credits", micro(10)),
    )


def test_a_members_counter_follows(ledger):
    wallet = a_subscribed_wallet(ledger, 10)
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u",
        credit_type="credits",
        ceiling_micro=micro(5),
        at=NOON,
    )
    terms = Terms((Attempt("a", (PricedWay("credits", 1, 1),)),), ("member:u",))
    act(ledger, wallet=wallet, key="k", quantity_micro=micro(5), terms=terms)
    assert (
        act(ledger, wallet=wallet, key="l", quantity_micro=micro(2), terms=terms).status
        == "user_limit"
    )

    correct(ledger, wallet, "k", 3, terms=terms)

    assert (
        act(ledger, wallet=wallet, key="l", quantity_micro=micro(2), terms=terms).status
        == "debited"
    )


def test_what_was_charged_back_is_owed_no_more(ledger):
    wallet, pack = a_pack(ledger, used=0)
    use(ledger, wallet, 400, key="mail")
    dispute(ledger, wallet, pack, "open")
    assert debt(ledger, wallet) == micro(400)

    correct(ledger, wallet, "mail", 100)

    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(100))
    assert balances.violations(ledger) == []


def test_what_was_taken_on_credit_is_owed_no_more_also_if_it_was_repaid(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=1, debt_repaid_from="all_grants")
    overdraft = a_grant(source="overdraft", priority=90, scope=("a",), quantity_micro=micro(5))
    grants.give(ledger, wallet.account_id, overdraft, START)
    terms = Terms((Attempt("a", (PricedWay("credits", 1, 1),)),), at_zero="block")
    act(ledger, wallet=wallet, key="k", quantity_micro=micro(4), terms=terms)
    assert debt(ledger, wallet) == micro(3)
    correct(ledger, wallet, "k", 3, terms=terms)
    assert debt(ledger, wallet) == micro(2)
    (owed,) = debts(ledger, Scope(START, LATER, wallet.account_id))
    assert (owed.on_credit_micro, owed.closing_micro) == (micro(2), micro(2))
    grants.give(ledger, wallet.account_id, a_grant(quantity_micro=micro(2)), NOON)
    assert (debt(ledger, wallet), left(ledger, wallet)) == (0, 0)

    correct(ledger, wallet, "k", 1, terms=terms, key="d")

    assert (debt(ledger, wallet), left(ledger, wallet)) == (0, micro(2))
    assert balances.violations(ledger) == []


@pytest.mark.parametrize("swept", [True, False])
def test_what_comes_back_to_a_window_moves_on_as_it_would_have(ledger, swept):
    wallet = a_subscribed_wallet(ledger, allowance=0, windows=WINDOWS)
    charge = a_paid_charge(ledger, wallet, "period", 1_000)
    order = a_grant(
        key="period",
        source="allowance",
        quantity_micro=micro(10),
        cost_minor=1_000,
        charge_id=charge,
        part=0,
        rolls=RollTerms(1, Ratio(1, 1), micro(5), 15),
    )
    grants.give(ledger, wallet.account_id, order, START)
    use(ledger, wallet, 8, key="mail")
    if swept:
        grants.expire_due(ledger, wallet.account_id, LATER)

    correct(ledger, wallet, "mail", 3, at=LATER)

    assert left(ledger, wallet, LATER) == micro(5)
    assert books(ledger, wallet) == (300, 200, 500)
    assert balances.violations(ledger) == []


def test_after_the_end_nothing_comes_back_that_would_be_gone(ledger):
    wallet = a_wallet_with_a_pack(ledger)
    use(ledger, wallet, 20, key="mail")
    accounts.end(ledger, wallet.account_id, NOON + DAY)

    assert correct(ledger, wallet, "mail", 0, at=LATER).status == "corrected"

    assert left(ledger, wallet, LATER) == micro(10)
    assert balances.violations(ledger) == []


def test_money_that_was_broken_with_others_does_not_move_on_again(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0, windows=WINDOWS)
    charge = a_paid_charge(ledger, wallet, "period", 6)
    half = RollTerms(1, Ratio(1, 2), None, 15)
    facts = {"source": "allowance", "cost_minor": 6, "charge_id": charge, "part": 0}
    order = a_grant(key="period", quantity_micro=micro(22), rolls=half, **facts)
    grants.give(ledger, wallet.account_id, order, START)
    use(ledger, wallet, 2, key="mail")
    grants.expire_due(ledger, wallet.account_id, LATER)

    assert correct(ledger, wallet, "mail", 0, at=LATER).status == "corrected"

    assert left(ledger, wallet, LATER) == micro(11)
    assert balances.violations(ledger) == []
