"""Bonuses: credits given for something outside billing."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.purchases.bonuses import BonusActivities, BonusGift
    from domain.messages.answers import credit_text, refused
    from domain.messages.purchases import GiveBonus, parse_give_bonus
    from domain.outcomes import Outcome
from workflows.options import LEDGER, short
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Update


async def _give_bonus(context: Context, request: GiveBonus, _ticket: int) -> Answer:
    """Answer `given`, `repeated` or `refused`."""
    given = await workflow.execute_activity_method(
        BonusActivities.give_bonus,
        BonusGift(context.settler.buyer(), request),
        summary=short(f"give {request.bonus_id} for {request.invitee}"),
        **LEDGER,
    )
    if given.status not in (Outcome.GIVEN, Outcome.REPEATED):
        return refused(given.status)
    if given.credit_type == context.state.plan_in_force().credit_type:
        context.state.credits_came(given.available_micro, workflow.now())
    return {
        "status": given.status,
        "credits": credit_text(given.quantity_micro),
        "available": credit_text(given.available_micro),
    }


MESSAGES = (
    Update(
        "give_bonus",
        "Give a bonus once per invitee.",
        parse_give_bonus,
        _give_bonus,
    ),
)
