"""Teams: the members of a customer."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain import team_messages
from workflows.doors.door import Door, checked
from workflows.inbox import Answer, payload


class TeamDoor(Door):
    """Takes changes of the team."""

    @workflow.update(description="Make or change a member: role, restriction, limits per window.")
    async def set_member(self, member: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        return await self._ask("set_member", team_messages.parse_set_member(payload(member)))

    @set_member.validator
    def _check_set_member(self, member: RawValue) -> None:
        checked(team_messages.parse_set_member, member)

    @workflow.update(description="Remove a member; what they used stays in the history.")
    async def remove_member(self, member: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        return await self._ask("remove_member", team_messages.parse_remove_member(payload(member)))

    @remove_member.validator
    def _check_remove_member(self, member: RawValue) -> None:
        checked(team_messages.parse_remove_member, member)
