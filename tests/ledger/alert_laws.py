"""The laws of alerts, for the battery in laws.py."""

from dataclasses import replace
from datetime import timedelta

from domain.pricing.policies import Alert, Channel
from domain.usage import EVERY_TIME, Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import grants
from ledger.notifications import alerts
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
from tests.ledger.holding import capture, hold
from tests.ledger.undone import undone

HOUR = timedelta(hours=1)
TWO_MONTHS = ((START, MONTH_END), (MONTH_END, MONTH_END + 24 * HOUR))
FIFTH = Alert("20_percent", 20, None, Channel.BOTH)
LAST_FIVE = Alert("5_credits", None, micro(5), Channel.BOTH)


def watched(connection, allowance, *thresholds):
    wallet = a_subscribed_wallet(connection, allowance, windows=TWO_MONTHS)
    alerts.put(connection, wallet.account_id, "credits", thresholds or (FIFTH,), own=False)
    return wallet


def told(connection, wallet):
    rows = connection.exec_driver_sql(
        "SELECT payload ->> 'threshold' FROM outbox WHERE account_id = %s AND topic = 'alert'"
        " ORDER BY 1",
        (wallet.account_id,),
    )
    return list(rows.scalars())


def end_of_transaction(connection):
    connection.exec_driver_sql("SET CONSTRAINTS grants_credits_left IMMEDIATE")


def a_threshold_is_told_once_a_window_however_debits_reach_it(engine, _):
    with undone(engine) as connection:
        quick, batch, careful = (watched(connection, 500) for _ in range(3))
        use(connection, quick, 400)
        events = [an_event(batch.account_id, 200) for _ in range(2)]
        debits.debit(connection, events, NOON)
        gift = a_grant(quantity_micro=micro(5), priority=10)
        grants.give(connection, careful.account_id, gift, START)
        use(connection, careful, 405)
        for wallet in (quick, batch, careful):
            assert told(connection, wallet) == ["20_percent"]
            use(connection, wallet, 1)
            assert told(connection, wallet) == ["20_percent"]
        use(connection, quick, 399, at=MONTH_END)
        assert len(told(connection, quick)) == 1
        use(connection, quick, 1, at=MONTH_END)
        assert len(told(connection, quick)) == 2


def a_purchase_arms_what_says_so_once_the_balance_is_above_it(engine, _):
    with undone(engine) as connection:
        again = replace(FIFTH, rearms=True)
        wallet = watched(connection, 100, again, LAST_FIVE)
        use(connection, wallet, 96)
        for quantity, times in ((10, 2), (500, 3)):  # 14 of 110 are low still
            pack = a_grant(source="pack", quantity_micro=micro(quantity), expires_at=None)
            grants.give(connection, wallet.account_id, pack, NOON)
            use(connection, wallet, 1 if times == 2 else 510)
            assert len(told(connection, wallet)) == times


def the_customers_thresholds_outlive_the_plans(engine, _):
    with undone(engine) as connection:
        wallet = watched(connection, 500)
        alerts.set_own(connection, wallet.account_id, [LAST_FIVE])
        alerts.put(connection, wallet.account_id, "credits", [FIFTH], own=False)
        use(connection, wallet, 495)
        assert told(connection, wallet) == ["5_credits"]


def the_base_is_the_allowance_and_what_was_held_and_bought(engine, _):
    with undone(engine) as connection:
        wallet = watched(connection, 100)
        for quantity, at in ((400, START), (900, NOON)):
            pack = a_grant(
                source="pack",
                quantity_micro=micro(quantity),
                effective_at=at,
                expires_at=None,
                priority=30,
            )
            grants.give(connection, wallet.account_id, pack, at)
        use(connection, wallet, 1_119)
        assert told(connection, wallet) == []
        use(connection, wallet, 1)
        assert told(connection, wallet) == ["20_percent"]
        use(connection, wallet, 303, at=MONTH_END)  # 280 were held: 77 of 380 are left
        assert len(told(connection, wallet)) == 1
        use(connection, wallet, 1, at=MONTH_END)
        assert len(told(connection, wallet)) == 2


def what_is_not_debited_is_looked_at_as_the_transaction_ends(engine, _):
    with undone(engine) as connection:
        wallet = watched(connection, 500)
        gift = a_grant(quantity_micro=micro(5), expires_at=NOON + HOUR, priority=99)
        grants.give(connection, wallet.account_id, gift, START)
        use(connection, wallet, 404, at=NOON)
        grants.expire_due(connection, wallet.account_id, NOON + HOUR)
        end_of_transaction(connection)
        assert told(connection, wallet) == ["20_percent"]
    with undone(engine) as connection:
        wallet = watched(connection, 500, FIFTH, LAST_FIVE)
        end = MONTH_END + 24 * HOUR
        grants.expire_due(connection, wallet.account_id, end)
        end_of_transaction(connection)
        assert told(connection, wallet) == []


def a_debit_on_terms_and_a_thawed_wallet_tell_too(engine, _):
    for consent in (None, EVERY_TIME):  # its first way pays, or it is planned with care
        with undone(engine) as connection:
            wallet = watched(connection, 100)
            way = PricedWay("credits", 1, 1, consent=consent)
            event = UsageEvent("k", "a", micro(80), NOON)
            terms = Terms((Attempt("a", (way,)),), confirmed=True)
            demand = Demand(wallet.account_id, PricedEvent(event, "credits", 0, terms))
            debits.debit(connection, [demand], NOON)
            assert told(connection, wallet) == ["20_percent"]
    with undone(engine) as connection:
        wallet = watched(connection, 100)
        pack = a_grant(source="pack", quantity_micro=micro(500), expires_at=None, priority=30)
        grants.give(connection, wallet.account_id, pack, START)
        grants.set_frozen(connection, wallet.account_id, NOON, frozen=True)
        gift = a_grant(quantity_micro=micro(1))  # what is given looks at the base
        grants.give(connection, wallet.account_id, gift, NOON)
        grants.set_frozen(connection, wallet.account_id, NOON, frozen=False)
        use(connection, wallet, 481)
        assert told(connection, wallet) == ["20_percent"]


def a_hold_tells_as_a_debit_does(engine, _):
    with undone(engine) as connection:
        wallet = watched(connection, 100)
        hold(connection, wallet, 79)
        assert told(connection, wallet) == []
        hold(connection, wallet, 1, key="b")
        assert told(connection, wallet) == ["20_percent"]
        capture(connection, wallet, 1, key="b")
        end_of_transaction(connection)
        assert told(connection, wallet) == ["20_percent"]


ALERT_LAWS = (
    a_purchase_arms_what_says_so_once_the_balance_is_above_it,
    a_hold_tells_as_a_debit_does,
    a_debit_on_terms_and_a_thawed_wallet_tell_too,
    a_threshold_is_told_once_a_window_however_debits_reach_it,
    the_customers_thresholds_outlive_the_plans,
    the_base_is_the_allowance_and_what_was_held_and_bought,
    what_is_not_debited_is_looked_at_as_the_transaction_ends,
)
