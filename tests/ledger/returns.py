"""Refunded and disputed charges, with usual values."""

from sqlalchemy import select, text

from domain.payments.charges import ChargeKind
from ledger import balances, grants
from ledger.payments import refunds
from ledger.payments.refunds import RefundOrder
from models.tables import Policy
from tests.builders import NOON, START, a_grant, a_paid_charge, a_subscribed_wallet, micro, use


def a_pack(ledger, quantity=1_000, cost=4_500, *, used=0, charge="pack", **facts):
    """A wallet with nothing but a pack that was paid for and used in part."""
    wallet = a_subscribed_wallet(ledger, allowance=0)
    charge_id = f"{wallet.subscription_id}:{charge}"
    buy(ledger, wallet=wallet, charge_id=charge_id, quantity=quantity, cost=cost, **facts)
    if used:
        assert use(ledger, wallet, used).status == "debited"
    return wallet, charge_id


def buy(ledger, wallet, charge_id, quantity, cost, currency="USD", **facts):
    a_paid_charge(
        ledger,
        wallet,
        charge_id,
        cost,
        kind=ChargeKind.MANUAL,
        quantity_micro=micro(quantity),
        currency=currency,
    )
    grant = pack_grant(charge_id, quantity, cost, currency=currency, **facts)
    grants.give(ledger, wallet.account_id, grant, START)


def pack_grant(charge_id, quantity, cost, **facts):
    usual = {
        "key": f"{charge_id}:grant",
        "source": "manual_purchase",
        "priority": 30,
        "quantity_micro": micro(quantity),
        "cost_minor": cost,
        "charge_id": charge_id,
        "part": 0,
        "expires_at": None,
    }
    return a_grant(**usual | facts)


def refund(ledger, wallet, charge_id, amount=None, *, key="r", at=NOON):
    order = RefundOrder(
        refund_id=key, charge_id=charge_id, amount_minor=amount, reason="asked for it", by="ann"
    )
    return refunds.refund(ledger, wallet.account_id, order, at)


def dispute(ledger, wallet, charge_id, state, amount=4_500, *, name="dp", at=NOON):
    return refunds.note_dispute(
        ledger,
        account_id=wallet.account_id,
        dispute_id=name,
        charge_id=charge_id,
        amount_minor=amount,
        state=state,
        at=at,
    )


def seen(ledger, wallet, charge_id, amount, state="made", *, name="re", at=NOON):
    return refunds.note_refund(
        ledger,
        account_id=wallet.account_id,
        refund_id=name,
        charge_id=charge_id,
        amount_minor=amount,
        state=state,
        at=at,
    )


def debt(ledger, wallet):
    query = "SELECT sum(value) FROM counters WHERE account_id = :a AND counter = 'debt:credits'"
    return int(ledger.scalar(text(query), {"a": wallet.account_id}) or 0)


def replayed_debt(ledger, wallet):
    query = "SELECT coalesce(sum(debt_change), 0) FROM entries WHERE account_id = :a"
    return int(ledger.scalar(text(query), {"a": wallet.account_id}))


def policy(ledger, wallet, column):
    query = select(getattr(Policy, column)).where(Policy.account_id == wallet.account_id)
    return ledger.scalar(query)


def books(ledger, wallet):
    grants.expire_due(ledger, wallet.account_id, NOON)
    return {name: sum_ for name, sum_ in balances.books(ledger, wallet.account_id).items() if sum_}


def sound(ledger):
    return balances.violations(ledger) == []
