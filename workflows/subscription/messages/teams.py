"""Teams: members, and requests that wait for admins in workflows of their own."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.teams.approvals import ApprovalActivities, Asking
    from activities.teams.members import MemberChange, MemberRemoval, TeamActivities
    from domain.messages.answers import credit_text, refused
    from domain.messages.teams import (
        parse_remove_member,
        parse_request_approval,
        parse_request_credits,
        parse_set_member,
    )
    from domain.outcomes import Outcome
    from domain.teams.approvals import ApprovalRequest, State
    from domain.teams.members import Member
from workflows import names
from workflows.options import LEDGER, short
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Update

STATES = frozenset(State)


async def _set_member(context: Context, member: Member, _ticket: int) -> Answer:
    """Answer `done` or `refused`."""
    await workflow.execute_activity_method(
        TeamActivities.set_member,
        MemberChange(context.settler.buyer(), member),
        summary=f"set member {member.member_id}",
        **LEDGER,
    )
    return {"status": "done", "member": member.member_id}


async def _remove_member(context: Context, member_id: str, _ticket: int) -> Answer:
    """Answer `done` or `refused`."""
    status = await workflow.execute_activity_method(
        TeamActivities.remove_member,
        MemberRemoval(context.settler.buyer(), member_id),
        summary=f"remove member {member_id}",
        **LEDGER,
    )
    return {"status": "done", "member": member_id} if status == Outcome.REMOVED else refused(status)


async def _request(context: Context, wish: ApprovalRequest, _ticket: int) -> Answer:
    """Answer where the request stands, or `refused`."""
    workflow_id = names.approval_workflow(context.state.subscription_id, wish.key)
    asked = await workflow.execute_activity_method(
        ApprovalActivities.ask,
        Asking(context.settler.buyer(), wish, workflow_id, names.BILLING),
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


MESSAGES = (
    Update(
        "set_member",
        "Add or change a member: role, restriction, limits per window.",
        parse_set_member,
        _set_member,
    ),
    Update(
        "remove_member",
        "Remove a member; what they used stays in the history.",
        parse_remove_member,
        _remove_member,
    ),
    Update(
        "request_approval",
        "Ask an admin for an operation above the plan's limit.",
        parse_request_approval,
        _request,
    ),
    Update(
        "request_credits",
        "Ask an admin for credits above the member's limit in this window.",
        parse_request_credits,
        _request,
    ),
)
