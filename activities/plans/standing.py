"""What a customer may still do: room under the cap, plan changes, frozen credits."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from activities.plans.upgrades import PlanRequest, quoted_change
from activities.purchases.buyers import Buyer
from domain.credits import format_credits
from domain.errors import InvalidInput
from domain.pricing.catalog import Catalog, Plan
from domain.subscription import Status
from ledger import accounts, balances, room, subscriptions
from ledger.reports.members import limits_of


def room_of(connection: Connection, account_id: int, at: datetime) -> dict[str, Any]:
    """Return what auto-purchase may still buy and what is frozen, credits as decimal texts."""
    left = room.cap_left(connection, account_id, at)
    frozen = room.frozen_of_each(connection, account_id, at)
    told: dict[str, Any] = {
        "frozen": {kind: format_credits(micro) for kind, micro in frozen.items()}
    }
    if left is not None:
        told["auto_purchase"] = {
            "on": left.on,
            "cap": format_credits(left.cap_micro),
            "bought": format_credits(left.bought_micro),
            "left": format_credits(left.units * left.unit_micro),
            "units_left": left.units,
        }
    return told


def share_of(
    connection: Connection, account_id: int, member: str, credit_type: str, at: datetime
) -> dict[str, str | None]:
    """Return what a member may use: the smaller of the pool and the rest of the member's limit."""
    pool = balances.available(connection, account_id, credit_type, at)
    own = [
        one.left_micro or 0
        for one in limits_of(connection, account_id, member)
        if one.credit_type == credit_type
    ]
    return {
        "member": member,
        "left_of_limit": format_credits(own[0]) if own else None,
        "can_use": format_credits(min((pool, *(max(left, 0) for left in own)))),
    }


def changes_of(
    connection: Connection, catalog: Catalog, subscription_id: str, at: datetime
) -> list[dict[str, Any]]:
    """Return what changing to each other plan would cost now; empty if no change is possible."""
    kept = subscriptions.stored(connection, subscription_id)
    status = subscriptions.status_of(connection, subscription_id)
    plan = value_to_type(Plan, kept.plan)
    if status not in (Status.ACTIVE, Status.TRIALING) or kept.period().end <= at:
        return []
    customer = accounts.details_of(connection, kept.account_id)
    buyer = Buyer(
        subscription_id=subscription_id,
        customer_id=customer.customer_id,
        account_id=kept.account_id,
        payer=customer.payer or "",
        plan=plan,
        period=kept.period(),
        window=kept.period(),
        at=at,
    )
    others = sorted({one.plan_id for one in catalog.plans} - {plan.plan_id})
    return [
        _change(catalog, PlanRequest(buyer, one, kept.anchor, kept.time_zone)) for one in others
    ]


def _change(catalog: Catalog, request: PlanRequest) -> dict[str, Any]:
    try:
        quote = quoted_change(catalog, request).quote
    except InvalidInput as error:
        return {"plan": request.plan_id, "refused": error.reason}
    return {
        "plan": quote.plan_id,
        "kind": quote.kind.value,
        "amount_minor": quote.amount_minor,
        "currency": quote.currency,
        "price_minor": quote.price_minor,
        "effective_at": quote.effective_at.isoformat(),
    }
