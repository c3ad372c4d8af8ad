"""Teams: members, and what they ask admins for."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import teams
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class TeamDoor(Door):
    """Takes changes of the team, and requests of its members."""

    @workflow.update(description="Make or change a member: role, restriction, limits per window.")
    async def set_member(self, member: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        return await self._ask("set_member", teams.parse_set_member(payload(member)))

    @set_member.validator
    def _check_set_member(self, member: RawValue) -> None:
        checked(teams.parse_set_member, member)

    @workflow.update(description="Remove a member; what they used stays in the history.")
    async def remove_member(self, member: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        return await self._ask("remove_member", teams.parse_remove_member(payload(member)))

    @remove_member.validator
    def _check_remove_member(self, member: RawValue) -> None:
        checked(teams.parse_remove_member, member)

    @workflow.update(description="Ask an admin for an operation above the plan's limit.")
    async def request_approval(self, wish: RawValue) -> Answer:
        """Answer where the request stands, or `refused`."""
        parsed = teams.parse_request_approval(payload(wish))
        return await self._ask("request_approval", parsed)

    @request_approval.validator
    def _check_request_approval(self, wish: RawValue) -> None:
        checked(teams.parse_request_approval, wish)

    @workflow.update(description="Ask an admin for credits above one's own limit, this window.")
    async def request_credits(self, wish: RawValue) -> Answer:
        """Answer where the request stands, or `refused`."""
        parsed = teams.parse_request_credits(payload(wish))
        return await self._ask("request_credits", parsed)

    @request_credits.validator
    def _check_request_credits(self, wish: RawValue) -> None:
        checked(teams.parse_request_credits, wish)
