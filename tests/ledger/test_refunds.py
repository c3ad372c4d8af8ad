"""Refunds and disputes: what goes back with the money, in any order and any repetition."""

from datetime import timedelta

from sqlalchemy import text

from domain.payments.charges import ChargeKind
from ledger import accounts, grants
from ledger.payments import charges, refunds
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    auto_purchase_on,
    left,
    micro,
    set_policy,
    use,
)
from tests.ledger.returns import (
    a_pack,
    books,
    buy,
    debt,
    dispute,
    pack_grant,
    refund,
    replayed_debt,
    seen,
    sound,
)

HOUR = timedelta(hours=1)


def test_m13_a_part_used_pack_is_refunded_up_to_what_its_rest_cost(ledger):
    wallet, pack = a_pack(ledger, used=400)

    above = refund(ledger, wallet, pack, 2_701)
    assert (above.status, above.most_minor) == ("above_refundable", 2_700)
    assert left(ledger, wallet) == micro(600)
    done = refund(ledger, wallet, pack, 2_700)

    assert (done.status, done.amount_minor, done.state) == ("refunded", 2_700, "asked")
    assert refunds.returned(ledger, wallet.account_id, pack).taken_micro == micro(600)
    assert left(ledger, wallet) == 0
    assert books(ledger, wallet) == {"cash": 4_500, "refunds": -2_700, "revenue": -1_800}
    assert sound(ledger)


def test_a_refund_voids_the_credits_that_it_pays_back_rounded_up(ledger):
    wallet, pack = a_pack(ledger, used=400)
    assert refund(ledger, wallet, pack, 100).status == "refunded"
    assert left(ledger, wallet) == micro(600) - -(-micro(1_000) * 100 // 4_500)
    assert sound(ledger)


def test_all_is_what_can_be_refunded(ledger):
    wallet, pack = a_pack(ledger, used=400)
    assert refund(ledger, wallet, pack).amount_minor == 2_700
    assert refund(ledger, wallet, pack, key="again").status == "above_refundable"


def test_a_refund_of_dinars_is_in_tens_that_the_processor_sends(ledger):
    wallet, pack = a_pack(ledger, 5_000, 2_500, used=1_234, currency="KWD")

    above = refund(ledger, wallet, pack, 1_883)  # what 3,766 of 5,000 cost
    assert (above.status, above.most_minor) == ("above_refundable", 1_880)
    between = refund(ledger, wallet, pack, 1_005)
    assert (between.status, between.most_minor) == ("invalid_amount", 1_880)
    assert left(ledger, wallet) == micro(3_766)
    assert refund(ledger, wallet, pack, 10).status == "refunded"
    assert refund(ledger, wallet, pack, key="rest").amount_minor == 1_870
    assert sound(ledger)


def test_a_pack_of_dinars_is_refunded_whole(ledger):
    wallet, pack = a_pack(ledger, 5_000, 2_500, currency="KWD")
    assert refund(ledger, wallet, pack).amount_minor == 2_500
    assert left(ledger, wallet) == 0
    assert sound(ledger)


def test_a_refund_is_booked_once_and_its_content_compared(ledger):
    wallet, pack = a_pack(ledger)
    refund(ledger, wallet, pack, 450)
    assert refund(ledger, wallet, pack, 450).status == "repeated"
    assert refund(ledger, wallet, pack, 451).status == "idempotency_conflict"
    assert refund(ledger, wallet, "another", 450).status == "idempotency_conflict"
    assert left(ledger, wallet) == micro(900)
    assert sound(ledger)


def test_what_was_not_paid_cannot_be_refunded(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    assert refund(ledger, wallet, "unknown").status == "unknown_charge"
    charges.open_charge(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id="open",
        kind=ChargeKind.MANUAL,
        currency="USD",
        amount_minor=100,
        quantity_micro=micro(1),
        at=START,
    )
    assert refund(ledger, wallet, "open").status == "charge_not_paid"


def test_a_failed_refund_gives_the_credits_back(ledger):
    wallet, pack = a_pack(ledger, used=400)
    refund(ledger, wallet, pack, 2_700)
    assert (
        seen(ledger, wallet=wallet, charge_id=pack, amount=2_700, state="failed", name="r")
        == "noted"
    )
    assert left(ledger, wallet) == micro(600)
    assert books(ledger, wallet) == {"cash": 4_500, "revenue": -1_800, "deferred_revenue": -2_700}
    assert refund(ledger, wallet, pack, 2_700).state == "failed"
    assert sound(ledger)


def test_a_refund_at_the_processor_is_booked_even_for_used_credits(ledger):
    wallet, pack = a_pack(ledger, used=400)
    assert seen(ledger, wallet, pack, 4_500) == "noted"
    assert left(ledger, wallet) == 0
    assert debt(ledger, wallet) == 0  # a kindness, not a chargeback
    assert books(ledger, wallet) == {"cash": 4_500, "refunds": -4_500}
    assert sound(ledger)


def test_an_expired_credit_is_not_refunded(ledger):
    wallet, pack = a_pack(ledger, used=400, expires_at=NOON + HOUR)
    at = NOON + HOUR
    assert refund(ledger, wallet, pack, 1, at=at).status == "above_refundable"
    assert sound(ledger)


def test_of_a_paid_year_the_latest_windows_are_refunded_first(ledger):
    windows = tuple(
        (START + timedelta(days=30 * k), START + timedelta(days=30 * k + 30)) for k in range(12)
    )
    wallet = a_subscribed_wallet(ledger, 100, windows=windows, amount_minor=12_000)
    use(ledger, wallet, 40)
    year = f"{wallet.subscription_id}:period:0"
    assert refund(ledger, wallet, year, 11_601).most_minor == 11_600

    assert refund(ledger, wallet, year, 2_500).status == "refunded"

    query = "SELECT refunded FROM grants WHERE account_id = :a ORDER BY effective_at"
    taken = list(ledger.scalars(text(query), {"a": wallet.account_id}))
    assert taken == [0] * 9 + [micro(50), micro(100), micro(100)]
    assert left(ledger, wallet) == micro(60)
    assert sound(ledger)


def test_a_chargeback_takes_the_unused_credits_and_makes_the_used_ones_a_debt(ledger):
    wallet, pack = a_pack(ledger, used=400)
    assert dispute(ledger, wallet, pack, "open") == "noted"
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(400))
    assert replayed_debt(ledger, wallet) == micro(400)
    assert books(ledger, wallet) == {"cash": 4_500, "disputes": -4_500}
    assert dispute(ledger, wallet, pack, "lost") == "noted"
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(400))
    assert sound(ledger)


