"""Laws of usage, money and the journal, each checked in a few calls on any database."""

from collections import Counter
from datetime import timedelta

import psycopg

from ledger import accounts, balances, grants
from ledger.payments import charges
from ledger.usage import debits
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    bought,
    left,
    micro,
    pay_auto,
    reserve_auto,
    use,
)
from tests.ledger.test_concurrency import at_once, debit_alone, reserve_alone
from tests.ledger.undone import undone

HOUR = timedelta(hours=1)


def together(connection, wallet, amounts, at=NOON, **facts):
    events = [an_event(wallet.account_id, amount, event_at=at, **facts) for amount in amounts]
    return [answer.status for answer in debits.debit(connection, events, at)]


def nothing_is_overspent_alone_or_together(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=3)
        assert use(connection, wallet, 4).status == "insufficient_credits"
        assert together(connection, wallet, [2, 2, 1]) == [
            "debited",
            "insufficient_credits",
            "debited",
        ]
        assert balances.violations(connection) == []


def a_key_is_debited_once_and_its_content_compared(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=9)
        event = an_event(wallet.account_id, key="k")
        other = an_event(wallet.account_id, key="k", quantity_micro=5)
        batch = [event, an_event(wallet.account_id)]
        debits.debit(connection, [event], NOON)
        assert debits.debit(connection, [event], NOON)[0].status == "repeated"
        assert debits.debit(connection, [other], NOON)[0].status == "idempotency_conflict"
        assert debits.debit(connection, batch, NOON)[0].status == "repeated"
        batch[0] = other
        assert debits.debit(connection, batch, NOON)[0].status == "idempotency_conflict"
        assert left(connection, wallet) == micro(7)
        key = "ledger::expiry:9"
        assert use(connection, wallet, key=key).status == "invalid_key"


