"""Laws of money that goes back, for the battery of laws.py: each notices a seeded fault."""

from datetime import timedelta

from ledger import balances
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_subscribed_wallet,
    auto_purchase_on,
    left,
    micro,
    set_policy,
    use,
)
from tests.ledger.holding import LAPSE, capture, hold, release
from tests.ledger.returns import a_pack, debt, dispute, policy, refund, seen
from tests.ledger.undone import undone


def a_refund_is_at_most_what_unused_credits_cost(engine, _):
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, used=400)
        assert refund(connection, wallet, pack, 2_701).status == "above_refundable"
        assert refund(connection, wallet, pack, 1_001).status == "refunded"
        assert left(connection, wallet) == micro(600) - -(-micro(1_000) * 1_001 // 4_500)
        assert refund(connection, wallet, pack, 1_700, key="2").status == "above_refundable"
        assert refund(connection, wallet, pack, 1_001).status == "repeated"
        assert refund(connection, wallet, pack, 1_002).status == "idempotency_conflict"
        assert balances.violations(connection) == []
        assert balances.books(connection, wallet.account_id)["refunds"] == -1_001


def a_refund_of_dinars_is_in_tens(engine, _):
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, 5_000, 2_500, used=1_234, currency="KWD")
        above = refund(connection, wallet, pack, 1_883)
        assert (above.status, above.most_minor) == ("above_refundable", 1_880)
        assert refund(connection, wallet, pack, 1_005).status == "invalid_amount"
        assert refund(connection, wallet, pack).amount_minor == 1_880
        assert balances.violations(connection) == []


def a_dispute_takes_what_is_unused_and_makes_the_rest_a_debt(engine, _):
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, used=400)
        set_policy(connection, wallet, **auto_purchase_on())
        assert dispute(connection, wallet, pack, "open") == "noted"
        assert (left(connection, wallet), debt(connection, wallet)) == (0, micro(400))
        assert policy(connection, wallet, "auto_on") is False
        assert refund(connection, wallet, pack, 1).status == "charge_disputed"
        assert balances.violations(connection) == []
        dispute(connection, wallet, pack, "won")
        assert (left(connection, wallet), debt(connection, wallet)) == (micro(600), 0)
        assert dispute(connection, wallet, pack, "open") == "repeated"
        assert left(connection, wallet) == micro(600)
        assert balances.violations(connection) == []


def a_refund_of_used_credits_is_no_debt_and_a_failed_one_is_undone(engine, _):
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, used=400)
        seen(connection, wallet, pack, 4_000)
        dispute(connection, wallet=wallet, charge_id=pack, state="open", amount=500)
        assert (left(connection, wallet), debt(connection, wallet)) == (0, -(-micro(1_000) // 9))
        assert balances.violations(connection) == []
        seen(connection, wallet=wallet, charge_id=pack, amount=4_000, state="failed")
        assert seen(connection, wallet, pack, 4_000) == "repeated"
        assert (left(connection, wallet), debt(connection, wallet)) == (
            micro(600) - micro(1_000) // 9 - 1,
            0,
        )
        assert balances.violations(connection) == []


def the_latest_window_gives_first(engine, _):
    with undone(engine) as connection:
        days = timedelta(days=10)
        windows = tuple((START + k * days, START + (k + 1) * days) for k in range(3))
        wallet = a_subscribed_wallet(connection, 100, windows=windows, amount_minor=900)
        use(connection, wallet, 40)
        refund(connection, wallet, f"{wallet.subscription_id}:period:0", 600)
        assert left(connection, wallet) == micro(60)
        assert left(connection, wallet, NOON + days) == 0
        assert balances.violations(connection) == []


def what_was_held_goes_back_when_it_is_free_and_is_owed_when_it_is_taken(engine, _):
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, used=400)
        hold(connection, wallet, 100, key="a")
        hold(connection, wallet, 100, key="b")
        dispute(connection, wallet, pack, "open")
        release(connection, wallet, key="a")
        assert (left(connection, wallet), debt(connection, wallet)) == (0, micro(400))
        capture(connection, wallet, 70, key="b")
        assert (left(connection, wallet), debt(connection, wallet)) == (0, micro(470))
        assert balances.violations(connection) == []
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, used=400)
        hold(connection, wallet, 100)
        dispute(connection, wallet, pack, "open")
        use(connection, wallet, 1, at=LAPSE)
        assert left(connection, wallet, LAPSE) == 0


def late_usage_of_what_went_back_is_owed(engine, _):
    with undone(engine) as connection:
        later = MONTH_END + timedelta(days=1)
        wallet = a_subscribed_wallet(
            connection,
            10,
            windows=((START, MONTH_END), (MONTH_END, MONTH_END + timedelta(days=28))),
            amount_minor=2_000,
            late_usage="reopen",
            reopen_days=3,
        )
        charge = f"{wallet.subscription_id}:period:0"
        dispute(connection, wallet=wallet, charge_id=charge, state="open", amount=2_000, at=later)
        use(connection, wallet, 4, at=later, event_at=NOON)
        assert debt(connection, wallet) == micro(4)
        assert balances.violations(connection) == []


def money_that_broke_with_a_part_of_a_credit_goes_back_later(engine, _):
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, "0.000003", 416, used="0.000002")
        assert refund(connection, wallet, pack, 1).status == "refunded"
        assert (
            dispute(connection, wallet=wallet, charge_id=pack, state="open", amount=415) == "noted"
        )
        assert balances.violations(connection) == []


RETURN_LAWS = (
    money_that_broke_with_a_part_of_a_credit_goes_back_later,
    a_refund_is_at_most_what_unused_credits_cost,
    a_refund_of_dinars_is_in_tens,
    a_dispute_takes_what_is_unused_and_makes_the_rest_a_debt,
    a_refund_of_used_credits_is_no_debt_and_a_failed_one_is_undone,
    the_latest_window_gives_first,
    what_was_held_goes_back_when_it_is_free_and_is_owed_when_it_is_taken,
    late_usage_of_what_went_back_is_owed,
)
