"""Whether a charge would be opened, and what it would need: what previews say beforehand."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from activities.purchases.buyers import Buyer
from domain.outcomes import Outcome
from domain.payments.charges import ChargeKind, purchase_name
from domain.payments.kinds import PaymentKind
from ledger.payments import charges
from ledger.usage import policies

PREVIEW = "ledger:preview"  # a key that no sender can use


def unopenable(
    connection: Connection,
    buyer: Buyer,
    *,
    kind: ChargeKind,
    amount_minor: int,
    takes: Sequence[str] | None,
    quantity_micro: int | None = None,
    pack: Mapping[str, Any] | None = None,
) -> str | None:
    """Return why the ledger would open no such charge, or None.

    It is the ledger's own decision: the charge is opened here, in a transaction that the caller
    must not commit.
    """
    status = charges.open_charge(
        connection,
        account_id=buyer.account_id,
        subscription_id=buyer.subscription_id,
        charge_id=purchase_name(buyer.subscription_id, PREVIEW),
        kind=kind,
        currency=buyer.plan.currency,
        amount_minor=amount_minor,
        quantity_micro=quantity_micro,
        at=buyer.at,
        pack=pack,
        takes=takes,
    )
    return None if status == Outcome.OPENED else status


def needs(connection: Connection, buyer: Buyer) -> dict[str, Any]:
    """Return what a preview adds to its numbers where nothing is known that would pay them at once.

    It refuses nothing: who has no card yet wants to see the price, and one that was saved a moment
    ago may not be known here. The act asks the processor, and its answer is `no_payment_method`.
    Whoever pays from a bank account is told that the money takes days.
    """
    if not policies.has_usable_card(connection, buyer.account_id):
        return {"needs": "payment_method"}
    debited = policies.pays_with(connection, buyer.account_id) is PaymentKind.BANK_DEBIT
    return {"takes_days": True} if debited else {}
