"""Cards and invoices: news of the processor's."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
    from domain.messages.cards import parse_card_news, parse_retry_payment
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class CardDoor(Door):
    """Takes news of cards and invoices."""

    @workflow.signal(description="The customer has another card (a payment method's id).")
    def payment_method_updated(self, message: RawValue) -> None:
        """Verify the card and retry what failed."""
        name = "payment_method_updated"
        try:
            self._mailbox.command(name, parse_card_news(payload(message)))
        except InvalidInput as error:
            self._refuse(name, payload(message), error)

    @workflow.signal(description="The processor has deleted the payer, or a card of it: read it.")
    def payer_changed(self, message: RawValue) -> None:
        """Read the payer back if it is ours."""
        self._enqueue_reference("payer_changed", "payer", message)

    @workflow.update(description="Try again what was declined: the card may work now.")
    async def retry_payment(self, wanted: RawValue) -> Answer:
        """Answer `retrying`, `repeated` or `refused`."""
        return await self._ask("retry_payment", parse_retry_payment(payload(wanted)))

    @retry_payment.validator
    def _check_retry_payment(self, wanted: RawValue) -> None:
        checked(parse_retry_payment, wanted)

    @workflow.signal(description="The processor says that an invoice is paid: read it back.")
    def invoice_paid(self, message: RawValue) -> None:
        """Read the invoice back if it is one that we believe to be unpaid."""
        self._enqueue_reference("invoice_paid", "invoice", message)

    @workflow.signal(description="Of ours: an invoice is paid whose charge the ledger lost.")
    def money_found(self, message: RawValue) -> None:
        """Grant what it paid for, once, if the price list sells it like that."""
        self._enqueue_reference("money_found", "invoice", message)
