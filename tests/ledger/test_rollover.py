"""Unused credits move into the next window with their money; nothing is lost or doubled."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.money import Ratio
from ledger import accounts, balances, grants
from ledger.grants import RollTerms
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    left,
    micro,
    use,
)

MONTH = timedelta(days=28)
HALF_TWICE = RollTerms(2, Ratio(1, 2), None, 15)


def window(k):
    return (START, MONTH_END) if k == 0 else (MONTH_END + (k - 1) * MONTH, MONTH_END + k * MONTH)


def opened(connection, wallet, k, at=None):
    """Open the k-th window and book what the one before left; return what expired."""
    start, end = window(k)
    at = at or start
    grants.open_windows(
        connection,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        windows=[(start, end)],
        at=at,
    )
    return grants.expire_due(connection, wallet.account_id, at)


def an_allowance(connection, wallet, k=0, quantity=500, cost=2_900, rolls=HALF_TWICE):
    start, end = window(k)
    charge = f"{wallet.subscription_id}:period:{k}"
    a_paid_charge(connection, wallet, charge, cost, at=start)
    order = a_grant(
        key=charge,
        source="allowance",
        quantity_micro=micro(quantity),
        effective_at=start,
        expires_at=end,
        cost_minor=cost,
        charge_id=charge,
        part=0,
        rolls=rolls,
    )
    grants.give(connection, wallet.account_id, order, start)


def rolled(connection, wallet):
    """Return what every grant moved on: micro-credits, minor units."""
    rows = connection.execute(
        text("SELECT rolled, rolled_minor FROM grants WHERE account_id = :a ORDER BY grant_id"),
        {"a": wallet.account_id},
    )
    return [tuple(row) for row in rows]


@pytest.fixture
def wallet(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    an_allowance(ledger, wallet)
    return wallet


def test_a_share_of_what_is_unused_moves_on_with_its_money(ledger, wallet):
    use(ledger, wallet, 300)

    expired = opened(ledger, wallet, 1)

    assert (expired, left(ledger, wallet, MONTH_END)) == (micro(100), micro(100))
    assert rolled(ledger, wallet) == [(micro(100), 580), (0, 0)]
    assert balances.books(ledger, wallet.account_id) == {
        "cash": 2_900,
        "deferred_revenue": -580,
        "revenue": -1_740,
        "breakage": -580,
    }
    assert balances.violations(ledger) == []


def test_what_moved_is_burnt_first_and_its_money_is_earned(ledger, wallet):
    opened(ledger, wallet, 1)
    an_allowance(ledger, wallet, 1)

    use(ledger, wallet, 250, at=MONTH_END)
    opened(ledger, wallet, 2)

    assert balances.books(ledger, wallet.account_id)["revenue"] == -1_450
    assert left(ledger, wallet, window(2)[0]) == micro(250)
    assert balances.violations(ledger) == []


def test_what_moved_moves_again_as_often_as_it_may(ledger, wallet):
    amounts = []
    for k in range(1, 5):
        opened(ledger, wallet, k)
        amounts.append(left(ledger, wallet, window(k)[0]))

    assert amounts == [micro(250), micro(125), 0, 0]
    assert balances.violations(ledger) == []


def test_no_more_than_the_cap_moves_on(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    an_allowance(ledger, wallet, rolls=RollTerms(1, Ratio(1, 1), micro(30), 15))

    assert opened(ledger, wallet, 1) == micro(470)
    assert left(ledger, wallet, MONTH_END) == micro(30)


def test_the_cap_is_the_windows_and_that_of_the_plan_in_force_at_its_end(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    an_allowance(ledger, wallet, quantity=1_000, rolls=RollTerms(1, Ratio(1, 1), micro(500), 15))
    upgraded = a_grant(
        key="upgrade",
        source="allowance",
        quantity_micro=micro(1_000),
        rolls=RollTerms(1, Ratio(1, 1), micro(1_000), 15),
    )
    grants.give(ledger, wallet.account_id, upgraded, START)

    assert opened(ledger, wallet, 1) == micro(1_000)
    assert left(ledger, wallet, MONTH_END) == micro(1_000)
    assert balances.violations(ledger) == []


def test_what_moved_on_before_counts_against_the_cap_of_its_window(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    thrice = RollTerms(3, Ratio(1, 1), micro(300), 15)
    for k in range(3):
        an_allowance(ledger, wallet, k, rolls=thrice)
        opened(ledger, wallet, k + 1)
        assert left(ledger, wallet, window(k + 1)[0]) == micro(300)
    assert balances.violations(ledger) == []


def test_a_late_renewal_finds_what_may_move_on_untouched(ledger, wallet):
    late = MONTH_END + timedelta(days=3)
    assert grants.expire_due(ledger, wallet.account_id, late) == 0
    assert use(ledger, wallet, 1, at=late).status == "renewal_pending"

    assert opened(ledger, wallet, 1, at=late) == micro(250)
    assert left(ledger, wallet, late) == micro(250)
    assert balances.violations(ledger) == []


def test_usage_before_the_move_is_written_loses_and_doubles_nothing(ledger, wallet):
    start, end = window(1)
    grants.open_windows(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        windows=[(start, end)],
        at=START,
    )
    an_allowance(ledger, wallet, 1)
    later = start + timedelta(hours=1)

    use(ledger, wallet, 400, at=later)
    expired = grants.expire_due(ledger, wallet.account_id, later)

    assert (expired, left(ledger, wallet, later)) == (micro(250), micro(350))
    assert balances.violations(ledger) == []


def test_a_worker_that_slept_for_months_moves_step_by_step(ledger, wallet):
    for k in (1, 2, 3):
        grants.open_windows(
            ledger,
            account_id=wallet.account_id,
            subscription_id=wallet.subscription_id,
            windows=[window(k)],
            at=START,
        )
    at = window(3)[0]

    assert grants.expire_due(ledger, wallet.account_id, at) == micro(500)
    assert [moved for moved, _ in rolled(ledger, wallet)] == [micro(250), micro(125), 0]
    assert grants.expire_due(ledger, wallet.account_id, at) == 0
    assert balances.violations(ledger) == []


def test_nothing_moves_on_after_the_end(ledger, wallet):
    assert grants.expire_due(ledger, wallet.account_id, MONTH_END) == 0
    accounts.end(ledger, wallet.account_id, MONTH_END)
    assert grants.expire_due(ledger, wallet.account_id, MONTH_END) == 0  # it ran out with the end

    assert left(ledger, wallet, MONTH_END) == 0
    assert rolled(ledger, wallet) == [(0, 0)]
    assert balances.books(ledger, wallet.account_id)["breakage"] == -2_900
    assert balances.violations(ledger) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quantity=st.integers(1, 60),
    cost=st.integers(50, 10_000),
    share=st.tuples(st.integers(1, 10), st.integers(1, 10)).map(lambda s: Ratio(min(s), max(s))),
    cap=st.none() | st.integers(1, 40),
    times=st.integers(1, 3),
    uses=st.lists(st.integers(0, 40), min_size=3, max_size=3),
)
def test_credits_and_money_are_conserved_whatever_moves(
    ledger, quantity, cost, share, cap, times, uses
):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    rolls = RollTerms(times, share, None if cap is None else micro(cap), 15)
    an_allowance(ledger, wallet, quantity=quantity, cost=cost, rolls=rolls)
    unused = micro(quantity)
    for k, amount in enumerate(uses):
        at = max(window(k)[0], NOON)
        if use(ledger, wallet, amount or "0.1", at=at).status == "debited":
            unused -= micro(amount or "0.1")
        expected = min(unused * share.num // share.den, micro(cap) if cap is not None else unused)
        opened(ledger, wallet, k + 1)
        unused = left(ledger, wallet, window(k + 1)[0])
        assert unused == (expected if k < times else 0)
    opened(ledger, wallet, 4)
    accounts.end(ledger, wallet.account_id, window(5)[1])
    grants.expire_due(ledger, wallet.account_id, window(5)[1])

    books = balances.books(ledger, wallet.account_id)
    assert books["deferred_revenue"] == 0
    assert balances.violations(ledger) == []