def a_grant_is_not_used_from_its_expiry_on(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        grants.give(connection, wallet.account_id, a_grant(expires_at=NOON), START)
        assert use(connection, wallet, at=NOON).status == "insufficient_credits"
        assert set(together(connection, wallet, [1, 1])) == {"insufficient_credits"}
        assert left(connection, wallet) == 0
        assert grants.expire_due(connection, wallet.account_id, NOON) == micro(10)
        assert balances.violations(connection) == []


def credits_burn_in_order(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        first = a_grant(priority=15)
        later = a_grant(priority=20, expires_at=NOON + HOUR)
        for order in (later, first):
            grants.give(connection, wallet.account_id, order, START)
        use(connection, wallet, 4)
        together(connection, wallet, [2, 2])
        assert left(connection, wallet, NOON + HOUR) == micro(2)
        use(connection, wallet, 3)
        assert left(connection, wallet, NOON + HOUR) == 0


def a_scope_pays_only_for_its_actions(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        order = a_grant(scope=("email",))
        grants.give(connection, wallet.account_id, order, START)
        assert together(connection, wallet, [1], action="lookup") == ["insufficient_credits"]
        both = together(connection, wallet, [1, 1], action="lookup")
        assert set(both) == {"insufficient_credits"}
        assert together(connection, wallet, [1, 1], action="email") == ["debited"] * 2


def what_is_held_is_not_drawn(engine, database):
    with psycopg.connect(database.owner_url) as owner, undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=5)
        connection.commit()
        owner.execute(
            "UPDATE grants SET held = %s WHERE account_id = %s", (micro(3), wallet.account_id)
        )
        owner.commit()
        assert use(connection, wallet, 3).status == "insufficient_credits"
        assert together(connection, wallet, [3, 3]) == ["insufficient_credits"] * 2
        connection.rollback()
        owner.execute("UPDATE grants SET held = 0 WHERE account_id = %s", (wallet.account_id,))
        owner.commit()


def nothing_is_drawn_while_paused(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=5)
        accounts.set_paused(connection, wallet.account_id, "by_operator", NOON, paused=True)
        assert use(connection, wallet).status == "paused:by_operator"
        assert set(together(connection, wallet, [1, 1])) == {"paused:by_operator"}
        assert together(connection, wallet, [0]) == ["debited"]


def a_window_ends_at_its_instant_and_the_next_begins_there(engine, _):
    with undone(engine) as connection:
        forever = a_grant(expires_at=None)
        wallet = a_subscribed_wallet(connection, allowance=0)
        grants.give(connection, wallet.account_id, forever, START)
        assert use(connection, wallet, at=MONTH_END).status == "renewal_pending"
        assert set(together(connection, wallet, [1, 1], MONTH_END)) == {"renewal_pending"}
        window = (MONTH_END, MONTH_END + 24 * HOUR)
        subscription = wallet.subscription_id
        grants.open_windows(
            connection,
            account_id=wallet.account_id,
            subscription_id=subscription,
            windows=[window],
            at=MONTH_END,
        )
        assert use(connection, wallet, at=MONTH_END).status == "debited"
    with undone(engine) as connection:
        windows = ((START, MONTH_END), (MONTH_END, MONTH_END + 24 * HOUR))
        wallet = a_subscribed_wallet(connection, allowance=5, windows=windows, late_usage="refuse")
        assert use(connection, wallet, at=MONTH_END, event_at=NOON).status == "period_closed"
        assert use(connection, wallet, at=MONTH_END).status == "debited"


def the_time_of_a_wallet_never_goes_back(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=5)
        order = a_grant(expires_at=NOON + HOUR, priority=10)
        grants.give(connection, wallet.account_id, order, START)
        use(connection, wallet, 1, at=NOON + HOUR)
        assert use(connection, wallet, 5, at=NOON).status == "insufficient_credits"
        assert use(connection, wallet, 1, at=NOON).status == "debited"
        assert use(connection, wallet, 6, at=START).status == "insufficient_credits"
        assert together(connection, wallet, [1, 1]) == ["debited"] * 2
        assert balances.violations(connection) == []
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=5)
        grants.give(connection, wallet.account_id, a_grant(expires_at=NOON), START)
        assert use(connection, wallet, 6, at=NOON).status == "insufficient_credits"
        assert use(connection, wallet, 6, at=START).status == "insufficient_credits"
        assert use(connection, wallet, 1, at=MONTH_END).status == "renewal_pending"
        assert use(connection, wallet, 1, at=NOON).status == "renewal_pending"


def reaching_zero_is_told_once(engine, database):
    with undone(engine) as connection:
        wallets = [a_subscribed_wallet(connection, allowance=2) for _ in range(2)]
        assert use(connection, wallets[0], 2).crossed
        together(connection, wallets[1], [1, 1])
        told = connection.exec_driver_sql("SELECT account_id FROM outbox ORDER BY 1").scalars()
        assert list(told) == [wallet.account_id for wallet in wallets]


def purchases_stay_under_the_cap_and_one_is_in_flight(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on(cap=20_000))
        reserved = reserve_auto(connection, wallet, "auto-1")
        assert (reserved.amount_minor, reserved.surcharge_minor) == (1170, 270)
        assert reserve_auto(connection, wallet, "auto-2").status == "purchase_pending"
        assert use(connection, wallet, 10_000).status == "purchase_needed"
        pay_auto(connection, wallet, reserved)
        assert reserve_auto(connection, wallet, "auto-2", needed=0).status == "not_needed"
        assert use(connection, wallet, 10_000).status == "debited"
        bought(connection, wallet, "auto-2")
        assert use(connection, wallet, 10_000).status == "debited"
        assert use(connection, wallet).status == "cap_reached"
        assert reserve_auto(connection, wallet, "auto-3").status == "cap_reached"
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0, **auto_purchase_on(cap=10_000))
        reserve_auto(connection, wallet, "auto-1")
        assert use(connection, wallet).status == "purchase_needed"


