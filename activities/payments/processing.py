"""Money on its way: recorded once, mailed once; what may be granted before it, elsewhere."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.notifications.period_mails import purpose_of
from activities.periods.checkpoints import note_charge
from activities.purchases.buyers import Buyer
from activities.uninterrupted import uninterrupted
from domain.mails.money import OnItsWay
from domain.payments.charges import Charge, ChargeState, Paid, Processing
from ledger import accounts
from ledger.payments import charges, taxes


@dataclass(frozen=True, slots=True)
class ChargeOnItsWay:
    """A charge the processor decides later; None: its state there is unclear.

    Credits that have not expired serve until `serves_until`, though a renewal is not paid yet.
    """

    buyer: Buyer
    charge: Charge
    invoice: str
    processing: Processing | None
    serves_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class MoneyWaits:
    """A charge paid while no window is open to grant in."""

    buyer: Buyer
    charge: Charge
    paid: Paid


class ProcessingActivities:
    """Charges that the processor decides later. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="note_processing")
    def note(self, coming: ChargeOnItsWay) -> str:
        """Record it and mail once; return `processing`, `repeated` or the charge's state."""
        with self._context.engine.begin() as connection:
            state = mark_on_its_way(connection, coming)
            if state == ChargeState.PROCESSING:
                tell_on_its_way(self._context, connection, coming)
        return state

    @uninterrupted(name="note_tax")
    def note_tax(self, buyer: Buyer, charge: Charge) -> str:
        """Keep the tax that the processor computed; return `taxed` or the charge's state."""
        if charge.taxed is None:
            raise LookupError(f"{charge.charge_id} has no tax")
        with self._context.engine.begin() as connection:
            status = taxes.tax_charge(
                connection, buyer.account_id, charge.charge_id, taxed=charge.taxed, at=buyer.at
            )
            if status == "taxed":
                note_charge(connection, buyer.account_id, charge)
        return status

    @uninterrupted(name="note_received")
    def note_received(self, waits: MoneyWaits) -> str:
        """Record that the money arrived; return `received` or the charge's state."""
        buyer = waits.buyer
        with self._context.engine.begin() as connection:
            return charges.mark_received(
                connection,
                account_id=buyer.account_id,
                charge_id=waits.charge.charge_id,
                invoice=waits.paid.invoice,
                at=buyer.at,
            )


def mark_on_its_way(connection: Connection, coming: ChargeOnItsWay) -> str:
    """Record that money is on its way; return `processing`, `repeated` or the charge's state."""
    buyer = coming.buyer
    state = charges.mark_processing(
        connection,
        account_id=buyer.account_id,
        charge_id=coming.charge.charge_id,
        invoice=coming.invoice,
        at=buyer.at,
    )
    if state == ChargeState.PROCESSING and coming.serves_until is not None:
        accounts.keep_serving(connection, buyer.account_id, coming.serves_until, buyer.at)
    return state


def tell_on_its_way(
    context: BillingContext,
    connection: Connection,
    coming: ChargeOnItsWay,
    *,
    granted: tuple[str, int] | None = None,
) -> None:
    """Mail once that money is coming; `granted`: a type, and its micro-credits usable already."""
    buyer, charge = coming.buyer, coming.charge
    if coming.processing is None:
        return
    desk = Desk(context, connection, buyer.account_id, buyer.subscription_id)
    desk.post(
        f"on-its-way:{charge.charge_id}",
        OnItsWay(
            reader=desk.reader(buyer.plan, granted[0] if granted else ""),
            purpose=purpose_of(desk, charge),
            currency=charge.currency,
            amount_minor=charge.total_minor,
            card=coming.processing.card,
            expected_by=coming.processing.expected_by,
            granted_micro=granted[1] if granted else None,
        ),
    )
