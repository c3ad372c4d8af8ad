"""Coupons in the ledger: redeemed with the charge, within their limits, and worth what is paid."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from domain.errors import InvalidInput
from ledger import balances
from ledger.payments import charges
from ledger.payments.booked import charges_by_id
from models.base import connect
from models.tables import Posting
from tests.builders import NOON, a_subscribed_wallet, left, micro, use
from tests.ledger.coupon_laws import COUPON_LAWS
from tests.ledger.couponed import LIST, a_coupon, opened, paid, redeem, with_coupon
from tests.ledger.returns import books, refund, sound
from tests.ledger.test_concurrency import at_once


def test_what_a_coupon_takes_off_is_no_money_anywhere(ledger):
    wallet, charge = with_coupon(ledger, a_coupon(), minor=500)
    paid(ledger, wallet, charge)
    record = charges.charge(ledger, wallet.account_id, charge)
    assert (record.amount_minor, record.discount.code, record.discount.minor) == (
        2_000,
        "SOME",
        500,
    )
    assert books(ledger, wallet) == {"cash": 2_000, "deferred_revenue": -2_000}
    use(ledger, wallet, 1_000)
    assert books(ledger, wallet) == {"cash": 2_000, "revenue": -2_000}
    assert sound(ledger)


def test_a_charge_of_zero_grants_and_books_nothing(ledger):
    wallet, charge = with_coupon(ledger, a_coupon(), minor=2_500)
    paid(ledger, wallet, charge)
    assert left(ledger, wallet) == micro(1_000)
    use(ledger, wallet, 400)
    assert books(ledger, wallet) == {}
    posted = select(Posting.book).where(Posting.account_id == wallet.account_id)
    assert ledger.scalars(posted).all() == []
    assert refund(ledger, wallet, charge).status == "nothing_paid"
    assert left(ledger, wallet) == micro(600)
    assert sound(ledger)


def test_two_charges_of_zero_have_no_invoice_to_share(ledger):
    wallet, first = with_coupon(ledger, a_coupon(), minor=2_500)
    paid(ledger, wallet, first)
    _, second = with_coupon(ledger, a_coupon(), minor=2_500, charge="more", wallet=wallet)
    paid(ledger, wallet, second)
    assert left(ledger, wallet) == micro(2_000)
    assert sound(ledger)


def test_the_processor_is_asked_about_nothing_that_it_never_saw(ledger):
    wallet, free = with_coupon(ledger, a_coupon(), minor=2_500)
    paid(ledger, wallet, free)
    _, dear = with_coupon(ledger, a_coupon(), charge="dear", wallet=wallet)
    paid(ledger, wallet, dear)
    known = [one for one in charges_by_id(ledger) if one.startswith(wallet.subscription_id)]
    assert known == [dear]


def test_2_000_of_a_part_used_pack_with_a_coupon_go_back_by_what_was_paid(ledger):
    """M13 with 20 % off: 1,000 for $36.00, 400 used: up to $21.60."""
    wallet, charge = with_coupon(ledger, a_coupon(), price=4_500, minor=900)
    paid(ledger, wallet, charge)
    use(ledger, wallet, 400)
    assert refund(ledger, wallet, charge, 2_161).most_minor == 2_160
    assert refund(ledger, wallet, charge, 2_160).status == "refunded"
    assert books(ledger, wallet) == {"cash": 3_600, "refunds": -2_160, "revenue": -1_440}
    assert sound(ledger)


@pytest.mark.parametrize("minor", [0, 2_501, 10**12])
def test_more_than_the_price_or_nothing_is_no_discount(ledger, minor):
    wallet, charge = opened(ledger)
    with pytest.raises(InvalidInput, match="wrong_amount"):
        redeem(ledger, wallet, charge, a_coupon(), minor)


def test_one_charge_takes_one_coupon_and_none_once_it_is_paid(ledger):
    wallet, charge = with_coupon(ledger, a_coupon())
    with pytest.raises(InvalidInput, match="wrong_amount"):
        redeem(ledger, wallet, charge, a_coupon("OTHER"))
    paid(ledger, wallet, charge)
    assert redeem(ledger, wallet, charge, a_coupon("OTHER")) == "paid"
    assert redeem(ledger, wallet, charge, a_coupon()) == "repeated"


def test_a_coupon_of_another_list_is_another_coupon(ledger):
    once = a_coupon(redemptions=1)
    with_coupon(ledger, once)
    assert ledger.scalar(text("SELECT coupon_is_left(:name, 1)"), {"name": f"{LIST}:SOME"}) is False
    assert ledger.scalar(text("SELECT coupon_is_left('make:SOME', 1)")) is True


def test_of_many_customers_at_once_as_many_redeem_as_there_are_coupons(engine):
    raced = a_coupon("RACED", redemptions=3)
    with engine.begin() as connection:
        made = [opened(connection) for _ in range(9)]

    def take(wallet, charge):
        with engine.begin() as connection:
            return redeem(connection, wallet, charge, raced)

    answers = at_once([lambda one=one: take(*one) for one in made])
    assert Counter(answers) == {"redeemed": 3, "coupon_used_up": 6}


def test_the_same_redemption_at_once_is_one(engine):
    once = a_coupon("TWICE", redemptions=1, per_customer=1)
    with engine.begin() as connection:
        wallet, charge = opened(connection)

    def take():
        with engine.begin() as connection:
            return redeem(connection, wallet, charge, once)

    assert Counter(at_once([take] * 6))["redeemed"] == 1
    with engine.begin() as connection:
        record = charges.charge(connection, wallet.account_id, charge)
    assert (record.amount_minor, record.discount.minor) == (2_000, 500)


class Shelf:
    """What three customers redeemed of one coupon, as the limits have it."""

    def __init__(self, ledger, coupon):
        self.ledger, self.coupon = ledger, coupon
        self.wallets = [a_subscribed_wallet(ledger, allowance=0) for _ in range(3)]
        self.held = {number: [] for number in range(3)}  # charges with it that came to something
        self.plain = dict.fromkeys(range(3), 0)  # purchases without it

    def fits(self, number):
        coupon, mine = self.coupon, len(self.held[number])
        in_all = sum(map(len, self.held.values()))
        return (
            (coupon.redemptions is None or in_all < coupon.redemptions)
            and (coupon.per_customer is None or mine < coupon.per_customer)
            and not (coupon.first_purchase and mine + self.plain[number])
        )

    def redeem(self, number, name):
        inner = self.ledger.begin_nested()
        _, charge = opened(self.ledger, self.wallets[number], name)
        status = redeem(self.ledger, self.wallets[number], charge, self.coupon)
        assert (status == "redeemed") == self.fits(number), (status, self.held, self.plain)
        if status == "redeemed":
            self.held[number].append(charge)
            inner.commit()
        else:
            inner.rollback()

    def buy(self, number, name):
        opened(self.ledger, self.wallets[number], name)
        self.plain[number] += 1

    def give_up(self, number, _name):
        account = self.wallets[number].account_id
        for charge in self.held[number][:1]:
            if charges.mark_void(self.ledger, account, charge, NOON) == "void":
                self.held[number].remove(charge)

    def pay(self, number, _name):
        wallet = self.wallets[number]
        for charge in self.held[number][:1]:
            if charges.charge(self.ledger, wallet.account_id, charge).state == "open":
                paid(self.ledger, wallet, charge)


limits = st.builds(
    a_coupon,
    redemptions=st.none() | st.integers(1, 4),
    per_customer=st.none() | st.integers(1, 3),
    first_purchase=st.booleans(),
)
doings = st.sampled_from([Shelf.redeem, Shelf.redeem, Shelf.buy, Shelf.give_up, Shelf.pay])


@settings(max_examples=40, deadline=None)
@given(coupon=limits, steps=st.lists(st.tuples(st.integers(0, 2), doings), max_size=14))
def test_whatever_is_bought_and_given_up_the_limits_hold(ledger, coupon, steps):
    savepoint = ledger.begin_nested()
    shelf = Shelf(ledger, coupon)
    for place, (number, doing) in enumerate(steps):
        doing(shelf, number, f"c{place}")
    assert balances.violations(ledger) == []
    savepoint.rollback()


@pytest.mark.parametrize("law", COUPON_LAWS)
def test_the_laws_of_coupons_hold(database, law):
    engine = connect(database.url)
    law(engine, database)
    engine.dispose()
