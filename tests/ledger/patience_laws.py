"""Laws of an unpaid renewal under a patient plan, and of credits that a free plan freezes."""

from datetime import timedelta

from ledger import accounts, grants
from tests.builders import (
    MONTH_END,
    START,
    a_grant,
    a_subscribed_wallet,
    auto_purchase_on,
    left,
    micro,
    reserve_auto,
    use,
)
from tests.ledger.purchase_laws import PACK, wanted
from tests.ledger.undone import undone

DAY = timedelta(days=1)


def _pause(connection, wallet, cause, at, *, paused):
    accounts.set_paused(connection, wallet.account_id, cause, at, paused=paused)


def what_was_bought_serves_an_unpaid_customer_until_patience_ends(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=5, **auto_purchase_on())
        own = a_grant(expires_at=None, quantity_micro=micro(3))
        grants.give(connection, wallet.account_id, own, START)
        until, at = MONTH_END + 2 * DAY, MONTH_END + DAY
        _pause(connection, wallet, "payment_failed", MONTH_END, paused=True)
        assert use(connection, wallet, at=MONTH_END).status == "paused:payment_failed"
        accounts.keep_serving(connection, wallet.account_id, until, MONTH_END)

        assert use(connection, wallet, 2, at=at).status == "debited"  # out of what never expires
        assert use(connection, wallet, 2, at=at).status == "paused:payment_failed"
        assert (
            reserve_auto(connection, wallet=wallet, charge_id="auto", needed=1, at=at).status
            == "paused:payment_failed"
        )
        _pause(connection, wallet, "by_operator", at, paused=True)
        assert use(connection, wallet, at=at).status.startswith("paused")
        _pause(connection, wallet, "by_operator", at, paused=False)
        assert use(connection, wallet, at=until).status == "paused:payment_failed"


def what_was_bought_serves_while_the_money_of_a_renewal_is_on_its_way(engine, _):
    with undone(engine) as connection:
        policy = auto_purchase_on(buys_while_paused=True)
        wallet = a_subscribed_wallet(connection, allowance=5, **policy)
        own = a_grant(expires_at=None, quantity_micro=micro(3))
        grants.give(connection, wallet.account_id, own, START)
        until, at = MONTH_END + 9 * DAY, MONTH_END + DAY
        assert use(connection, wallet, at=MONTH_END).status == "renewal_pending"
        assert wanted(connection, wallet, PACK, at=MONTH_END) == "renewal_pending"
        accounts.keep_serving(connection, wallet.account_id, until, MONTH_END)

        assert use(connection, wallet, 2, at=at).status == "debited"  # out of what never expires
        assert use(connection, wallet, 2, at=at).status == "payment_processing"
        reserved = reserve_auto(connection, wallet=wallet, charge_id="auto", needed=2, at=at)
        assert reserved.status == "renewal_pending"
        assert wanted(connection, wallet, PACK, at=at) == "opened"  # by hand, at any time
        assert use(connection, wallet, at=until).status == "renewal_pending"


def patience_ends_with_the_pause_that_it_was_for(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=5)
        _pause(connection, wallet, "payment_failed", START, paused=True)
        accounts.keep_serving(connection, wallet.account_id, MONTH_END, START)
        _pause(connection, wallet, "payment_failed", START, paused=False)
        _pause(connection, wallet, "payment_failed", START, paused=True)
        assert use(connection, wallet).status == "paused:payment_failed"


def a_free_plan_freezes_what_was_bought_and_nothing_else(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        for source in ("pack", "manual_purchase", "auto_purchase", "bonus"):
            order = a_grant(key=source, source=source, quantity_micro=micro(1), expires_at=None)
            grants.give(connection, wallet.account_id, order, START)
        grants.set_frozen(connection, wallet.account_id, START, frozen=True)
        assert left(connection, wallet) == micro(1)
        assert use(connection, wallet, 2).status == "insufficient_credits"
        assert use(connection, wallet, 1).status == "debited"
        grants.set_frozen(connection, wallet.account_id, START, frozen=False)
        assert use(connection, wallet, 3).status == "debited"


PATIENCE_LAWS = (
    what_was_bought_serves_an_unpaid_customer_until_patience_ends,
    what_was_bought_serves_while_the_money_of_a_renewal_is_on_its_way,
    patience_ends_with_the_pause_that_it_was_for,
    a_free_plan_freezes_what_was_bought_and_nothing_else,
)
