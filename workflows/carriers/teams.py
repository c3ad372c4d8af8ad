"""Teams: the members of a customer."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.teams import MemberChange, MemberRemoval, TeamActivities
    from domain.teams import Member
from workflows.carriers.parts import Carrier, Parts
from workflows.inbox import Answer, refused
from workflows.options import LEDGER


class TeamCarriers:
    """Carries out changes of the team."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "set_member": self._set_member,
            "remove_member": self._remove_member,
        }

    async def _set_member(self, member: Member, _ticket: int) -> Answer:
        await workflow.execute_activity_method(
            TeamActivities.set_member,
            MemberChange(self._parts.settler.buyer(), member),
            summary=f"set member {member.member_id}",
            **LEDGER,
        )
        return {"status": "done", "member": member.member_id}

    async def _remove_member(self, member_id: str, _ticket: int) -> Answer:
        status = await workflow.execute_activity_method(
            TeamActivities.remove_member,
            MemberRemoval(self._parts.settler.buyer(), member_id),
            summary=f"remove member {member_id}",
            **LEDGER,
        )
        return {"status": "done", "member": member_id} if status == "removed" else refused(status)
