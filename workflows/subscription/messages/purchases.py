"""Purchases by the customer: extra credits, packs, and the switch of auto-purchase."""

from dataclasses import replace
from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.purchases.buyers import Buyer
    from activities.purchases.extra_credits import PurchaseActivities, Switch
    from activities.purchases.offers import OfferActivities
    from domain.messages.answers import refused
    from domain.messages.purchases import (
        BuyCredits,
        BuyPack,
        SetAutoPurchase,
        parse_buy_credits,
        parse_buy_pack,
        parse_set_auto_purchase,
    )
    from domain.outcomes import Outcome
    from domain.pricing.promotions import LookedUp
from workflows.options import LEDGER, short
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Update
from workflows.subscription.payments.promotions import look_up


async def _buy_credits(
    context: Context, request: BuyCredits, ticket: int, looked_up: LookedUp | None = None
) -> Answer | None:
    """Answer `paid`, `declined`, `pending` or `refused`."""
    buyer = _buyer(context, request, looked_up)
    purchase = await workflow.execute_activity_method(
        OfferActivities.open_manual,
        args=[buyer, request.key, request.quantity_micro],
        summary=short(f"open purchase {request.key}"),
        **LEDGER,
    )
    if purchase.asks:
        look_up(context, buyer, ticket, partial(_buy_credits, context, request))
        return None
    return context.asked_for(purchase, buyer.window.end, ticket)


async def _buy_pack(
    context: Context, request: BuyPack, ticket: int, looked_up: LookedUp | None = None
) -> Answer | None:
    """Answer `paid`, `declined`, `pending` or `refused`."""
    buyer = _buyer(context, request, looked_up)
    purchase = await workflow.execute_activity_method(
        OfferActivities.open_pack,
        args=[buyer, request.key, request.pack_id, request.count],
        summary=short(f"open {request.count} of pack {request.pack_id}"),
        **LEDGER,
    )
    if purchase.asks:
        look_up(context, buyer, ticket, partial(_buy_pack, context, request))
        return None
    return context.asked_for(purchase, buyer.window.end, ticket)


def _buyer(context: Context, request: BuyCredits | BuyPack, looked_up: LookedUp | None) -> Buyer:
    return replace(
        context.settler.buyer(),
        expected_minor=request.expected_minor,
        coupon=request.coupon,
        looked_up=looked_up,
    )


async def _set_auto_purchase(context: Context, request: SetAutoPurchase, _ticket: int) -> Answer:
    """Answer `done` or `refused`."""
    answer = {"status": "done", "auto_purchase": request.on}
    keyed = context.keyed(request.key, f"set_auto_purchase {'on' if request.on else 'off'}", answer)
    if (before := await context.first_answer(keyed)) is not None:
        return before
    status = await workflow.execute_activity_method(
        PurchaseActivities.set_auto_purchase,
        Switch(context.settler.buyer(), request.on, keyed),
        summary=f"auto-purchase {'on' if request.on else 'off'}",
        **LEDGER,
    )
    if status != Outcome.DONE:
        return refused(status)
    context.state.switch_auto_purchase(on=request.on)
    return answer


MESSAGES = (
    Update(
        "buy_credits",
        "Buy extra credits by hand.",
        parse_buy_credits,
        _buy_credits,
    ),
    Update(
        "buy_pack",
        "Buy packs of credits.",
        parse_buy_pack,
        _buy_pack,
    ),
    Update(
        "set_auto_purchase",
        "Switch auto-purchase on or off.",
        parse_set_auto_purchase,
        _set_auto_purchase,
    ),
)