def test_a_won_dispute_puts_everything_back(ledger):
    wallet, pack = a_pack(ledger, used=400)
    before = books(ledger, wallet)
    dispute(ledger, wallet, pack, "open")
    assert dispute(ledger, wallet, pack, "won") == "noted"
    assert (left(ledger, wallet), debt(ledger, wallet)) == (micro(600), 0)
    assert replayed_debt(ledger, wallet) == 0
    assert books(ledger, wallet) == before
    assert sound(ledger)


def test_credits_put_back_after_their_expiry_run_out(ledger):
    wallet, pack = a_pack(ledger, used=400, expires_at=NOON + HOUR)
    dispute(ledger, wallet, pack, "open")
    dispute(ledger, wallet, pack, "won", at=NOON + HOUR)
    assert left(ledger, wallet, NOON + HOUR) == 0
    grants.expire_due(ledger, wallet.account_id, NOON + HOUR)
    assert books(ledger, wallet) == {"cash": 4_500, "revenue": -1_800, "breakage": -2_700}
    assert sound(ledger)


def test_credits_put_back_after_the_subscription_ended_are_void(ledger):
    wallet, pack = a_pack(ledger, used=400, expires_at=MONTH_END)
    dispute(ledger, wallet, pack, "open")
    accounts.end(ledger, wallet.account_id, NOON)
    dispute(ledger, wallet, pack, "won")
    assert left(ledger, wallet) == 0
    assert sound(ledger)


def test_what_new_credits_repaid_of_a_won_dispute_is_given_back(ledger):
    wallet, pack = a_pack(ledger, used=400)
    dispute(ledger, wallet, pack, "open")
    set_policy(ledger, wallet, debt_repaid_from="all_grants")
    grants.give(ledger, wallet.account_id, a_grant(quantity_micro=micro(250)), NOON)
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(150))
    dispute(ledger, wallet, pack, "won")
    assert debt(ledger, wallet) == 0
    assert left(ledger, wallet) == micro(600 + 250)
    assert sound(ledger)


