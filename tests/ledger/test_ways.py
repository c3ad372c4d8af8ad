"""Worked numbers of debits on terms, against the real ledger."""

import pytest

from domain.credits import MICRO
from domain.usage import EVERY_TIME, Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import balances, grants
from ledger.teams import limits
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    micro,
    use,
)
from tests.ledger.two_windows import WINDOWS


def a_way(credits_of, per=1, credit_type="credits", **facts):
    return PricedWay(credit_type, micro(credits_of), micro(per), **facts)


def wanted(wallet, key, quantity, *attempts, action="operation", event_at=NOON, tags=(), **terms):
    """One event on terms; an attempt is the ways of the action, or an attempt of another."""
    tried = tuple(
        one if isinstance(one, Attempt) else Attempt(action, tuple(one)) for one in attempts
    )
    event = UsageEvent(
        key=key, action=action, quantity_micro=micro(quantity), event_at=event_at, tags=tags
    )
    return Demand(wallet.account_id, PricedEvent(event, "credits", 0, Terms(tried, **terms)))


def ask(ledger, demand, at=NOON):
    return debits.debit(ledger, [demand], at)[0]


def left(ledger, wallet, credit_type="credits", at=NOON):
    return balances.available(ledger, wallet.account_id, credit_type, at)


def laws_broken(ledger, wallet):
    return [law for account, *law in balances.violations(ledger) if account == wallet.account_id]


def test_m14_thirds_and_thousandths_never_drift(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    third = a_way(1, 3, carry="carry:third")

    answers = [ask(ledger, wanted(wallet, f"k{n}", 1, [third])) for n in range(3)]

    assert [dict(one.charged)["credits"] for one in answers] == [333_333, 333_334, 333_333]
    assert left(ledger, wallet) == micro(99)


@pytest.mark.parametrize(
    ("quantity", "way", "charged"),
    [
        (12_345, a_way(1, 10_000, carry="c"), "1.2345"),
        (1_234, a_way(1, 1_000, carry="c"), "1.234"),
        (95, a_way(10, 60, carry="c"), "15.833333"),
        (95, a_way(10, 60, started=True), "20"),
    ],
)
def test_m14_rates_of_every_shape(ledger, quantity, way, charged):
    wallet = a_subscribed_wallet(ledger, allowance=100)

    answer = ask(ledger, wanted(wallet, "k", quantity, [way]))

    assert answer.charged == (("credits", micro(charged)),)


def test_m14_a_batch_of_single_events_sums_to_the_rounded_total(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    way = a_way(10, 60, carry="carry:minutes")

    seconds = [wanted(wallet, f"s{n}", 1, [way]) for n in range(95)]
    answers = debits.debit(ledger, seconds, NOON)

    assert sum(dict(one.charged)["credits"] for one in answers) == 15_833_333


def test_a_new_window_starts_a_new_carry(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100, windows=WINDOWS)
    third = a_way(1, 3, carry="carry:third")

    first = ask(ledger, wanted(wallet, "a", 1, [third]))
    later = ask(ledger, wanted(wallet, "b", 1, [third], event_at=MONTH_END), MONTH_END)

    assert first.charged == later.charged == (("credits", 333_333),)


DOC = [a_way(1, credit_type="doc_quota"), a_way(2, credit_type="usd", consent="consent:doc")]
WORDS = [
    a_way(1, credit_type="word_quota"),
    a_way("0.002", credit_type="usd", consent="consent:words"),
]


@pytest.fixture
def scalenut(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    for credit_type, quantity in (("word_quota", 500), ("usd", 10)):
        order = a_grant(credit_type=credit_type, quantity_micro=micro(quantity))
        grants.give(ledger, wallet.account_id, order, START)
    return wallet


def test_m15_quota_first_then_the_wallet_once_it_is_agreed_to(ledger, scalenut):
    words = wanted(scalenut, "w1", 1_500, WORDS, action="words")
    asked = ask(ledger, words)
    assert (asked.status, asked.asked.credits) == ("confirmation_required", (("usd", micro(2)),))
    assert left(ledger, scalenut, "word_quota") == micro(500)
    assert left(ledger, scalenut, "usd") == micro(10)

    done = ask(ledger, wanted(scalenut, "w1", 1_500, WORDS, action="words", confirmed=True))
    assert done.charged == (("usd", micro(2)), ("word_quota", micro(500)))
    assert left(ledger, scalenut, "usd") == micro(8)

    assert (
        ask(ledger, wanted(scalenut, "d1", 1, DOC, action="doc")).status == "confirmation_required"
    )
    ask(ledger, wanted(scalenut, "d1", 1, DOC, action="doc", confirmed=True))
    assert left(ledger, scalenut, "usd") == micro(6)

    assert ask(ledger, wanted(scalenut, "w2", 1, WORDS, action="words")).status == "debited"
    assert left(ledger, scalenut, "usd") == micro("5.998")
    last = ask(ledger, wanted(scalenut, "w3", 2_999, WORDS, action="words"))
    assert (last.status, last.crossed, left(ledger, scalenut, "usd")) == ("debited", True, 0)
    assert ask(ledger, wanted(scalenut, "w4", 1, WORDS)).status == "insufficient_credits"
    assert laws_broken(ledger, scalenut) == []


def test_too_little_wallet_for_the_rest_refuses_the_whole_job_and_asks_nothing(ledger, scalenut):
    answer = ask(ledger, wanted(scalenut, "w", 5_501, WORDS))

    assert (answer.status, answer.missing_micro) == ("insufficient_credits", micro("0.002"))
    assert left(ledger, scalenut, "word_quota") == micro(500)


def test_what_must_be_confirmed_every_time_is_asked_for_every_time(ledger, scalenut):
    way = a_way(1, credit_type="usd", consent=EVERY_TIME)
    assert ask(ledger, wanted(scalenut, "a", 1, [way], confirmed=True)).status == "debited"
    assert ask(ledger, wanted(scalenut, "b", 1, [way])).status == "confirmation_required"


def test_a_repeat_tells_what_was_charged_of_each_type(ledger, scalenut):
    demand = wanted(scalenut, "w", 1_500, WORDS, confirmed=True)
    first = ask(ledger, demand)

    alone = ask(ledger, demand)
    batch = debits.debit(ledger, [demand, an_event(scalenut.account_id, 1)], NOON)

    assert (alone.status, alone.seq, alone.charged) == ("repeated", first.seq, first.charged)
    assert (batch[0].status, batch[0].charged) == ("repeated", first.charged)
    other = wanted(scalenut, "w", 1_501, WORDS, confirmed=True)
    assert ask(ledger, other).status == "idempotency_conflict"


def test_m08_halves(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=500)
    for n in range(999):
        assert use(ledger, wallet, "0.5", key=f"v{n}").status == "debited"
    assert left(ledger, wallet) == micro("0.5")

    assert use(ledger, wallet, 1).status == "insufficient_credits"
    pack = a_grant(source="pack", quantity_micro=micro(500), priority=30, expires_at=None)
    grants.give(ledger, wallet.account_id, pack, NOON)
    assert use(ledger, wallet, 1).charged == (("credits", micro(1)),)
    assert left(ledger, wallet) == micro("499.5")


def test_m08_the_last_half_and_then_nothing(ledger):
    wallet = a_subscribed_wallet(ledger, allowance="0.5")
    assert use(ledger, wallet, 1).status == "insufficient_credits"
    assert use(ledger, wallet, "0.5").crossed
    assert use(ledger, wallet, "0.5").status == "insufficient_credits"


def test_m09_the_same_object_is_never_paid_for_again(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)

    def unlock(key, prospect, **terms):
        return ask(ledger, wanted(wallet, key, 1, [a_way(1)], once=f"unlock:{prospect}", **terms))

    assert (unlock("a", "p1").status, left(ledger, wallet)) == ("debited", micro(99))
    again = unlock("b", "p1")
    assert (again.status, again.charged, left(ledger, wallet)) == (
        "already_unlocked",
        (),
        micro(99),
    )
    use(ledger, wallet, 99)
    assert unlock("c", "p1").status == "already_unlocked"
    assert unlock("d", "p2").status == "insufficient_credits"
    assert unlock("b", "p1").status == "repeated"
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u2",
        credit_type="credits",
        ceiling_micro=0,
        at=NOON,
    )
    assert unlock("e", "p1", counters=("member:u2",)).status == "already_unlocked"
    assert unlock("f", "p1").seq is not None
    assert laws_broken(ledger, wallet) == []


def test_m10_a_members_limit_of_200(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=500)
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u1",
        credit_type="credits",
        ceiling_micro=micro(200),
        at=NOON,
    )

    def act(key, amount):
        return ask(ledger, wanted(wallet, key, 1, [a_way(amount)], counters=("member:u1",)))

    assert act("a", "199.5").status == "debited"
    refused = act("b", 1)
    assert (refused.status, refused.missing_micro) == ("user_limit", micro("0.5"))
    assert act("c", "0.5").status == "debited"

    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u1",
        credit_type="credits",
        ceiling_micro=micro(10),
        at=NOON,
    )
    assert act("d", "0.5").status == "user_limit"
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u1",
        credit_type="credits",
        ceiling_micro=None,
        at=NOON,
    )
    assert act("d", "0.5").status == "debited"
    assert [
        (one.counter, one.used_micro) for one in limits.usage(ledger, wallet.account_id, START)
    ] == [("member:u1", micro("200.5"))]


