"""Extra credits."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import subscription
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class CreditDoor(Door):
    """Takes what customers ask of extra credits."""

    @workflow.update(description="Buy extra credits by hand.")
    async def buy_credits(self, wanted: RawValue) -> Answer:
        """Answer `paid`, `declined`, `pending` or `refused`."""
        return await self._ask("buy_credits", subscription.parse_buy_credits(payload(wanted)))

    @buy_credits.validator
    def _check_buy_credits(self, wanted: RawValue) -> None:
        checked(subscription.parse_buy_credits, wanted)

    @workflow.update(description="Switch auto-purchase on or off.")
    async def set_auto_purchase(self, wanted: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        parsed = subscription.parse_set_auto_purchase(payload(wanted))
        return await self._ask("set_auto_purchase", parsed)

    @set_auto_purchase.validator
    def _check_set_auto_purchase(self, wanted: RawValue) -> None:
        checked(subscription.parse_set_auto_purchase, wanted)
