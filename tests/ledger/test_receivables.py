"""Credits granted before their money: taken back if it fails, put back if it comes after all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.credits import MICRO
from ledger import accounts, balances, grants
from ledger.payments import receivables, taxes
from ledger.reports.liability import liability
from ledger.reports.movement import deferred_movement
from ledger.reports.scope import Scope
from tests.builders import NOON, START, a_subscribed_wallet, left, micro, use
from tests.ledger.holding import capture, hold, release
from tests.ledger.owing import (
    PRICE,
    a_debited_pack,
    fail,
    goes_on,
    grant_early,
    on_its_way,
    pay,
    void,
)
from tests.ledger.returns import books, debt, dispute, pack_grant, refund, seen, sound
from tests.ledger.taxed import ADDED

HOUR = timedelta(hours=1)
YEAR = (START, START + timedelta(days=365))
MONTH = Scope(datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))


def test_what_is_granted_before_its_money_is_usable_and_owed(ledger):
    wallet, charge = a_debited_pack(ledger, used=400)
    assert left(ledger, wallet) == micro(600)
    assert books(ledger, wallet) == {
        "receivable": PRICE,
        "deferred_revenue": -2_700,
        "revenue": -1_800,
    }
    assert receivables.receivable_minor(ledger, wallet.account_id) == PRICE
    assert receivables.is_granted(ledger, wallet.account_id, charge)
    assert sound(ledger)


def test_the_money_only_moves_when_it_comes_and_once(ledger):
    wallet, charge = a_debited_pack(ledger, used=400)
    assert pay(ledger, wallet, charge)
    assert not pay(ledger, wallet, charge)
    assert left(ledger, wallet) == micro(600)
    assert books(ledger, wallet) == {
        "cash": PRICE,
        "deferred_revenue": -2_700,
        "revenue": -1_800,
    }
    assert receivables.receivable_minor(ledger, wallet.account_id) == 0
    assert sound(ledger)


def test_what_fails_is_taken_back_and_what_was_used_is_owed(ledger):
    wallet, charge = a_debited_pack(ledger, used=400)
    assert fail(ledger, wallet, charge) == "declined"
    assert fail(ledger, wallet, charge) == "repeated"
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(400))
    assert books(ledger, wallet) == {}
    assert void(ledger, wallet, charge) == "void"
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(400))
    assert sound(ledger)


def test_what_comes_after_all_is_put_back_once(ledger):
    wallet, charge = a_debited_pack(ledger, used=400)
    fail(ledger, wallet, charge)
    void(ledger, wallet, charge)
    assert pay(ledger, wallet, charge)
    assert not pay(ledger, wallet, charge)
    assert fail(ledger, wallet, charge, attempt=2) == "paid"
    assert (left(ledger, wallet), debt(ledger, wallet)) == (micro(600), 0)
    assert books(ledger, wallet)["cash"] == PRICE
    assert sound(ledger)


def test_what_the_processor_gave_up_is_taken_back(ledger):
    wallet, charge = a_debited_pack(ledger, used=1)
    assert void(ledger, wallet, charge) == "processing"
    assert left(ledger, wallet) == micro(999)
    assert void(ledger, wallet, charge, gone=True) == "void"
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(1))
    assert books(ledger, wallet) == {}
    assert sound(ledger)


@pytest.mark.parametrize("used", [0, 1, 2, 50, 51, 99, 100])
def test_what_is_worth_less_than_a_cent_goes_too_when_all_of_the_money_failed(ledger, used):
    wallet, charge = a_debited_pack(ledger, 100, 33, used=used)
    fail(ledger, wallet, charge)
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(used))
    assert (books(ledger, wallet), sound(ledger)) == ({}, True)

    seen(ledger, wallet, charge, 10)
    pay(ledger, wallet, charge, 33)
    unused = micro(100 - used) - (0 if used > 68 else -(-micro(100) * 10 // 33))
    assert debt(ledger, wallet) == 0
    assert (left(ledger, wallet), sound(ledger)) == (max(unused, 0), True)


def test_two_grants_of_what_failed_leave_nothing(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    on_its_way(ledger, wallet, "c", price=34, quantity=200)
    receivables.grant_before_money(ledger, wallet.account_id, "c", START)
    for part, (quantity, price) in enumerate([(200, 16), (100, 18)]):
        order = pack_grant("c", quantity, price, key=f"c:{part}", part=part)
        grants.give(ledger, wallet.account_id, order, START)
    use(ledger, wallet, 103)
    fail(ledger, wallet, "c")
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(103))
    assert (books(ledger, wallet), sound(ledger)) == ({}, True)
    pay(ledger, wallet, "c", 34)
    assert (left(ledger, wallet), debt(ledger, wallet), sound(ledger)) == (micro(197), 0, True)


def test_it_is_granted_before_its_money_once(ledger):
    wallet, charge = a_debited_pack(ledger)
    assert grant_early(ledger, wallet, charge) == "repeated"
    fail(ledger, wallet, charge)
    goes_on(ledger, wallet, charge)
    assert grant_early(ledger, wallet, charge) == "repeated"
    assert left(ledger, wallet) == 0
    assert sound(ledger)


def test_a_charge_that_was_declined_waits_for_its_money(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    on_its_way(ledger, wallet, "c")
    fail(ledger, wallet, "c")
    goes_on(ledger, wallet, "c")
    assert grant_early(ledger, wallet, "c") == "declined"
    assert grant_early(ledger, wallet, "another") == "unknown_charge"
    assert (left(ledger, wallet), sound(ledger)) == (0, True)


def test_who_owes_credits_of_a_failed_charge_waits_for_the_money_of_the_next(ledger):
    wallet, charge = a_debited_pack(ledger, used=400)
    fail(ledger, wallet, charge)
    on_its_way(ledger, wallet, "next")
    assert grant_early(ledger, wallet, "next") == "credits_owed"
    pay(ledger, wallet, charge)
    assert grant_early(ledger, wallet, "next") == "granted"
    assert sound(ledger)


def test_an_ended_subscription_is_granted_nothing_before_its_money(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    on_its_way(ledger, wallet, "c")
    accounts.end(ledger, wallet.account_id, NOON)
    assert grant_early(ledger, wallet, "c", at=NOON) == "subscription_ended"


def test_held_credits_of_what_failed_are_taken_when_they_are_free(ledger):
    wallet, charge = a_debited_pack(ledger, used=400)
    hold(ledger, wallet, 100, key="a")
    hold(ledger, wallet, 100, key="b")
    fail(ledger, wallet, charge)
    release(ledger, wallet, key="a")
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(400))
    capture(ledger, wallet, 70, key="b")
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(470))
    assert sound(ledger)


def test_the_tax_is_booked_when_it_is_paid(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    on_its_way(ledger, wallet, "c", price=1_170)
    taxes.tax_charge(ledger, wallet.account_id, "c", taxed=ADDED, at=START)
    assert grant_early(ledger, wallet, "c", price=1_170) == "granted"
    assert books(ledger, wallet) == {"receivable": 1_170, "deferred_revenue": -1_170}
    fail(ledger, wallet, "c")
    assert books(ledger, wallet) == {}
    pay(ledger, wallet, "c", 1_404)
    assert books(ledger, wallet) == {"cash": 1_404, "deferred_revenue": -1_170, "tax": -234}
    assert sound(ledger)


def test_a_refund_told_before_the_payment_counts_from_the_payment_on(ledger):
    wallet, charge = a_debited_pack(ledger)
    seen(ledger, wallet, charge, 450)
    assert (left(ledger, wallet), sound(ledger)) == (micro(1_000), True)
    pay(ledger, wallet, charge)
    assert (left(ledger, wallet), sound(ledger)) == (micro(900), True)
    assert refund(ledger, wallet, charge, 4_051).status == "above_refundable"


def test_the_months_report_says_what_is_expected(ledger):
    wallet, charge = a_debited_pack(ledger, used=400)
    on_its_way(ledger, wallet, "next")
    grant_early(ledger, wallet, "next")
    pay(ledger, wallet, charge)
    grants.expire_due(ledger, wallet.account_id, NOON)
    [month] = deferred_movement(ledger, replace(MONTH, account_id=wallet.account_id))
    assert (month.cash_minor, month.receivable_minor, month.revenue_minor) == (PRICE, PRICE, 1_800)
    assert month.closing_minor == 2 * PRICE - 1_800
    liable = liability(ledger, NOON, wallet.account_id)
    assert sum(one.deferred_minor for one in liable) == month.closing_minor
    fail(ledger, wallet, "next")
    liable = liability(ledger, NOON, wallet.account_id)
    assert sum(one.deferred_minor for one in liable) == PRICE - 1_800


STEP = st.one_of(
    st.tuples(st.just("use"), st.integers(1, 700)),
    st.tuples(st.just("wait"), st.integers(1, 15)),
    st.tuples(st.sampled_from(["grant", "pay", "again", "void", "gone"]), st.just(0)),
    st.tuples(st.just("fail"), st.integers(1, 3)),
    st.tuples(st.just("refund"), st.sampled_from([100, 1_700, PRICE])),
    st.tuples(st.just("refund failed"), st.sampled_from([100, 1_700, PRICE])),
    st.tuples(st.sampled_from(["open", "lost", "won"]), st.sampled_from([333, PRICE])),
    st.tuples(st.just("buy"), st.integers(1, 500)),
)


def take(ledger, wallet, charge, step, number, at):
    """Do one step; a debit's facts come from the processor in any order and more than once."""
    what, amount = step
    mine = {"ledger": ledger, "wallet": wallet, "charge": charge, "at": at}
    own = {
        "grant": lambda: grant_early(**mine, expires_at=START + timedelta(days=30)),
        "pay": lambda: paid_late(**mine),
        "again": lambda: goes_on(**mine),
        "void": lambda: void(**mine),
        "gone": lambda: void(**mine, gone=True),
        "fail": lambda: fail(**mine, attempt=amount),
        "use": lambda: use(ledger, wallet, amount, at=at),
        "refund": lambda: seen(ledger, wallet, charge, amount, name=f"re{amount}", at=at),
        "buy": lambda: buy(ledger, wallet, number, amount=amount, at=at),
    }
    if what in own:
        own[what]()
    elif what == "refund failed":
        seen(ledger, wallet, charge, amount, "failed", name=f"re{amount}", at=at)
    elif what != "wait":
        dispute(ledger, wallet, charge, what, amount, name=f"dp{amount}", at=at)