def test_a_restricted_member_may_do_only_what_is_free(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=500)
    limits.set_limit(
        ledger,
        account_id=wallet.account_id,
        counter="member:u1",
        credit_type="credits",
        ceiling_micro=0,
        at=NOON,
    )

    paid = ask(ledger, wanted(wallet, "a", 1, [a_way("0.5")], counters=("member:u1",)))
    free = ask(ledger, wanted(wallet, "b", 1, [], counters=("member:u1",)))

    assert (paid.status, free.status, free.charged) == ("user_limit", "debited", ())


def test_what_cannot_be_paid_is_served_as_another_action(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=3)
    pages = [Attempt("hd", (a_way(5),)), Attempt("sd", (a_way(1),))]

    answer = ask(ledger, wanted(wallet, "k", 1, *pages, action="hd"))

    assert (answer.status, answer.served_as, answer.charged) == (
        "debited",
        "sd",
        (("credits", micro(1)),),
    )
    assert ask(ledger, wanted(wallet, "k", 1, *pages, action="hd")).served_as == "sd"


@pytest.mark.parametrize("quantity_micro", [10**18, 2**62, 1, MICRO])
@pytest.mark.parametrize("credits_micro", [0, -1, 10**18, 2**63, 1])
def test_no_size_of_numbers_raises(ledger, quantity_micro, credits_micro):
    wallet = a_subscribed_wallet(ledger, allowance=3)
    way = PricedWay("credits", credits_micro, 1, carry="c")
    event = UsageEvent("k", "a", quantity_micro, NOON)
    terms = Terms((Attempt("a", (way,)),), ("member:u1",))

    answer = ask(ledger, Demand(wallet.account_id, PricedEvent(event, "credits", 0, terms)))

    assert answer.status in ("debited", "insufficient_credits", "invalid_quantity", "invalid_rate")
