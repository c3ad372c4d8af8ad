"""Promotion codes of the processor: looked up beside the loop, which does not wait for it."""

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.payments.processor import PaymentActivities
    from activities.purchases.buyers import Buyer
    from domain.messages.answers import refused
    from domain.pricing.promotions import CodeWanted, LookedUp
from workflows.options import INTERACTIVE, LOOK_UP, PROCESSOR, ranked
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer, Command

UNAVAILABLE = "processor_unavailable"


async def looked_up(
    wanted: CodeWanted, customer_id: str, *, patient: bool = False
) -> LookedUp | None:
    """Return what the processor says about a code; None: it does not answer in good time.

    `patient`: nobody waits for the answer, so that it may take as long as the processor is away.
    """
    try:
        return await workflow.execute_activity_method(
            PaymentActivities.look_up,
            wanted,
            summary="look a promotion code up",
            **ranked(PROCESSOR if patient else LOOK_UP, INTERACTIVE, customer_id),
        )
    except ActivityError:
        return None


def look_up(
    context: Context,
    buyer: Buyer,
    ticket: int,
    again: Callable[[int, LookedUp], Awaitable[Answer | None]],
) -> None:
    """Carry a purchase out again once the processor has said what its code promises.

    Without its word nothing is bought, at no price: the same key can be sent again.
    """

    async def told(said: LookedUp | None) -> None:
        if said is None:
            context.mailbox.answer(ticket, refused(UNAVAILABLE))
            return
        # In its turn, like a message that has just come: the subscription may have ended meanwhile.
        context.mailbox.put(Command("purchase", None, lambda one: again(one, said), ticket))

    wanted = CodeWanted(buyer.coupon, buyer.payer)
    call = asyncio.create_task(looked_up(wanted, buyer.customer_id))
    context.pending_calls.start(call, told)
