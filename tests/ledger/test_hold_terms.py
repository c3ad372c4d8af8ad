"""Holds beside windows, pauses, limits, objects, ways and rates."""

import pytest

from domain.usage import EVERY_TIME, Attempt, PricedWay, Terms
from ledger import accounts, balances, grants
from ledger.teams import limits
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    auto_purchase_on,
    left,
    micro,
)
from tests.ledger.holding import LAPSE, MINUTE, capture, counter, hold, release, sources, took


@pytest.fixture(autouse=True)
def no_law_is_broken(ledger):
    yield
    assert balances.violations(ledger) == []


def test_m17_with_an_overdraft_a_capture_of_more_is_drawn_on_credit(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    overdraft = a_grant(
        source="overdraft", quantity_micro=micro(50), priority=90, scope=("operation",)
    )
    grants.give(ledger, wallet.account_id, overdraft, START)
    hold(ledger, wallet, 100)

    captured = capture(ledger, wallet, 130)

    assert (took(captured), captured.uncollected) == (micro(130), ())
    assert counter(ledger, wallet, "debt:credits") == micro(10)
    assert (captured.available_micro, sources(ledger, wallet)) == (0, [0, micro(40)])


def test_a_new_hold_is_refused_while_paused_but_an_old_one_is_captured(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 50)
    accounts.set_paused(ledger, wallet.account_id, "by_operator", NOON, paused=True)

    assert hold(ledger, wallet, 1, key="new").status == "paused:by_operator"
    assert took(capture(ledger, wallet, 60)) == micro(60)


def test_an_old_hold_is_captured_while_the_renewal_is_pending(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=120)
    hold(ledger, wallet, 50, at=MONTH_END - MINUTE)

    assert hold(ledger, wallet, 1, key="new", at=MONTH_END).status == "renewal_pending"
    captured = capture(ledger, wallet, 60, at=MONTH_END)

    assert took(captured) == micro(50)  # the allowance's rest has expired
    assert captured.uncollected == (("credits", micro(10)),)


def test_held_credits_of_an_expired_grant_are_revenue_when_captured(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100, amount_minor=1000)
    hold(ledger, wallet, 60, at=MONTH_END - MINUTE)
    assert grants.expire_due(ledger, wallet.account_id, MONTH_END) == micro(40)
    assert books(ledger, wallet) == (0, 400)

    capture(ledger, wallet, 50, at=MONTH_END)

    assert grants.expire_due(ledger, wallet.account_id, MONTH_END) == micro(10)
    assert books(ledger, wallet) == (500, 500)


def test_held_credits_of_an_expired_grant_expire_when_released(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100, amount_minor=1000)
    hold(ledger, wallet, 60, at=MONTH_END - MINUTE)
    grants.expire_due(ledger, wallet.account_id, MONTH_END)

    assert grants.expire_due(ledger, wallet.account_id, MONTH_END + 9 * MINUTE) == micro(60)

    assert books(ledger, wallet) == (0, 1000)
    assert left(ledger, wallet, MONTH_END) == 0


def books(connection, wallet):
    found = balances.books(connection, wallet.account_id)
    return -found.get("revenue", 0), -found.get("breakage", 0)


def test_what_is_open_at_the_subscriptions_end_is_released_and_void(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    pack = a_grant(quantity_micro=micro(10), priority=15, expires_at=None)
    grants.give(ledger, wallet.account_id, pack, START)
    hold(ledger, wallet, 60)

    accounts.end(ledger, wallet.account_id, NOON + MINUTE)

    assert capture(ledger, wallet, 60, at=NOON + MINUTE).status == "hold_released"
    assert sources(ledger, wallet) == [0, micro(10)]


def test_a_capture_that_leaves_nothing_is_told(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100, **auto_purchase_on())

    assert not hold(ledger, wallet, 100).crossed
    assert capture(ledger, wallet, 100).crossed


def test_a_hold_that_a_purchase_can_cover_waits_for_it(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100, **auto_purchase_on())

    short = hold(ledger, wallet, 130)

    assert (short.status, short.missing_micro) == ("purchase_needed", micro(30))


def test_a_free_action_can_be_held_and_captured(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=1)
    accounts.set_paused(ledger, wallet.account_id, "by_operator", NOON, paused=True)

    assert hold(ledger, wallet, 0).status == "held"
    assert capture(ledger, wallet, 3).taken == ()
    assert left(ledger, wallet) == micro(1)


MEMBER = "member:ann"


def member(*ways, **facts):
    ways = ways or (PricedWay("credits", 1, 1),)
    return Terms((Attempt("operation", ways),), counters=(MEMBER,), **facts)


def a_limit(connection, wallet, ceiling):
    limits.set_limit(
        connection,
        account_id=wallet.account_id,
        counter=MEMBER,
        credit_type="credits",
        ceiling_micro=micro(ceiling),
        at=NOON,
    )


def test_a_hold_counts_towards_the_members_limit_until_it_ends(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=500)
    a_limit(ledger, wallet, 100)

    assert hold(ledger, wallet, 80, terms=member()).status == "held"
    assert hold(ledger, wallet, 30, key="b", terms=member()).status == "user_limit"
    capture(ledger, wallet, 60)
    assert hold(ledger, wallet, 30, key="b", terms=member()).status == "held"
    assert hold(ledger, wallet, 11, key="c", terms=member()).status == "user_limit"
    assert hold(ledger, wallet, 40, key="c", at=LAPSE, terms=member()).status == "held"
    release(ledger, wallet, key="c", at=LAPSE)
    assert counter(ledger, wallet, f"{MEMBER}@credits") == micro(60)


def test_a_limit_does_not_stop_the_capture_of_work_that_is_done(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=500)
    a_limit(ledger, wallet, 100)
    hold(ledger, wallet, 80, terms=member())

    assert took(capture(ledger, wallet, 120)) == micro(120)
    assert counter(ledger, wallet, f"{MEMBER}@credits") == micro(120)
    assert hold(ledger, wallet, 1, key="b", terms=member()).status == "user_limit"


ONCE = Terms((Attempt("operation", (PricedWay("credits", 1, 1),)),), once="unlock:P1")


def test_an_object_found_is_bought_for_ever_and_a_second_hold_of_it_charges_nothing(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    assert hold(ledger, wallet, 1, key="a", terms=ONCE).status == "held"
    assert hold(ledger, wallet, 1, key="b", terms=ONCE).status == "held"
    assert left(ledger, wallet) == micro(8)

    first, second = (capture(ledger, wallet, 1, key=key) for key in ("a", "b"))

    assert (first.status, took(first)) == ("captured", micro(1))
    assert (second.status, took(second)) == ("already_unlocked", 0)
    assert left(ledger, wallet) == micro(9)
    third = hold(ledger, wallet, 1, key="c", terms=ONCE)
    assert (third.status, third.held) == ("already_unlocked", ())
    assert capture(ledger, wallet, 1, key="c").status == "already_unlocked"
    assert left(ledger, wallet) == micro(9)


def test_an_object_not_found_costs_nothing_and_can_be_looked_for_again(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    hold(ledger, wallet, 1, terms=ONCE)

    release(ledger, wallet)

    assert left(ledger, wallet) == micro(10)
    assert hold(ledger, wallet, 1, key="again", terms=ONCE).status == "held"


QUOTA_THEN_WALLET = Terms(
    (
        Attempt(
            "operation",
            (PricedWay("quota", 1, 1), PricedWay("usd_wallet", 2_000, 1_000_000)),
        ),
    )
)


@pytest.mark.parametrize(
    ("quantity", "taken"),
    [
        (400, {"quota": micro(400)}),
        (700, {"quota": micro(500), "usd_wallet": 400_000}),
        (1_500, {"quota": micro(500), "usd_wallet": 2_000_000}),
        (2_000, {"quota": micro(500), "usd_wallet": 3_000_000}),
    ],
)
def test_a_hold_over_two_credit_types_is_captured_in_their_order(ledger, quantity, taken):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    for credit_type, amount in (("quota", 500), ("usd_wallet", 10)):
        order = a_grant(credit_type=credit_type, quantity_micro=micro(amount))
        grants.give(ledger, wallet.account_id, order, START)

    held = hold(ledger, wallet, 1_500, terms=QUOTA_THEN_WALLET)
    captured = capture(ledger, wallet, quantity)

    assert dict(held.held) == {"quota": micro(500), "usd_wallet": 2_000_000}
    assert (dict(captured.taken), captured.uncollected) == (taken, ())


def asking(consent, **facts):
    """The quota first, then the wallet, which asks."""
    ways = (
        PricedWay("quota", 1, 1),
        PricedWay("usd_wallet", 2_000, 1_000_000, consent=consent),
    )
    return Terms((Attempt("operation", ways),), **facts)


PER_ACTION = "consent:operation:usd_wallet"


def a_wallet_of_quota_and_dollars(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    for credit_type, amount in (("quota", 500), ("usd_wallet", 10)):
        order = a_grant(credit_type=credit_type, quantity_micro=micro(amount))
        grants.give(ledger, wallet.account_id, order, START)
    return wallet


@pytest.mark.parametrize("consent", [PER_ACTION, EVERY_TIME])
def test_a_capture_beyond_its_hold_draws_nothing_from_a_way_that_asks(ledger, consent):
    wallet = a_wallet_of_quota_and_dollars(ledger)

    held = hold(ledger, wallet, 500, terms=asking(consent))
    captured = capture(ledger, wallet, 1_500)

    assert dict(held.held) == {"quota": micro(500)}
    assert dict(captured.taken) == {"quota": micro(500)}
    assert dict(captured.uncollected) == {"usd_wallet": 2_000_000}
    assert balances.available(ledger, wallet.account_id, "usd_wallet", NOON) == micro(10)
    repeated = capture(ledger, wallet, 1_500, confirmed=True)
    assert (repeated.status, repeated.uncollected) == ("repeated", captured.uncollected)


@pytest.mark.parametrize("consent", [PER_ACTION, EVERY_TIME])
def test_a_confirmed_capture_draws_from_the_way_that_asks(ledger, consent):
    wallet = a_wallet_of_quota_and_dollars(ledger)
    hold(ledger, wallet, 500, terms=asking(consent))

    captured = capture(ledger, wallet, 1_500, confirmed=True)

    assert dict(captured.taken) == {"quota": micro(500), "usd_wallet": 2_000_000}
    assert captured.uncollected == ()
    again = hold(ledger, wallet, 1, key="next", terms=asking(consent))
    expected = "held" if consent == PER_ACTION else "confirmation_required"
    assert again.status == expected  # per action it is asked once in a window


@pytest.mark.parametrize(
    ("consent", "taken", "uncollected"),
    [
        (PER_ACTION, 3_000_000, {}),  # agreed to for the rest of the window
        (EVERY_TIME, 2_000_000, {"usd_wallet": 1_000_000}),  # agreed to what was held
    ],
)
def test_what_a_confirmed_hold_agreed_to(ledger, consent, taken, uncollected):
    wallet = a_wallet_of_quota_and_dollars(ledger)
    hold(ledger, wallet, 1_500, terms=asking(consent, confirmed=True))

    captured = capture(ledger, wallet, 2_000)

    assert dict(captured.taken) == {"quota": micro(500), "usd_wallet": taken}
    assert dict(captured.uncollected) == uncollected


THIRD = Terms((Attempt("operation", (PricedWay("credits", 1, 3, carry="carry:third"),)),))


def test_captures_and_debits_at_an_inexact_rate_sum_to_the_rounded_total(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    hold(ledger, wallet, 1, key="a", terms=THIRD)
    hold(ledger, wallet, 1, key="b", terms=THIRD)
    hold(ledger, wallet, 1, key="c", terms=THIRD)
    hold(ledger, wallet, 1, key="d", terms=THIRD)
    release(ledger, wallet, key="c")

    taken = [took(capture(ledger, wallet, 1, key=key)) for key in ("b", "d", "a")]

    assert taken == [333_333, 333_334, 333_333]


def test_a_started_unit_is_paid_whole_when_captured(ledger):
    minutes = Terms(
        (Attempt("operation", (PricedWay("credits", micro(10), micro(60), started=True),)),)
    )
    wallet = a_subscribed_wallet(ledger, allowance=100)

    assert hold(ledger, wallet, 95, terms=minutes).held == (("credits", micro(20)),)
    assert took(capture(ledger, wallet, 130)) == micro(30)


def test_a_hold_keeps_the_rate_of_its_authorization(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    double = Terms((Attempt("operation", (PricedWay("credits", 2, 1),)),))
    hold(ledger, wallet, 10, terms=double)

    assert took(capture(ledger, wallet, 5)) == micro(10)


def test_a_grant_given_later_does_not_take_the_place_of_what_is_held(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100)
    hold(ledger, wallet, 100)
    grants.give(ledger, wallet.account_id, a_grant(priority=1), NOON)

    capture(ledger, wallet, 105)

    assert sources(ledger, wallet) == [0, micro(5)]
