"""Thresholds: one alert per window when the balance falls to them."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.pricing.policies import Alert, Channel
from ledger import accounts, grants
from ledger.notifications import alerts, outbox
from ledger.usage import debits
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    a_wallet,
    an_event,
    micro,
    use,
)
from tests.ledger.test_concurrency import at_once, debit_alone

HOUR = timedelta(hours=1)
NEXT_END = MONTH_END + timedelta(days=28)


def percent(figure):
    return Alert(f"{figure}_percent", figure, None, Channel.BOTH)


def amount(figure):
    return Alert(f"{figure}_credits", None, micro(figure), Channel.BOTH)


def watched(connection, allowance=500, *thresholds, **facts):
    """A wallet that watches its credits, by default for 20 %."""
    wallet = a_subscribed_wallet(connection, allowance, **facts)
    connection.execute(
        text("UPDATE policies SET own_alerts = false WHERE account_id = :a"),
        {"a": wallet.account_id},
    )
    put(connection, wallet, *(thresholds or (percent(20),)))
    return wallet


def put(connection, wallet, *thresholds):
    alerts.put(connection, wallet.account_id, "credits", thresholds, own=False)


def told(connection, wallet):
    """The alerts sent, in order: (threshold, available)."""
    rows = connection.execute(
        text("""
            SELECT payload ->> 'threshold', (payload ->> 'available')::bigint FROM outbox
            WHERE account_id = :a AND topic = 'alert' ORDER BY recorded_at, message_key
        """),
        {"a": wallet.account_id},
    )
    return [tuple(row) for row in rows]


def names(connection, wallet):
    return [name for name, _ in told(connection, wallet)]


@contextmanager
def committed(connection):
    """What happens inside is looked at as if its transaction ended here."""
    yield
    connection.execute(text("SET CONSTRAINTS grants_credits_left IMMEDIATE"))
    connection.execute(text("SET CONSTRAINTS grants_credits_left DEFERRED"))


def debit_together(connection, wallet, *sizes, at=NOON):
    events = [an_event(wallet.account_id, size, event_at=at) for size in sizes]
    return [one.status for one in debits.debit(connection, events, at)]


def a_pack(quantity, at=NOON):
    return a_grant(
        source="pack", quantity_micro=micro(quantity), effective_at=at, expires_at=None, priority=30
    )


def test_m12_one_alert_at_twenty_percent_and_armed_again_in_the_next_window(ledger):
    wallet = watched(ledger, 500, windows=((START, MONTH_END), (MONTH_END, NEXT_END)))

    use(ledger, wallet, "399.5")
    assert told(ledger, wallet) == []  # 100.5 left
    use(ledger, wallet, "0.5")
    assert told(ledger, wallet) == [("20_percent", micro(100))]
    use(ledger, wallet, 1)
    use(ledger, wallet, 99)
    assert len(told(ledger, wallet)) == 1

    use(ledger, wallet, 399, at=MONTH_END)
    assert len(told(ledger, wallet)) == 1
    use(ledger, wallet, 2, at=MONTH_END + HOUR)
    assert told(ledger, wallet)[1:] == [("20_percent", micro(99))]


def test_two_thresholds_crossed_by_one_debit_are_told_one_alert_each(ledger):
    wallet = watched(ledger, 500, percent(20), percent(5), amount(200))

    use(ledger, wallet, 490)

    assert sorted(names(ledger, wallet)) == ["200_credits", "20_percent", "5_percent"]


@pytest.mark.parametrize("sizes", [(250, 150), (390, 9, 1), (399, 2)])
def test_a_batch_tells_at_the_event_that_crosses(ledger, sizes):
    wallet = watched(ledger, 500)

    assert set(debit_together(ledger, wallet, *sizes)) == {"debited"}
    assert told(ledger, wallet) == [("20_percent", micro(500 - sum(sizes)))]
    debit_together(ledger, wallet, 1, 1)
    assert len(told(ledger, wallet)) == 1


def test_a_batch_above_the_threshold_tells_nothing(ledger):
    wallet = watched(ledger, 500)

    debit_together(ledger, wallet, 250, "149.999999")

    assert told(ledger, wallet) == []


def test_packs_held_at_the_start_and_bought_since_raise_the_base(ledger):
    wallet = watched(ledger, 500, windows=((START, MONTH_END), (MONTH_END, NEXT_END)))
    grants.give(ledger, wallet.account_id, a_pack(1_000), NOON)  # base 1,500: fires at 300
    use(ledger, wallet, 1_199)
    assert told(ledger, wallet) == []
    use(ledger, wallet, 1)
    assert told(ledger, wallet) == [("20_percent", micro(300))]

    # 300 of the pack are held as February begins: base 800, fires at 160; and 1,000 more at 360.
    use(ledger, wallet, 639, at=MONTH_END)
    assert len(told(ledger, wallet)) == 1
    grants.give(ledger, wallet.account_id, a_pack(1_000, MONTH_END), MONTH_END + HOUR)
    use(ledger, wallet, 800, at=MONTH_END + HOUR)
    assert len(told(ledger, wallet)) == 1
    use(ledger, wallet, 1, at=MONTH_END + HOUR)
    assert told(ledger, wallet)[1:] == [("20_percent", micro(360))]


def test_what_was_held_at_the_start_is_known_from_the_journal_later(ledger):
    wallet = a_subscribed_wallet(ledger, 10, windows=((START, MONTH_END), (MONTH_END, NEXT_END)))
    grants.give(ledger, wallet.account_id, a_pack(1_000), NOON)
    use(ledger, wallet, 110, at=NOON)  # 900 of the pack are left
    use(ledger, wallet, 110, at=MONTH_END + HOUR)
    put(ledger, wallet, percent(50))  # 50 % of 910

    use(ledger, wallet, 344, at=MONTH_END + HOUR)
    assert told(ledger, wallet) == []
    use(ledger, wallet, 1, at=MONTH_END + HOUR)
    assert told(ledger, wallet) == [("50_percent", micro(455))]


def rearming(threshold):
    return replace(threshold, rearms=True)


def test_a_purchase_arms_a_threshold_that_says_so_again(ledger):
    wallet = watched(ledger, 500, rearming(percent(20)), percent(10))
    use(ledger, wallet, 460)
    assert sorted(names(ledger, wallet)) == ["10_percent", "20_percent"]
    gift = a_grant(quantity_micro=micro(400))
    grants.give(ledger, wallet.account_id, gift, NOON)
    use(ledger, wallet, 400)
    assert len(names(ledger, wallet)) == 2  # nobody bought anything
    grants.give(ledger, wallet.account_id, a_pack(500), NOON)  # 540 of 1,000
    use(ledger, wallet, 339)
    assert len(names(ledger, wallet)) == 2
    use(ledger, wallet, 1)
    use(ledger, wallet, 200)
    assert Counter(names(ledger, wallet)) == {"10_percent": 1, "20_percent": 2}


def test_a_purchase_that_does_not_lift_the_balance_above_it_arms_nothing(ledger):
    wallet = watched(ledger, 500, rearming(amount(300)))
    use(ledger, wallet, 460)
    grants.give(ledger, wallet.account_id, a_pack(200), NOON)
    use(ledger, wallet, 10)
    assert names(ledger, wallet) == ["300_credits"]
    grants.give(ledger, wallet.account_id, a_pack(71), NOON)  # 301 are left
    use(ledger, wallet, 1)
    assert names(ledger, wallet) == ["300_credits"] * 2


def test_a_purchase_does_not_arm_a_threshold_again_in_its_window(ledger):
    wallet = watched(ledger, 500)
    use(ledger, wallet, 400)
    grants.give(ledger, wallet.account_id, a_pack(500), NOON)

    use(ledger, wallet, 500)

    assert len(told(ledger, wallet)) == 1


def test_bonus_credits_are_no_part_of_the_base(ledger):
    wallet = watched(ledger, 500)
    grants.give(ledger, wallet.account_id, a_grant(quantity_micro=micro(1_000)), NOON)

    use(ledger, wallet, 1_399)
    assert told(ledger, wallet) == []
    use(ledger, wallet, 1)
    assert told(ledger, wallet) == [("20_percent", micro(100))]


def test_a_removal_and_an_expiry_tell_as_a_debit_does(ledger):
    removed, expired = watched(ledger, 500), watched(ledger, 500, amount(505))
    with committed(ledger):
        grants.remove(ledger, removed.account_id, "r", "credits", micro(450), "{}", NOON)
    assert told(ledger, removed) == [("20_percent", micro(50))]

    gift = a_grant(expires_at=NOON)
    grants.give(ledger, expired.account_id, gift, START)
    with committed(ledger):
        grants.expire_due(ledger, expired.account_id, NOON - HOUR)
    assert told(ledger, expired) == []
    with committed(ledger):
        grants.expire_due(ledger, expired.account_id, NOON)
    assert told(ledger, expired) == [("505_credits", micro(500))]


def test_what_expires_with_its_window_is_no_low_balance(ledger):
    one, two = (
        watched(ledger, 500, windows=((START, MONTH_END), (MONTH_END, NEXT_END))[:count])
        for count in (1, 2)
    )
    for wallet in (one, two):
        with committed(ledger):
            grants.expire_due(ledger, wallet.account_id, MONTH_END)
        assert told(ledger, wallet) == []
    with committed(ledger):
        accounts.end(ledger, two.account_id, MONTH_END + HOUR)
    assert told(ledger, two) == []


def test_a_renewal_arms_what_has_fired(ledger):
    wallet = watched(ledger, 500)
    use(ledger, wallet, 450)
    with committed(ledger):
        grants.expire_due(ledger, wallet.account_id, MONTH_END)
        window = (MONTH_END, NEXT_END)
        grants.open_windows(ledger, wallet.account_id, wallet.subscription_id, [window], MONTH_END)
        order = a_grant(
            source="allowance",
            quantity_micro=micro(1_000),
            effective_at=MONTH_END,
            expires_at=NEXT_END,
        )
        grants.give(ledger, wallet.account_id, order, MONTH_END)
    use(ledger, wallet, 800, at=MONTH_END)

    assert told(ledger, wallet) == [("20_percent", micro(50)), ("20_percent", micro(200))]


def test_the_customers_own_thresholds_replace_the_plans_until_given_up(ledger):
    wallet = watched(ledger, 500)
    alerts.set_own(ledger, wallet.account_id, [amount(300)])
    put(ledger, wallet, percent(20))  # a renewal puts the plan's: the customer's stay

    use(ledger, wallet, 450)

    assert names(ledger, wallet) == ["300_credits"]
    alerts.set_own(ledger, wallet.account_id, [])
    use(ledger, wallet, 50)
    assert len(told(ledger, wallet)) == 1


def test_a_threshold_set_above_the_balance_is_told_at_the_next_debit(ledger):
    wallet = watched(ledger, 500, amount(1))
    use(ledger, wallet, 400)
    put(ledger, wallet, amount(200), amount(1))
    assert told(ledger, wallet) == []

    use(ledger, wallet, 1)

    assert names(ledger, wallet) == ["200_credits"]


def test_a_debit_of_another_credit_type_tells_nothing(ledger):
    wallet = watched(ledger, 500, amount(600))
    order = a_grant(credit_type="data", quantity_micro=micro(10))
    grants.give(ledger, wallet.account_id, order, NOON)

    events = [an_event(wallet.account_id, 1, credit_type="data") for _ in range(3)]
    debits.debit(ledger, events[:1], NOON)
    debits.debit(ledger, events[1:], NOON)

    assert told(ledger, wallet) == []


def test_a_repeated_or_refused_debit_tells_nothing(ledger):
    wallet = watched(ledger, 500, amount(499))
    assert use(ledger, wallet, 501).status == "insufficient_credits"
    assert told(ledger, wallet) == []
    use(ledger, wallet, 1, key="k")
    put(ledger, wallet, amount(499), amount(500))

    assert use(ledger, wallet, 1, key="k").status == "repeated"

    assert names(ledger, wallet) == ["499_credits"]


def test_an_empty_wallet_without_thresholds_tells_nothing(ledger):
    wallet = a_wallet(ledger)
    assert (
        ledger.scalar(
            text("SELECT alert_level FROM wallets WHERE account_id = :a"), {"a": wallet.account_id}
        )
        == -1
    )


def test_many_debits_across_a_threshold_at_once_make_one_alert(engine):
    with engine.begin() as connection:
        wallet = watched(connection, 60, percent(50))
    calls = [lambda k=k: debit_alone(engine, wallet, f"k{k}").status for k in range(40)]

    def batch():
        with engine.begin() as connection:
            return debit_together(connection, wallet, 1, 1, 1, 1)

    answers = at_once([*calls, batch, batch])

    assert Counter(one for one in answers if isinstance(one, str)) == {"debited": 40}
    with engine.begin() as connection:
        assert told(connection, wallet) == [("50_percent", micro(30))]
        waiting = outbox.waiting(connection, "alert", grace_seconds=0, limit=9)
        assert len(waiting) == 1
