"""A debit draws all or nothing, in one total order, never from credits it may not use."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.burn import Draw, Grant, TieBreak, available, burn_order, draw, tie_keys
from domain.errors import InvalidInput

START = datetime(2027, 1, 1, tzinfo=UTC)
NOON = START + timedelta(hours=12)
ACTIONS = ("email", "lookup")
TYPES = ("credits", "usd_wallet")
BIGINT_MAX = 2**63 - 1

hours = st.integers(0, 24).map(lambda count: START + timedelta(hours=count))


def a_grant(grant_id=1, **facts):
    usual = {
        "grant_id": grant_id,
        "credit_type": "credits",
        "scope": None,
        "priority": 20,
        "effective_at": START,
        "expires_at": None,
        "granted": 100,
        "remaining": 100,
        "held": 0,
        "cost_minor": 0,
    }
    return Grant(**{**usual, **facts})


@st.composite
def grants_of(draw_from, grant_id):
    granted = draw_from(st.integers(1, 50))
    remaining = draw_from(st.integers(0, granted))
    return a_grant(
        grant_id,
        credit_type=draw_from(st.sampled_from(TYPES)),
        scope=draw_from(st.sampled_from([None, None, ("email",), ("lookup",), ACTIONS])),
        priority=draw_from(st.sampled_from([15, 20, 30])),
        effective_at=draw_from(hours),
        expires_at=draw_from(st.none() | hours),
        granted=granted,
        remaining=remaining,
        held=draw_from(st.integers(0, remaining)),
        cost_minor=draw_from(st.integers(0, 500)),
        tie_break=draw_from(st.sampled_from(TieBreak)),
    )


@st.composite
def wallets(draw_from):
    return [draw_from(grants_of(grant_id)) for grant_id in range(draw_from(st.integers(0, 6)))]


types = st.sampled_from(TYPES)
actions = st.sampled_from(ACTIONS)
debits = st.tuples(wallets(), types, actions, st.integers(1, 120), hours)


@given(debits)
def test_a_debit_is_all_or_nothing(debit):
    grants, credit_type, action, amount, at = debit

    draws = draw(grants=grants, credit_type=credit_type, action=action, amount=amount, at=at)

    if amount > available(grants, credit_type, action, at):
        assert draws is None
    else:
        assert sum(each.amount for each in draws) == amount


@given(debits)
def test_a_debit_takes_from_each_grant_once_and_only_what_is_free(debit):
    grants, credit_type, action, amount, at = debit
    by_id = {grant.grant_id: grant for grant in grants}

    draws = draw(grants=grants, credit_type=credit_type, action=action, amount=amount, at=at) or ()

    assert len({each.grant_id for each in draws}) == len(draws)
    for each in draws:
        grant = by_id[each.grant_id]
        assert 0 < each.amount <= grant.remaining - grant.held


@given(debits)
def test_a_debit_never_draws_from_a_grant_it_may_not_use(debit):
    grants, credit_type, action, amount, at = debit
    by_id = {grant.grant_id: grant for grant in grants}

    for each in (
        draw(grants=grants, credit_type=credit_type, action=action, amount=amount, at=at) or ()
    ):
        grant = by_id[each.grant_id]
        assert grant.credit_type == credit_type
        assert grant.effective_at <= at
        assert grant.expires_at is None or at < grant.expires_at
        assert grant.scope is None or action in grant.scope


@given(debits)
def test_a_later_grant_is_touched_only_when_all_before_it_are_empty(debit):
    grants, credit_type, action, amount, at = debit
    draws = draw(grants=grants, credit_type=credit_type, action=action, amount=amount, at=at) or ()
    taken = {each.grant_id: each.amount for each in draws}

    usable = [g for g in sorted(grants, key=burn_order) if g.usable(credit_type, action, at)]
    left = [g.usable(credit_type, action, at) - taken.get(g.grant_id, 0) for g in usable]

    for (_, before), (after, _) in pairwise(zip(usable, left, strict=True)):
        assert after.grant_id not in taken or before == 0


@given(debits, st.randoms(use_true_random=False))
def test_the_order_in_which_grants_are_listed_means_nothing(debit, random):
    grants, credit_type, action, amount, at = debit
    shuffled = random.sample(grants, len(grants))

    assert draw(
        grants=shuffled, credit_type=credit_type, action=action, amount=amount, at=at
    ) == draw(grants=grants, credit_type=credit_type, action=action, amount=amount, at=at)


@given(debits, st.integers(1, 119))
def test_one_debit_draws_what_two_halves_draw(debit, first):
    grants, credit_type, action, amount, at = debit
    first = min(first, amount)
    whole = draw(grants=grants, credit_type=credit_type, action=action, amount=amount, at=at)
    if whole is None:
        return

    draws = draw(grants=grants, credit_type=credit_type, action=action, amount=first, at=at)
    rest = draw(
        grants=after(grants, draws),
        credit_type=credit_type,
        action=action,
        amount=amount - first,
        at=at,
    )

    assert after(after(grants, draws), rest) == after(grants, whole)


def after(grants, draws):
    taken = {each.grant_id: each.amount for each in draws}
    return [
        replace(grant, remaining=grant.remaining - taken.get(grant.grant_id, 0)) for grant in grants
    ]


def test_a_grant_serves_from_its_first_instant_until_just_before_its_last():
    grant = a_grant(effective_at=NOON, expires_at=NOON + timedelta(hours=1))
    moment = timedelta(microseconds=1)

    assert (
        draw(grants=[grant], credit_type="credits", action="email", amount=1, at=NOON - moment)
        is None
    )
    assert draw(grants=[grant], credit_type="credits", action="email", amount=1, at=NOON) == (
        Draw(1, 1),
    )
    assert draw(
        grants=[grant],
        credit_type="credits",
        action="email",
        amount=1,
        at=grant.expires_at - moment,
    ) == (Draw(1, 1),)
    assert (
        draw(grants=[grant], credit_type="credits", action="email", amount=1, at=grant.expires_at)
        is None
    )


def test_priority_goes_before_expiry_and_expiry_before_the_tie_break():
    soon, late = START + timedelta(days=1), START + timedelta(days=2)
    expected = [
        a_grant(9, priority=15, expires_at=None, cost_minor=500),
        a_grant(8, priority=20, expires_at=soon, cost_minor=500),
        a_grant(7, priority=20, expires_at=late, cost_minor=400),
        a_grant(6, priority=20, expires_at=None, cost_minor=0),
        a_grant(4, priority=20, expires_at=None, cost_minor=1),
        a_grant(5, priority=20, expires_at=None, cost_minor=1),
        a_grant(3, priority=30, expires_at=soon, cost_minor=0),
    ]

    by_id = sorted(expected, key=lambda grant: grant.grant_id)
    assert sorted(by_id, key=burn_order) == expected


def test_the_tie_break_is_cheapest_or_oldest_first():
    dear_and_old = {"cost_minor": 900, "effective_at": START}
    cheap_and_new = {"cost_minor": 100, "effective_at": NOON}

    for tie_break, first in ((TieBreak.CHEAPEST_FIRST, 2), (TieBreak.OLDEST_FIRST, 1)):
        grants = [a_grant(1, tie_break=tie_break, **dear_and_old)]
        grants.append(a_grant(2, tie_break=tie_break, **cheap_and_new))
        assert min(grants, key=burn_order).grant_id == first


@given(st.integers(0, 10**8), st.integers(10**6, 10**15), hours)
def test_tie_keys_are_integers_the_ledger_can_keep(cost_minor, granted, at):
    unit_cost, time = tie_keys(TieBreak.CHEAPEST_FIRST, cost_minor, granted, at)

    assert unit_cost == cost_minor * 10**12 // granted
    assert datetime.fromtimestamp(time / 10**6, UTC) == at
    assert tie_keys(TieBreak.OLDEST_FIRST, cost_minor, granted, at) == (time, unit_cost)
    assert max(unit_cost, time) <= BIGINT_MAX


def test_m04_included_credits_burn_before_extras_and_one_debit_may_be_split():
    allowance = a_grant(1, granted=3, remaining=3, expires_at=START + timedelta(days=31))
    extras = a_grant(2, priority=30, granted=10_000, remaining=10_000, cost_minor=1170)

    draws = draw(
        grants=[extras, allowance], credit_type="credits", action="email", amount=5, at=NOON
    )

    assert draws == (Draw(1, 3), Draw(2, 2))
    assert available(after([allowance, extras], draws), "credits", "email", NOON) == 9_998


def test_without_an_action_every_scope_counts_as_available():
    grants = [a_grant(1), a_grant(2, scope=("email",)), a_grant(3, credit_type="usd_wallet")]

    assert available(grants, "credits", None, NOON) == 200
    assert available(grants, "credits", "lookup", NOON) == 100


@pytest.mark.parametrize(
    "facts",
    [
        {"held": -1},
        {"held": 11, "remaining": 10},
        {"remaining": 101},
        {"granted": 0, "remaining": 0},
    ],
)
def test_an_impossible_grant_is_refused(facts):
    with pytest.raises(InvalidInput) as refusal:
        a_grant(**facts)

    assert refusal.value.reason == "invalid_grant"
