"""Money that goes back."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import refunds
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class ReturnDoor(Door):
    """Takes refunds, and news of money that went back at the processor."""

    @workflow.update(description="Operators: send money of a charge back; a preview moves nothing.")
    async def refund(self, wanted: RawValue) -> Answer:
        """Answer `refunded`, `preview`, `pending` or `refused`."""
        return await self._ask("refund", refunds.parse_refund(payload(wanted)))

    @refund.validator
    def _check_refund(self, wanted: RawValue) -> None:
        checked(refunds.parse_refund, wanted)

    @workflow.signal(
        description="Money of an invoice went back or came back: it is booked already."
    )
    def money_returned(self, message: RawValue) -> None:
        """Read from the ledger what that changed."""
        self._enqueue_reference("money_returned", "invoice", message)
