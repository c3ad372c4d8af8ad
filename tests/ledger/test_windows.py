"""Windows, pauses and ends: the instant decides what can be used, not when a sweep ran."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from domain.usage import DebitOutcome
from ledger import accounts, balances, grants
from ledger.usage import debits
from models.tables import Wallet
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    UTC,
    a_grant,
    a_subscribed_wallet,
    a_wallet,
    an_event,
    left,
    micro,
    use,
)
from tests.ledger.holding import capture, hold

MARCH = datetime(2027, 3, 1, tzinfo=UTC)
APRIL = datetime(2027, 4, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
MONTHS = ((START, MONTH_END), (MONTH_END, MARCH), (MARCH, APRIL))


def renew(ledger, wallet, start, end, at, amount=5):
    grants.open_windows(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        windows=[(start, end)],
        at=at,
    )
    order = a_grant(quantity_micro=micro(amount), effective_at=start, expires_at=end)
    grants.give(ledger, wallet.account_id, order, at)


def window_of(ledger, wallet):
    return ledger.execute(
        select(Wallet.state, Wallet.window_start, Wallet.window_end).where(
            Wallet.account_id == wallet.account_id
        )
    ).one()


def test_m18_usage_between_windows_succeeds_with_the_same_key_after_the_renewal(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=5)
    at = MONTH_END + timedelta(minutes=1)
    assert use(ledger, wallet, 2, at=at, key="late").status == "renewal_pending"

    renew(ledger, wallet=wallet, start=MONTH_END, end=MARCH, at=MONTH_END + timedelta(minutes=3))

    answer = use(ledger, wallet, 2, at=MONTH_END + timedelta(minutes=4), event_at=at, key="late")
    assert (answer.status, answer.available_micro) == ("debited", micro(3))


def test_windows_paid_ahead_are_entered_by_the_instant_without_a_sweep(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10, windows=MONTHS)

    assert use(ledger, wallet, 4, at=MONTH_END - MOMENT).available_micro == micro(6)
    assert use(ledger, wallet, 4, at=MONTH_END).available_micro == micro(6)
    assert use(ledger, wallet, 1, at=APRIL - MOMENT).available_micro == micro(9)
    assert use(ledger, wallet, 1, at=APRIL).status == "renewal_pending"
    assert window_of(ledger, wallet) == ("active", MARCH, APRIL)


def test_a_batch_enters_the_window_that_its_instant_is_in(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10, windows=MONTHS)
    events = [an_event(wallet.account_id, event_at=MARCH) for _ in range(3)]

    answers = debits.debit(ledger, events, MARCH)

    assert [a.available_micro for a in answers] == [micro(9), micro(8), micro(7)]
    assert window_of(ledger, wallet).window_start == MARCH


def test_a_window_paid_early_does_not_begin_early(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=5)
    early = MONTH_END - timedelta(days=2)

    renew(ledger, wallet=wallet, start=MONTH_END, end=MARCH, at=early)

    assert window_of(ledger, wallet).window_start == START
    assert use(ledger, wallet, 1, at=early).available_micro == micro(4)
    assert use(ledger, wallet, 1, at=MONTH_END).available_micro == micro(4)
    assert window_of(ledger, wallet).window_start == MONTH_END


def test_opening_windows_again_changes_nothing_even_after_the_end(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=5)
    accounts.end(ledger, wallet.account_id, NOON)

    grants.open_windows(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        windows=[(START, MONTH_END)],
        at=NOON,
    )

    assert use(ledger, wallet).status == "subscription_ended"


def test_an_ended_wallet_serves_another_subscription_on_the_same_day(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=5, windows=MONTHS)
    accounts.end(ledger, wallet.account_id, NOON)
    assert use(ledger, wallet).status == "subscription_ended"

    later = NOON + timedelta(hours=1)
    renew(ledger, wallet=wallet, start=later, end=later + timedelta(days=31), at=later, amount=7)

    assert use(ledger, wallet, 1, at=later).status == "debited"
    assert window_of(ledger, wallet) == ("active", later, later + timedelta(days=31))
    assert balances.violations(ledger) == []


def test_what_never_expires_is_frozen_at_the_end_and_kept(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    grants.give(ledger, wallet.account_id, a_grant(expires_at=None), START)
    accounts.end(ledger, wallet.account_id, NOON)

    assert use(ledger, wallet).status == "subscription_ended"
    assert grants.expire_due(ledger, wallet.account_id, APRIL) == 0
    assert left(ledger, wallet, APRIL) == micro(10)


def test_what_would_expire_later_is_lost_when_the_subscription_ends_now(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=5, windows=MONTHS)
    use(ledger, wallet, 2)
    accounts.end(ledger, wallet.account_id, NOON)
    accounts.end(ledger, wallet.account_id, NOON)

    later = NOON + timedelta(hours=1)
    renew(ledger, wallet=wallet, start=later, end=later + timedelta(days=31), at=later, amount=7)

    assert left(ledger, wallet, later) == micro(7)
    assert left(ledger, wallet, MONTH_END) == micro(7)
    assert balances.violations(ledger) == []


def test_what_expired_before_the_end_is_booked_as_expired_not_as_void(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=5)
    accounts.end(ledger, wallet.account_id, MONTH_END)

    lines = balances.history(ledger, wallet.account_id)
    assert [(line.kind, line.change_micro) for line in lines][-1] == ("expiry", -micro(5))
    assert "void" not in {line.kind for line in lines}
    assert balances.violations(ledger) == []


def test_an_event_of_an_earlier_window_is_booked_now_and_marked_late(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10, windows=MONTHS)

    answer = use(ledger, wallet, 1, at=MONTH_END, event_at=NOON)

    assert answer.available_micro == micro(9)
    assert "(late)" in balances.history(ledger, wallet.account_id)[-1].cause


def test_a_plan_may_refuse_events_of_an_earlier_window(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=10, windows=MONTHS, late_usage="refuse")

    assert use(ledger, wallet, 1, at=MONTH_END, event_at=NOON).status == "period_closed"
    assert use(ledger, wallet, 1, at=MONTH_END).status == "debited"


@pytest.mark.parametrize("cause", ["payment_failed", "by_operator"])
def test_a_pause_refuses_what_costs_and_lets_free_actions_through(ledger, cause):
    wallet = a_subscribed_wallet(ledger, allowance=5)
    assert accounts.set_paused(ledger, wallet.account_id, cause, NOON, paused=True)
    assert not accounts.set_paused(ledger, wallet.account_id, cause, NOON, paused=True)

    events = [an_event(wallet.account_id, amount) for amount in (1, 0)]
    assert [a.status for a in debits.debit(ledger, events, NOON)] == [f"paused:{cause}", "debited"]

    accounts.set_paused(ledger, wallet.account_id, cause, NOON, paused=False)
    assert use(ledger, wallet).status == "debited"


def test_two_causes_of_a_pause_end_one_by_one(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=5)
    for cause in ("payment_failed", "by_operator"):
        accounts.set_paused(ledger, wallet.account_id, cause, NOON, paused=True)

    accounts.set_paused(ledger, wallet.account_id, "payment_failed", NOON, paused=False)

    assert use(ledger, wallet).status == "paused:by_operator"


def decided_at(ledger, wallet):
    return ledger.scalar(select(Wallet.decided_at).where(Wallet.account_id == wallet.account_id))


@pytest.mark.parametrize("amount", [1, 100])
def test_the_time_of_a_wallet_never_goes_back_not_even_after_a_refusal(ledger, amount):
    wallet = a_subscribed_wallet(ledger, allowance=5)
    extra = a_grant(expires_at=NOON, priority=10)
    grants.give(ledger, wallet.account_id, extra, START)
    use(ledger, wallet, amount, at=NOON)

    earlier: DebitOutcome = use(ledger, wallet, 6, at=START)

    assert earlier.status == "insufficient_credits"
    assert decided_at(ledger, wallet) == NOON


def test_a_grant_serves_from_its_first_instant_until_just_before_its_last(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    hour = timedelta(hours=1)
    order = a_grant(effective_at=NOON, expires_at=NOON + hour)
    grants.give(ledger, wallet.account_id, order, START)

    def one_at(at):
        return use(ledger, wallet, 1, at=at).status

    assert one_at(NOON - MOMENT) == "insufficient_credits"
    assert one_at(NOON) == "debited"
    assert one_at(NOON + hour - MOMENT) == "debited"
    assert one_at(NOON + hour) == "insufficient_credits"
    assert grants.expire_due(ledger, wallet.account_id, NOON + hour) == micro(8)


def test_a_wallet_without_a_subscription_serves_nothing(ledger):
    wallet = a_wallet(ledger)

    assert use(ledger, wallet).status == "no_subscription"
    assert use(ledger, wallet, 0).status == "no_subscription"
    assert debits.debit(ledger, [an_event(2**62)], NOON)[0].status == "unknown_customer"


@pytest.mark.parametrize("kept", [False, True])
def test_a_cut_gives_up_the_old_period_and_nothing_that_was_bought(ledger, kept):
    wallet = a_subscribed_wallet(ledger, allowance=10, windows=MONTHS)
    account = wallet.account_id
    assert hold(ledger, wallet, 2, until=MARCH).status == "held"  # of the allowance
    for source, amount, scope in (("bonus", 3, None), ("overdraft", 7, ("operation",))):
        order = a_grant(source=source, quantity_micro=micro(amount), effective_at=NOON, scope=scope)
        grants.give(ledger, account, order, NOON)
    middle = NOON + timedelta(days=1)

    grants.cut_windows(ledger, account, middle, kept=kept)

    # Credit is given up in any case: the new period grants its own.
    assert left(ledger, wallet, at=middle) == micro(11 if kept else 3)
    assert spans(ledger, wallet) == [(START, middle)]
    renew(ledger, wallet=wallet, start=middle, end=MARCH, at=middle, amount=20)
    assert left(ledger, wallet, at=middle) == micro(31 if kept else 23)
    assert spans(ledger, wallet) == [(START, middle), (middle, MARCH)]
    assert capture(ledger, wallet, 2, at=middle).status == "captured"
    assert left(ledger, wallet, at=middle) == micro(31 if kept else 23)
    assert balances.violations(ledger) == []


def spans(ledger, wallet):
    rows = ledger.execute(
        text(
            "SELECT window_start, window_end FROM windows WHERE account_id = :account"
            " ORDER BY window_start"
        ),
        {"account": wallet.account_id},
    )
    return [tuple(row) for row in rows]
