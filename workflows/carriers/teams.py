"""Teams: members, and the approvals that wait for admins in workflows of their own."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.teams.approvals import ApprovalActivities, Asking
    from activities.teams.members import MemberChange, MemberRemoval, TeamActivities
    from domain.approvals import State, Wish
    from domain.teams import Member
from workflows import names
from workflows.options import LEDGER, short
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, credit_text, refused

STATES = frozenset(State)


class TeamCarriers:
    """Carries out changes of the team, and opens requests."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "set_member": self._set_member,
            "remove_member": self._remove_member,
            "request_approval": self._request,
            "request_credits": self._request,
        }

    async def _set_member(self, member: Member, _ticket: int) -> Answer:
        await workflow.execute_activity_method(
            TeamActivities.set_member,
            MemberChange(self._context.settler.buyer(), member),
            summary=f"set member {member.member_id}",
            **LEDGER,
        )
        return {"status": "done", "member": member.member_id}

    async def _remove_member(self, member_id: str, _ticket: int) -> Answer:
        status = await workflow.execute_activity_method(
            TeamActivities.remove_member,
            MemberRemoval(self._context.settler.buyer(), member_id),
            summary=f"remove member {member_id}",
            **LEDGER,
        )
        return {"status": "done", "member": member_id} if status == "removed" else refused(status)

    async def _request(self, wish: Wish, _ticket: int) -> Answer:
        workflow_id = names.approval_workflow(self._state.subscription_id, wish.key)
        asked = await workflow.execute_activity_method(
            ApprovalActivities.ask,
            Asking(self._context.settler.buyer(), wish, workflow_id, names.BILLING),
            summary=short(f"{wish.member_id} asks for {wish.kind.value} {wish.key}"),
            **LEDGER,
        )
        if asked.status not in STATES or asked.lapses_at is None:
            return refused(asked.status)
        return {
            "status": asked.status,
            "approval": workflow_id,
            "credits": credit_text(asked.amount_micro),
            "credit_type": asked.credit_type,
            "lapses_at": asked.lapses_at.isoformat(),
        }
