"""Whether a charge would be opened and there is a card for it: what previews say beforehand."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from activities.purchases.buyers import Buyer
from domain.outcomes import Outcome
from domain.payments.charges import ChargeKind, purchase_name
from ledger.payments import charges
from ledger.usage import policies

PREVIEW = "ledger:preview"  # a key that no sender can use


def unpayable(
    connection: Connection,
    buyer: Buyer,
    *,
    kind: ChargeKind,
    amount_minor: int,
    quantity_micro: int | None = None,
    pack: Mapping[str, Any] | None = None,
) -> str | None:
    """Return why the ledger would open no such charge, or that no card would pay it; None: neither.

    It is the ledger's own decision: the charge is opened here, in a transaction that the caller
    must not commit. What a bank says to a card is known only when it is asked.
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
    )
    if status != Outcome.OPENED:
        return status
    return None if policies.has_usable_card(connection, buyer.account_id) else "no_payment_method"
