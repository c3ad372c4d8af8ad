"""Laws of coupons, for the battery of laws.py: each notices a seeded fault."""

# ruff: noqa: E501 - one mutant a line

from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from domain.errors import InvalidInput
from domain.subscription import Status
from ledger import balances, subscriptions
from ledger.payments import charges
from tests.builders import START, a_subscribed_wallet
from tests.ledger.couponed import (
    a_coupon,
    a_period,
    a_promotion,
    for_plan,
    opened,
    paid,
    redeem,
    with_coupon,
    with_plan,
)
from tests.ledger.returns import refund
from tests.ledger.undone import undone


def is_refused(error, call, *arguments):
    """A broken law is an assertion: pytest's own failure would end the battery."""
    try:
        call(*arguments)
    except error:
        return True
    return False


def all_off_is_booked_as_nothing_and_gives_nothing_back(engine, _):
    with undone(engine) as connection:
        wallet, charge = with_coupon(connection, a_coupon(), minor=2_500)
        paid(connection, wallet, charge)
        assert balances.books(connection, wallet.account_id) == {}
        assert balances.violations(connection) == []
        assert refund(connection, wallet, charge).status == "nothing_paid"


def what_is_left_is_what_is_charged_and_given_back(engine, _):
    with undone(engine) as connection:
        wallet, charge = with_coupon(connection, a_coupon(), minor=500)
        paid(connection, wallet, charge)
        assert balances.books(connection, wallet.account_id)["cash"] == 2_000
        assert refund(connection, wallet, charge, 2_001).status == "above_refundable"
        assert refund(connection, wallet, charge).amount_minor == 2_000
        assert balances.violations(connection) == []


def whoever_takes_the_last_makes_the_others_wait(engine, _):
    last = a_coupon("LAST", redemptions=1)
    with undone(engine) as one, undone(engine) as other:
        with_coupon(one, last)
        wallet, charge = opened(other)
        other.execute(text("SET LOCAL lock_timeout = 1"))
        assert is_refused(OperationalError, redeem, other, wallet, charge, last)


def a_limit_in_all_is_of_what_came_to_something(engine, _):
    with undone(engine) as connection:
        two = a_coupon(redemptions=2)
        wallet, charge = with_coupon(connection, two)
        with_coupon(connection, two)
        other, third = opened(connection)
        assert redeem(connection, other, third, two) == "coupon_used_up"
        charges.mark_void(connection, wallet.account_id, charge, START)
        assert redeem(connection, other, third, two) == "redeemed"


def one_customer_has_no_more_than_its_own(engine, _):
    with undone(engine) as connection:
        each = a_coupon(per_customer=1)
        wallet, charge = with_coupon(connection, each)
        assert redeem(connection, wallet, charge, each) == "repeated"
        _, second = opened(connection, wallet, "second")
        assert redeem(connection, wallet, second, each) == "coupon_already_used"
        charges.mark_void(connection, wallet.account_id, charge, START)
        assert redeem(connection, wallet, second, each) == "redeemed"
        other, theirs = opened(connection)
        assert redeem(connection, other, theirs, each) == "redeemed"


def the_first_purchase_is_the_first(engine, _):
    with undone(engine) as connection:
        first = a_coupon(first_purchase=True)
        wallet, charge = opened(connection)
        _, second = opened(connection, wallet, "second")
        assert redeem(connection, wallet, second, first) == "coupon_for_first_purchase"
        charges.mark_void(connection, wallet.account_id, charge, START)
        assert redeem(connection, wallet, second, first) == "redeemed"


def a_plan_keeps_its_coupon_for_its_periods_and_redeems_it_once(engine, _):
    twice = a_coupon(per_customer=1, periods=2, first_purchase=True)
    with undone(engine) as connection:
        wallet = with_plan(connection, twice)
        first = a_period(connection, wallet, twice, "1")
        a_period(connection, wallet, twice, "2")
        savepoint = connection.begin_nested()
        assert is_refused(InvalidInput, a_period, connection, wallet, twice, "3")
        savepoint.rollback()
        charges.mark_void(connection, wallet.account_id, first, START)
        a_period(connection, wallet, twice, "4")
        assert for_plan(connection, wallet, twice) == "repeated"
        _, pack = opened(connection, wallet)
        assert redeem(connection, wallet, pack, twice) == "coupon_already_used"
        assert balances.violations(connection) == []


def a_plan_that_never_came_to_a_period_leaves_its_coupon(engine, _):
    last = a_coupon(redemptions=1)
    with undone(engine) as connection:
        wallet = with_plan(connection, last)
        other = a_subscribed_wallet(connection, allowance=0)
        assert for_plan(connection, other, last) == "coupon_used_up"
        subscriptions.write(connection, wallet.subscription_id, START, status=Status.ENDED)
        assert for_plan(connection, other, last) == "redeemed"


def who_has_paid_for_a_plan_starts_no_first_one(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection)
        first = a_coupon(first_purchase=True)
        assert for_plan(connection, wallet, first) == "coupon_for_first_purchase"


def whoever_takes_the_processors_last_makes_the_others_wait(engine, _):
    with undone(engine) as one, undone(engine) as other:
        with_coupon(one, a_promotion("ONE", "promo_1", coupon_left=1))
        wallet, charge = opened(other)
        other.execute(text("SET LOCAL lock_timeout = 1"))
        two = a_promotion("TWO", "promo_2", coupon_left=1)  # another code of the same coupon
        assert is_refused(OperationalError, redeem, other, wallet, charge, two)


