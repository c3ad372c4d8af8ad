"""Packs and bonuses."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import purchases as messages
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class PurchaseDoor(Door):
    """Takes purchases of packs and gifts of bonuses."""

    @workflow.update(description="Buy packs of credits.")
    async def buy_pack(self, wanted: RawValue) -> Answer:
        """Answer `paid`, `declined`, `pending` or `refused`."""
        return await self._ask("buy_pack", messages.parse_buy_pack(payload(wanted)))

    @buy_pack.validator
    def _check_buy_pack(self, wanted: RawValue) -> None:
        checked(messages.parse_buy_pack, wanted)

    @workflow.update(description="Give a bonus once per invitee.")
    async def give_bonus(self, wanted: RawValue) -> Answer:
        """Answer `given`, `repeated` or `refused`."""
        return await self._ask("give_bonus", messages.parse_give_bonus(payload(wanted)))

    @give_bonus.validator
    def _check_give_bonus(self, wanted: RawValue) -> None:
        checked(messages.parse_give_bonus, wanted)