def buy(ledger, wallet, number, *, amount, at):
    other = f"other:{number}"
    on_its_way(ledger, wallet, other, price=amount, quantity=amount, at=at)
    paid_late(ledger, wallet, other, at=at, price=amount, quantity=amount)


def paid_late(ledger, wallet, charge, *, at, price=PRICE, quantity=1_000):
    """Money comes: what was not granted before is granted now."""
    expires = at + timedelta(days=30)
    if pay(ledger, wallet, charge, price, at=at) and not receivables.is_granted(
        ledger, wallet.account_id, charge
    ):
        order = pack_grant(charge, quantity, price, expires_at=expires)
        grants.give(ledger, wallet.account_id, order, at)


@pytest.mark.long
@settings(max_examples=150)
@given(steps=st.lists(STEP, max_size=14), early=st.booleans())
def test_the_books_tie_after_every_step_in_any_order(session_engine, steps, early):
    with session_engine.connect() as ledger:
        wallet = a_subscribed_wallet(ledger, allowance=0, windows=(YEAR,))
        on_its_way(ledger, wallet, "c")
        if early:
            grant_early(ledger, wallet, "c", expires_at=START + timedelta(days=30))
        at = NOON
        for number, step in enumerate(steps):
            at += timedelta(days=step[1]) if step[0] == "wait" else HOUR
            take(ledger, wallet=wallet, charge="c", step=step, number=number, at=at)
            assert sound(ledger), balances.violations(ledger)
        ledger.rollback()


