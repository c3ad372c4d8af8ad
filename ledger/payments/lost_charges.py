"""Charges that the processor has and the ledger lost: restored under the wallet's lock, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from domain.payments.charges import ChargeKind


@dataclass(frozen=True, slots=True)
class LostCharge:
    """A purchase as its paid invoice describes it; money in minor units, quantity in micro-credits.

    `pack` is the pack as sold. If not `booked`, it stays open until a window exists.
    """

    charge_id: str
    kind: ChargeKind
    currency: str
    amount_minor: int
    surcharge_minor: int
    quantity_micro: int
    pack: Mapping[str, object] | None
    invoice: str
    booked: bool


def take_up(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    lost: LostCharge,
    at: datetime,
) -> str:
    """Enter a lost charge; return `paid` or `opened`, or why not.

    `repeated` (it exists), `cap_reached`, `purchase_pending`, `invoice_taken`.
    """
    statement = select(
        func.take_up_charge(
            account_id,
            subscription_id,
            lost.charge_id,
            lost.kind.value,
            lost.currency,
            lost.amount_minor,
            lost.surcharge_minor,
            lost.quantity_micro,
            None if lost.pack is None else cast(dict(lost.pack), JSONB),
            lost.invoice,
            lost.booked,
            at,
        )
    )
    return str(connection.scalar(statement))
