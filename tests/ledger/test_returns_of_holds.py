"""Money that goes back while credits are set aside, or used late: nothing of it is forgotten."""

from datetime import timedelta

import pytest

from ledger import grants
from ledger.payments import refunds
from tests.builders import MONTH_END, NOON, a_subscribed_wallet, left, micro, use
from tests.ledger.holding import LAPSE, MINUTE, capture, hold, release
from tests.ledger.returns import a_pack, debt, dispute, refund, replayed_debt, seen, sound
from tests.ledger.two_windows import DAY, WINDOWS


def returned(ledger, wallet, charge):
    found = refunds.returned(ledger, wallet.account_id, charge)
    return found.taken_micro, found.owed_micro


def test_what_a_dispute_found_held_is_taken_when_it_is_released(ledger):
    wallet, pack = a_pack(ledger, used=300)
    hold(ledger, wallet, 200)
    dispute(ledger, wallet, pack, "open")
    assert returned(ledger, wallet, pack) == (micro(500), micro(300))

    assert release(ledger, wallet).status == "released"

    assert returned(ledger, wallet, pack) == (micro(700), micro(300))
    assert left(ledger, wallet) == 0
    assert sound(ledger)


def test_what_a_dispute_found_held_is_owed_when_it_is_captured(ledger):
    wallet, pack = a_pack(ledger, used=300)
    hold(ledger, wallet, 200)
    dispute(ledger, wallet, pack, "open")

    assert capture(ledger, wallet, 150).status == "captured"

    assert returned(ledger, wallet, pack) == (micro(550), micro(450))
    assert debt(ledger, wallet) == replayed_debt(ledger, wallet) == micro(450)
    assert left(ledger, wallet) == 0
    assert sound(ledger)


@pytest.mark.parametrize("later", [timedelta(), DAY, 30 * DAY])
def test_what_a_dispute_found_held_is_taken_at_the_lapse_whenever_that_is_written(ledger, later):
    wallet, pack = a_pack(ledger, used=300, expires_at=LAPSE + MINUTE)
    hold(ledger, wallet, 120, key="a")
    hold(ledger, wallet, 80, key="b")
    dispute(ledger, wallet, pack, "open")

    grants.expire_due(ledger, wallet.account_id, LAPSE + later)

    assert returned(ledger, wallet, pack) == (micro(700), micro(300))
    assert sound(ledger)


def test_a_won_dispute_gives_back_what_was_released_meanwhile(ledger):
    wallet, pack = a_pack(ledger, used=300)
    hold(ledger, wallet, 200)
    dispute(ledger, wallet, pack, "open")
    release(ledger, wallet)

    dispute(ledger, wallet, pack, "won")

    assert returned(ledger, wallet, pack) == (0, 0)
    assert left(ledger, wallet) == micro(700)
    assert sound(ledger)


def test_a_refund_made_at_the_processor_takes_what_is_released_later_and_no_more(ledger):
    wallet, pack = a_pack(ledger, used=300)
    hold(ledger, wallet, 200)
    seen(ledger, wallet, pack, 2_700)
    assert returned(ledger, wallet, pack) == (micro(500), 0)

    release(ledger, wallet)

    assert returned(ledger, wallet, pack) == (micro(600), 0)
    assert left(ledger, wallet) == micro(100)
    assert sound(ledger)


def test_a_refund_leaves_a_hold_alone_and_the_hold_the_refund(ledger):
    wallet, pack = a_pack(ledger)
    hold(ledger, wallet, 200)
    assert refund(ledger, wallet, pack, 3_601).status == "above_refundable"
    refund(ledger, wallet, pack, 3_600)

    capture(ledger, wallet, 150)

    assert returned(ledger, wallet, pack) == (micro(800), 0)
    assert left(ledger, wallet) == micro(50)
    assert sound(ledger)


def test_late_usage_of_a_window_whose_charge_went_back_is_owed(ledger):
    reopens = {"late_usage": "reopen", "reopen_days": 3}
    wallet = a_subscribed_wallet(ledger, 10, windows=WINDOWS, amount_minor=2_000, **reopens)
    charge = f"{wallet.subscription_id}:period:0"
    use(ledger, wallet, 2, at=NOON)
    later = MONTH_END + DAY
    dispute(ledger, wallet=wallet, charge_id=charge, state="open", amount=2_000, at=later)
    assert returned(ledger, wallet, charge) == (micro(10), micro(2))

    late = use(ledger, wallet, 4, at=later, event_at=NOON)

    assert late.status == "debited"
    assert returned(ledger, wallet, charge) == (micro(10), micro(6))
    assert debt(ledger, wallet) == replayed_debt(ledger, wallet) == micro(6)
    assert sound(ledger)