@st.composite
def ends(draw):
    """What is told of a charge that ends paid or failed, twice, in orders that end alike."""
    paid = draw(st.booleans())
    told = ["fail", "void", "again", *(["pay"] if paid else [])]
    again = draw(st.lists(st.sampled_from(told), max_size=3))
    return paid, [draw(st.permutations(told + again)) for _ in range(2)]


def told_in_order(ledger, order, used):
    wallet, charge = a_debited_pack(ledger, used=used)
    for number, what in enumerate(order):
        take(
            ledger,
            wallet=wallet,
            charge=charge,
            step=(what, 1),
            number=number,
            at=NOON + number * HOUR,
        )
        assert sound(ledger)
    return left(ledger, wallet, NOON + 99 * HOUR), debt(ledger, wallet), books(ledger, wallet)


@pytest.mark.long
@settings(max_examples=60)
@given(told=ends(), used=st.sampled_from([0, 1, 400, 1_000]))
def test_any_order_and_repetition_ends_the_same(session_engine, told, used):
    paid, orders = told
    with session_engine.connect() as ledger:
        one, other = (told_in_order(ledger, order, used) for order in orders)
        assert one == other
        unused, owed = (1_000 - used) * MICRO, 0 if paid else used * MICRO
        assert one[1] == owed
        assert one[0] == (unused if paid else 0)
        assert paid or one[2] == {}
        ledger.rollback()