def a_code_of_the_processor_is_counted_by_itself_and_with_its_coupon(engine, _):
    with undone(engine) as connection:
        one = a_promotion("ONE", "promo_1", promotion_left=2, coupon_left=3)
        two = a_promotion("TWO", "promo_2", promotion_left=2, coupon_left=3)
        wallet, charge = with_coupon(connection, one)
        with_coupon(connection, one)
        other, third = opened(connection)
        assert redeem(connection, other, third, one) == "coupon_used_up"
        two = replace(two, periods=2)
        plan = with_plan(connection, two)  # its periods are no redemptions of their own
        a_period(connection, plan, two, "1")
        a_period(connection, plan, two, "2")
        assert redeem(connection, other, third, two) == "coupon_used_up"
        charges.mark_void(connection, wallet.account_id, charge, START)
        assert redeem(connection, other, third, two) == "redeemed"
        again = a_promotion("ONE", "promo_3", coupon="another", promotion_left=1, coupon_left=1)
        with_coupon(connection, again)  # the same spelling, made anew


def a_plan_gives_the_processors_code_back_that_it_never_used(engine, _):
    last = a_promotion("ONE", "promo_1", promotion_left=1)
    with undone(engine) as connection:
        wallet = with_plan(connection, last)
        other = a_subscribed_wallet(connection, allowance=0)
        assert for_plan(connection, other, last) == "coupon_used_up"
        subscriptions.write(connection, wallet.subscription_id, START, status=Status.ENDED)
        assert for_plan(connection, other, last) == "redeemed"


COUPON_LAWS = (
    whoever_takes_the_processors_last_makes_the_others_wait,
    a_code_of_the_processor_is_counted_by_itself_and_with_its_coupon,
    a_plan_gives_the_processors_code_back_that_it_never_used,
    a_plan_keeps_its_coupon_for_its_periods_and_redeems_it_once,
    a_plan_that_never_came_to_a_period_leaves_its_coupon,
    who_has_paid_for_a_plan_starts_no_first_one,
    all_off_is_booked_as_nothing_and_gives_nothing_back,
    what_is_left_is_what_is_charged_and_given_back,
    whoever_takes_the_last_makes_the_others_wait,
    a_limit_in_all_is_of_what_came_to_something,
    one_customer_has_no_more_than_its_own,
    the_first_purchase_is_the_first,
)
COUPON_FAULTS = (
    ("who redeems the processor's does not wait", "promotion_is_left", r"PERFORM pg_advisory_xact_lock\([^;]*;", ""),
    ("the processor's is never used up", "promotion_is_left", r"< p_most", "< p_most + 9"),
    ("the processor's is redeemed for ever", "promotion_is_left", r"AND state <> 'void'", ""),
    ("each period redeems the processor's", "promotion_is_left", r"AND kind <> 'period'", ""),
    ("any code is counted as each", "promotion_is_left", r"AND p_promotion IN \('', split_part\(coupon, ':', 4\)\)", ""),
    ("any coupon is counted as each", "promotion_is_left", r"AND split_part\(coupon, ':', 3\) = p_coupon", ""),
    ("a plan redeems nothing of the processor's", "promotion_is_left", r"AND keeps_coupon\(s\)", "AND false"),
    ("a plan that never began keeps the processor's", "promotion_is_left", r"AND keeps_coupon\(s\)", ""),
    ("who redeems does not wait", "coupon_is_left", r"PERFORM pg_advisory_xact_lock\([^;]*;", ""),
    ("a coupon is never used up", "coupon_is_left", r"< p_most", "< p_most + 9"),
    ("what came to nothing is redeemed for ever", "coupon_is_left", r"AND state <> 'void'", ""),
    ("one customer redeems as often as all", "redeem_coupon", r">= p_each", ">= p_each + 9"),
    ("a void charge keeps its redemption", "redemptions_of", r"AND state <> 'void'", ""),
    ("any purchase is the first", "redeem_coupon", r"IF p_first", "IF false"),
    ("a coupon is redeemed twice for one charge", "redeem_coupon", r"IF c\.coupon = p_coupon THEN RETURN 'repeated'; END IF;", ""),
    ("the price stays", "redeem_coupon", r"amount_minor = amount_minor - p_discount_minor", "amount_minor = amount_minor"),
    ("a coupon of a plan lasts for ever", "discount_period", r">= p_periods", ">= p_periods + 9"),
    ("a period that came to nothing is counted", "periods_with_coupon", r"AND c\.state <> 'void'", ""),
    ("a plan redeems nothing", "redemptions_of", r"AND keeps_coupon\(s\)", "AND false"),
    ("a plan redeems nothing of all", "coupon_is_left", r"AND keeps_coupon\(s\)", "AND false"),
    ("a plan that never began keeps its coupon", "keeps_coupon", r"s\.status <> 'ended'", "true"),
    ("any plan is the first", "redeem_for_plan", r"IF p_first", "IF false"),
    ("nothing paid goes back", "refund_charge", r"WHEN c\.amount_minor \+ c\.tax_minor = 0", "WHEN false"),
)  # fmt: skip