def money_is_booked_once_and_sums(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=8, amount_minor=1001)
        charge = f"{wallet.subscription_id}:period:0"
        again = charges.mark_paid(
            connection,
            account_id=wallet.account_id,
            charge_id=charge,
            invoice="in",
            amount_minor=1001,
            at=NOON,
        )
        assert not again
        use(connection, wallet, 4)
        grants.expire_due(connection, wallet.account_id, MONTH_END)
        assert balances.books(connection, wallet.account_id) == {
            "cash": 1001,
            "deferred_revenue": 0,
            "revenue": -501,
            "breakage": -500,
        }
        assert balances.violations(connection) == []


def history_cannot_be_changed_nor_money_made(engine, database):
    with undone(engine) as connection:
        a_subscribed_wallet(connection, allowance=1)
        connection.commit()
    for attack in ATTACKS:
        with psycopg.connect(database.owner_url) as owner:
            assert is_refused(owner, attack)
            owner.rollback()
    with psycopg.connect(database.url) as application:
        assert is_refused(application, "UPDATE wallets SET seq = 0")
        application.rollback()


ADD_A_LEG = """
    INSERT INTO postings SELECT account_id, 99, 0, book, 1, currency, cause, NULL, NULL, at
    FROM postings LIMIT 1;
    SET CONSTRAINTS ALL IMMEDIATE
"""
OPEN_TWO = """
    INSERT INTO charges (account_id, charge_id, subscription_id, kind, currency, amount_minor,
                         quantity, opened_at)
    SELECT account_id, n::text, subscription_id, 'auto_purchase', 'USD', 1, 1, now()
    FROM charges, generate_series(1, 2) n
"""
ATTACKS = ("UPDATE entries SET change = change", "TRUNCATE postings", ADD_A_LEG, OPEN_TWO)


def is_refused(connection, statement):
    try:
        connection.execute(statement)
    except psycopg.Error:
        return True
    return False


def callers_at_once_get_what_one_after_the_other_would(engine, _):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=3, **auto_purchase_on())
    calls = [lambda k=k: debit_alone(engine, wallet, f"k{k % 5}").status for k in range(10)]
    assert Counter(at_once(calls))["debited"] == 3
    reserved = at_once([lambda k=k: reserve_alone(engine, wallet, f"a{k}") for k in range(8)])
    assert Counter(one.status for one in reserved) == {"reserved": 1, "purchase_pending": 7}
    with undone(engine) as connection:
        assert balances.violations(connection) == []


def changes_at_once_all_happen(engine, _):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=500)
        use(connection, wallet, 1)

    def batches():
        for _ in range(12):
            with engine.begin() as connection:
                assert together(connection, wallet, [1, 1]) == ["debited"] * 2

    def gifts():
        for _ in range(12):
            with engine.begin() as connection:
                order = a_grant(quantity_micro=micro(2))
                grants.give(connection, wallet.account_id, order, NOON)

    at_once([batches] * 3 + [gifts] * 3)
    with undone(engine) as connection:
        assert left(connection, wallet) == micro(499)
        assert balances.violations(connection) == []


USAGE_LAWS = (
    nothing_is_overspent_alone_or_together,
    a_key_is_debited_once_and_its_content_compared,
    a_grant_is_not_used_from_its_expiry_on,
    credits_burn_in_order,
    a_scope_pays_only_for_its_actions,
    what_is_held_is_not_drawn,
    nothing_is_drawn_while_paused,
    a_window_ends_at_its_instant_and_the_next_begins_there,
    the_time_of_a_wallet_never_goes_back,
    reaching_zero_is_told_once,
)
MONEY_LAWS = (
    purchases_stay_under_the_cap_and_one_is_in_flight,
    money_is_booked_once_and_sums,
)
JOURNAL_LAWS = (
    history_cannot_be_changed_nor_money_made,
    callers_at_once_get_what_one_after_the_other_would,
    changes_at_once_all_happen,
)
