"""Changes of plan, and the end."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import subscription
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class PlanDoor(Door):
    """Takes changes of plan and cancellations."""

    @workflow.update(description="Change the plan; a preview moves nothing.")
    async def change_plan(self, wanted: RawValue) -> Answer:
        """Answer `preview`, `changed`, `scheduled`, `declined`, `pending` or `refused`."""
        return await self._ask("change_plan", subscription.parse_change_plan(payload(wanted)))

    @change_plan.validator
    def _check_change_plan(self, wanted: RawValue) -> None:
        checked(subscription.parse_change_plan, wanted)

    @workflow.update(description="End at the period's end, or now; a preview moves nothing.")
    async def cancel(self, wanted: RawValue) -> Answer:
        """Answer `preview`, `canceled`, `ended` or `refused`."""
        return await self._ask("cancel", subscription.parse_cancel(payload(wanted)))

    @cancel.validator
    def _check_cancel(self, wanted: RawValue) -> None:
        checked(subscription.parse_cancel, wanted)

    @workflow.update(description="Operators: move to another version of the plan.")
    async def migrate_plan(self, wanted: RawValue) -> Answer:
        """Answer `preview`, `changed`, `scheduled`, `unchanged` or `refused`."""
        return await self._ask("migrate_plan", subscription.parse_migrate_plan(payload(wanted)))

    @migrate_plan.validator
    def _check_migrate_plan(self, wanted: RawValue) -> None:
        checked(subscription.parse_migrate_plan, wanted)
