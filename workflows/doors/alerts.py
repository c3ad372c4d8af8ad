"""Alerts and notices."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import alerts
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class AlertDoor(Door):
    """Takes what customers ask of alerts and of what they were told."""

    @workflow.update(description="Set the balances at which the customer is told, or the plan's.")
    async def set_alerts(self, wanted: RawValue) -> Answer:
        """Answer `done` with the thresholds in force."""
        return await self._ask("set_alerts", alerts.parse_set_alerts(payload(wanted)))

    @set_alerts.validator
    def _check_set_alerts(self, wanted: RawValue) -> None:
        checked(alerts.parse_set_alerts, wanted)

    @workflow.update(description="List the newest notices, or those that nobody has read.")
    async def list_notices(self, message: RawValue) -> Answer:
        """Answer `done` with the notices."""
        return await self._ask("list_notices", alerts.parse_list_notices(payload(message)))

    @list_notices.validator
    def _check_list_notices(self, message: RawValue) -> None:
        checked(alerts.parse_list_notices, message)

    @workflow.update(description="Mark notices as read.")
    async def read_notices(self, wanted: RawValue) -> Answer:
        """Answer `done` and how many were unread until now."""
        return await self._ask("read_notices", alerts.parse_read_notices(payload(wanted)))

    @read_notices.validator
    def _check_read_notices(self, wanted: RawValue) -> None:
        checked(alerts.parse_read_notices, wanted)
