"""Cards and invoices: news of the processor's."""

from temporalio import workflow
from temporalio.common import RawValue

from workflows.doors.door import Door


class CardDoor(Door):
    """Takes news of cards and invoices."""

    @workflow.signal(description="The customer has another card (a payment method's id).")
    def payment_method_updated(self, message: RawValue) -> None:
        """Verify the card and retry what failed."""
        self._enqueue_reference("payment_method_updated", "payment_method", message)

    @workflow.signal(description="The processor says that an invoice is paid: read it back.")
    def invoice_paid(self, message: RawValue) -> None:
        """Read the invoice back if it is one that we believe to be unpaid."""
        self._enqueue_reference("invoice_paid", "invoice", message)
