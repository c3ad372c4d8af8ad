"""Changes of plan, and the end."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain import messages
from workflows.doors.door import Door, checked
from workflows.inbox import Answer, payload


class PlanDoor(Door):
    """Takes changes of plan and cancellations."""

    @workflow.update(description="Change the plan; a preview moves nothing.")
    async def change_plan(self, wanted: RawValue) -> Answer:
        """Answer `preview`, `changed`, `scheduled`, `declined`, `pending` or `refused`."""
        return await self._ask("change_plan", messages.parse_change_plan(payload(wanted)))

    @change_plan.validator
    def _check_change_plan(self, wanted: RawValue) -> None:
        checked(messages.parse_change_plan, wanted)

    @workflow.update(description="End at the period's end, or now.")
    async def cancel(self, wanted: RawValue) -> Answer:
        """Answer `canceled`, `ended` or `refused`."""
        return await self._ask("cancel", messages.parse_cancel(payload(wanted)))

    @cancel.validator
    def _check_cancel(self, wanted: RawValue) -> None:
        checked(messages.parse_cancel, wanted)
