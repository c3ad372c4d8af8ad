"""Invoices that are sent: recorded once, mailed, and reminded of until they are paid."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.notifications.period_mails import purpose_of
from activities.purchases.buyers import Buyer
from activities.uninterrupted import uninterrupted
from domain.mails.facts import Purpose
from domain.mails.money import InvoiceDue
from domain.outcomes import Outcome
from domain.payments.charges import Charge, ChargeKind, ChargeState, Sent
from domain.payments.sent_invoices import Notice
from domain.subscription import Status
from ledger import accounts, checkpoints, subscriptions
from ledger.payments import charges, receivables


@dataclass(frozen=True, slots=True)
class ChargeSent:
    """An invoice that was sent, and what is told about it; None: part of its money came.

    Credits that have not expired serve until `serves_until`, though a renewal is not paid yet.
    One that was given up can still be paid: parts of it are recorded, and no money is awaited.
    """

    buyer: Buyer
    charge: Charge
    sent: Sent
    notice: Notice | None
    status: Status
    serves_until: datetime | None = None
    given_up: bool = False


class SentInvoiceActivities:
    """Invoices paid by transfer. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="note_sent_invoice")
    def note(self, told: ChargeSent) -> str:
        """Record an invoice and mail it once; return `processing`, `repeated` or its state."""
        buyer, charge, sent = told.buyer, told.charge, told.sent
        with self._context.engine.begin() as connection:
            state = self._awaited(connection, told)
            if state not in (ChargeState.PROCESSING, Outcome.REPEATED):
                return state  # it is paid or void: nothing is awaited
            checkpoints.note(
                connection,
                buyer.account_id,
                charge.charge_id,
                sent={
                    "due_at": sent.due_at.isoformat(),
                    "number": sent.invoice_number,
                    "paid_minor": sent.paid_minor,
                    "page": sent.page_url,
                    "pdf": sent.pdf_url,
                },
            )
            if told.serves_until is not None:
                accounts.keep_serving(connection, buyer.account_id, told.serves_until, buyer.at)
            if told.notice is Notice.OVERDUE:
                subscriptions.write(connection, buyer.subscription_id, buyer.at, status=told.status)
            if told.notice is not None:
                desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
                tell_invoice(desk, buyer, charge, sent, notice=told.notice)
        return state

    def _awaited(self, connection: Connection, told: ChargeSent) -> str:
        """Mark a charge's money as awaited; of one that was given up, say whether it is open."""
        account_id, charge_id = told.buyer.account_id, told.charge.charge_id
        if told.given_up:
            accounts.lock(connection, account_id, told.buyer.at)
            kept = charges.charge(connection, account_id, charge_id)
            return Outcome.REPEATED if kept.state is ChargeState.OPEN else kept.state
        return charges.mark_processing(
            connection,
            account_id=account_id,
            charge_id=charge_id,
            invoice=told.sent.invoice,
            at=told.buyer.at,
        )


def tell_invoice(
    desk: Desk,
    buyer: Buyer,
    charge: Charge,
    sent: Sent,
    *,
    notice: Notice,
    paused: bool = False,
    serves_until: datetime | None = None,
) -> None:
    """Mail an invoice, or that it is due or overdue; each is told once."""
    own = (desk.connection, buyer.account_id, charge.charge_id)
    back = receivables.taken_back(*own)
    purpose = purpose_of(desk, charge)
    first = purpose is Purpose.FIRST_PERIOD and buyer.at < buyer.period.end
    desk.post(
        f"invoice-{notice}:{charge.charge_id}:{sent.invoice}",
        InvoiceDue(
            reader=desk.reader(buyer.plan),
            purpose=purpose,
            currency=charge.currency,
            notice=notice,
            amount_minor=sent.remaining_minor,
            paid_minor=sent.paid_minor,
            number=sent.invoice_number,
            due_at=sent.due_at,
            period_end=buyer.period.end if first else None,
            page_url=sent.page_url,
            pdf_url=sent.pdf_url,
            granted=receivables.is_granted(*own),
            owed_micro=back.owed_micro if back else 0,
            paused=paused,
            serves_until=serves_until,
        ),
    )


def tell_void(desk: Desk, buyer: Buyer, charge_id: str) -> None:
    """Mail that an invoice which was sent is void; of one that was given up, that was told."""
    found = checkpoints.sent_invoice(desk.connection, buyer.account_id, charge_id)
    if found is None:
        return
    invoice, note = found
    charge, sent = value_to_type(Charge, note["charge"]), note["sent"]
    if charge.kind is not ChargeKind.PERIOD and note.get("first_declined_at"):
        return
    void = Sent(
        kind="sent",
        invoice=invoice,
        invoice_number=sent["number"],
        due_at=datetime.fromisoformat(sent["due_at"]),
        paid_minor=sent["paid_minor"],
        remaining_minor=charge.total_minor - sent["paid_minor"],
        page_url=sent["page"],
        pdf_url=sent.get("pdf") or sent["page"],
    )
    tell_invoice(desk, buyer, charge, void, notice=Notice.VOID)
