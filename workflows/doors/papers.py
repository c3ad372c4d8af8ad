"""Invoices and cards on file."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import invoices
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class PaperDoor(Door):
    """Takes questions about invoices and cards, and where they are mailed."""

    @workflow.update(description="List the newest invoices, with their pages and PDFs.")
    async def list_invoices(self, message: RawValue) -> Answer:
        """Answer `done` with the invoices, or `refused`."""
        return await self._ask("list_invoices", invoices.parse_nothing(payload(message)))

    @list_invoices.validator
    def _check_list_invoices(self, message: RawValue) -> None:
        checked(invoices.parse_nothing, message)

    @workflow.update(description="Mail an invoice to a finance address or another.")
    async def mail_invoice(self, wanted: RawValue) -> Answer:
        """Answer `done` with the address, or `refused`."""
        return await self._ask("mail_invoice", invoices.parse_mail_invoice(payload(wanted)))

    @mail_invoice.validator
    def _check_mail_invoice(self, wanted: RawValue) -> None:
        checked(invoices.parse_mail_invoice, wanted)

    @workflow.update(description="Choose where receipts go beside the customer's own address.")
    async def set_finance_email(self, wanted: RawValue) -> Answer:
        """Answer `done`."""
        parsed = invoices.parse_set_finance_email(payload(wanted))
        return await self._ask("set_finance_email", parsed)

    @set_finance_email.validator
    def _check_set_finance_email(self, wanted: RawValue) -> None:
        checked(invoices.parse_set_finance_email, wanted)

    @workflow.update(description="List the cards on file.")
    async def list_payment_methods(self, message: RawValue) -> Answer:
        """Answer `done` with the cards, or `refused`."""
        parsed = invoices.parse_nothing(payload(message))
        return await self._ask("list_payment_methods", parsed)

    @list_payment_methods.validator
    def _check_list_payment_methods(self, message: RawValue) -> None:
        checked(invoices.parse_nothing, message)

    @workflow.update(description="Make a card on file the one that is charged.")
    async def use_payment_method(self, wanted: RawValue) -> Answer:
        """Answer `done`, or `refused`."""
        parsed = invoices.parse_use_payment_method(payload(wanted))
        return await self._ask("use_payment_method", parsed)

    @use_payment_method.validator
    def _check_use_payment_method(self, wanted: RawValue) -> None:
        checked(invoices.parse_use_payment_method, wanted)
