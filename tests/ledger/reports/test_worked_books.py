"""What is owed and earned, in examples computed by hand."""

from datetime import date, datetime, timedelta
from fractions import Fraction

from domain.credits import MICRO
from ledger import grants
from ledger.reports.liability import liability
from ledger.reports.movement import deferred_movement
from ledger.reports.prices import effective_prices
from ledger.reports.scope import Scope
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    auto_purchase_on,
    bought,
    micro,
    use,
)


def test_m16_the_month_of_an_auto_purchase_and_the_price_of_what_it_paid(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0, **auto_purchase_on())
    account = wallet.account_id
    bought(ledger, wallet)
    use(ledger, wallet, 4_000)

    (owed,) = liability(ledger, NOON, account)
    assert (owed.month, owed.credits_micro) == (date(2027, 2, 1), micro(6_000))
    assert (owed.deferred_minor, owed.earned_not_posted_minor, owed.owed_minor) == (1170, 468, 702)

    (price,) = effective_prices(ledger, Scope(START, MONTH_END, account)).actions
    assert (price.action, price.currency, price.price_minor) == (
        "operation",
        "USD",
        Fraction(468, 4_000),
    )

    grants.expire_due(ledger, account, MONTH_END)
    months = deferred_movement(ledger, Scope(START, MONTH_END + timedelta(days=2), account))
    assert [(one.month, one.closing_minor, one.owed_minor) for one in months] == [
        (date(2027, 1, 1), 1170, 702),
        (date(2027, 2, 1), 0, 0),
    ]
    assert (months[1].revenue_minor, months[1].breakage_minor) == (468, 702)
    assert liability(ledger, MONTH_END, account) == ()


def test_what_expires_is_due_as_breakage_from_its_instant_on(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10, amount_minor=100)
    use(ledger, wallet, 4)
    moment = timedelta(microseconds=1)

    (before,) = liability(ledger, MONTH_END - moment, wallet.account_id)
    (after,) = liability(ledger, MONTH_END, wallet.account_id)

    assert (before.credits_micro, before.broken_not_posted_minor, before.owed_minor) == (
        micro(6),
        0,
        60,
    )
    assert (after.credits_micro, after.expired_micro) == (0, micro(6))
    assert (after.deferred_minor, after.broken_not_posted_minor, after.owed_minor) == (100, 60, 0)


def test_credits_that_never_expire_are_owed_last_and_free_ones_owe_no_money(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10)
    for number, end in enumerate((None, datetime.max.replace(tzinfo=START.tzinfo, month=3))):
        order = a_grant(key=f"gift-{number}", quantity_micro=micro(2), expires_at=end)
        grants.give(ledger, wallet.account_id, order, START)

    owed = liability(ledger, NOON, wallet.account_id)

    assert [(one.month, one.credits_micro, one.deferred_minor) for one in owed] == [
        (date(2027, 2, 1), micro(10), 900),
        (date(9999, 3, 1), micro(2), 0),
        (None, micro(2), 0),
    ]


def test_credits_given_free_make_an_action_cheaper(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10, amount_minor=100)
    grants.give(ledger, wallet.account_id, a_grant(priority=10, quantity_micro=micro(10)), START)
    use(ledger, wallet, 15)

    (price,) = effective_prices(ledger, Scope(START, MONTH_END, wallet.account_id)).actions

    assert price.price_minor == Fraction(50 * MICRO, 15 * MICRO)