def test_a_dispute_of_part_of_a_charge_takes_part(ledger):
    wallet, pack = a_pack(ledger, used=400)
    dispute(ledger, wallet=wallet, charge_id=pack, state="open", amount=900)
    assert (left(ledger, wallet), debt(ledger, wallet)) == (micro(400), 0)
    dispute(ledger, wallet=wallet, charge_id=pack, state="open", amount=2_250, name="second")
    assert (left(ledger, wallet), debt(ledger, wallet)) == (0, micro(100))
    assert sound(ledger)


def test_a_disputed_charge_cannot_be_refunded(ledger):
    wallet, pack = a_pack(ledger, used=400)
    dispute(ledger, wallet, pack, "open")
    assert refund(ledger, wallet, pack, 100).status == "charge_disputed"
    dispute(ledger, wallet, pack, "won")
    assert refund(ledger, wallet, pack, 2_700).status == "refunded"
    assert sound(ledger)


def test_a_dispute_switches_auto_purchase_off(ledger):
    wallet, pack = a_pack(ledger)
    set_policy(ledger, wallet, **auto_purchase_on())
    dispute(ledger, wallet, pack, "open")
    query = "SELECT auto_on FROM policies WHERE account_id = :a"
    assert ledger.scalar(text(query), {"a": wallet.account_id}) is False
    assert refunds.has_open_dispute(ledger, wallet.account_id)
    dispute(ledger, wallet, pack, "lost")
    assert not refunds.has_open_dispute(ledger, wallet.account_id)


def test_money_that_went_back_before_its_payment_was_seen_takes_the_credits_at_once(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    charges.open_charge(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id="late",
        kind=ChargeKind.MANUAL,
        currency="USD",
        amount_minor=4_500,
        quantity_micro=micro(1_000),
        at=START,
    )
    assert seen(ledger, wallet, "late", 900) == "noted"
    assert dispute(ledger, wallet=wallet, charge_id="late", state="open", amount=1_800) == "noted"
    charges.mark_paid(
        ledger,
        account_id=wallet.account_id,
        charge_id="late",
        invoice="in_late",
        amount_minor=4_500,
        at=START,
    )
    available = grants.give(ledger, wallet.account_id, pack_grant("late", 1_000, 4_500), START)
    assert available == left(ledger, wallet) == micro(400)
    assert sound(ledger)


def test_unknown_charges_and_other_contents_are_refused(ledger):
    wallet, pack = a_pack(ledger)
    assert dispute(ledger, wallet, "unknown", "open") == "unknown_charge"
    assert seen(ledger, wallet, "unknown", 1) == "unknown_charge"
    seen(ledger, wallet, pack, 100)
    dispute(ledger, wallet=wallet, charge_id=pack, state="open", amount=100)
    assert seen(ledger, wallet, pack, 101) == "idempotency_conflict"
    assert (
        dispute(ledger, wallet=wallet, charge_id=pack, state="open", amount=101)
        == "idempotency_conflict"
    )


def test_money_that_broke_with_a_part_of_a_credit_can_still_go_back(ledger):
    """A refund of 1 of 416 voids one of three tiny credits; a dispute then wants the rest."""
    wallet = a_subscribed_wallet(ledger, allowance=0)
    pack = f"{wallet.subscription_id}:pack"
    buy(ledger, wallet=wallet, charge_id=pack, quantity="0.000003", cost=416)
    assert use(ledger, wallet, "0.000002").status == "debited"

    assert refund(ledger, wallet, pack, 1).status == "refunded"
    assert books(ledger, wallet) == {
        "cash": 416, "refunds": -1, "revenue": -277, "breakage": -138,
    }  # fmt: skip
    assert dispute(ledger, wallet=wallet, charge_id=pack, state="open", amount=415) == "noted"

    # 138 of it are the unused credit's: out of what broke, not out of what use has earned.
    assert books(ledger, wallet) == {"cash": 416, "refunds": -1, "disputes": -415}
    assert sound(ledger)
    assert dispute(ledger, wallet=wallet, charge_id=pack, state="won", amount=415) == "noted"
    assert books(ledger, wallet)["revenue"] == -277
    assert sound(ledger)
