"""All that a product needs of a customer at sign-in, but what each action would come to now."""

from typing import Any

from sqlalchemy import Connection

from activities.reads.balance import Json, Standing, balance
from domain.credits import format_credits
from domain.pricing.discounts import Coupon, less
from domain.reasons import CURES
from ledger import accounts
from ledger.payments.coupons import lasting
from ledger.reads import lists, wallets


def customer(connection: Connection, found: Standing) -> Json:
    """Return a customer's state, of the snapshot in which the standing was read."""
    account_id = found.wallet.account_id
    details = accounts.details_of(connection, account_id)
    refusal = found.wallet.refusal
    return {
        **balance(details.customer_id, found),
        "name": details.name,
        "email": details.email,
        "locale": details.locale,
        "time_zone": details.time_zone,
        "has_payment_method": details.payment_method is not None,
        "subscription": _subscription(wallets.subscription_of(connection, account_id)),
        "serves": refusal is None,
        "refusal": refusal and {"reason": refusal, "cure": CURES.get(refusal, "")},
        "pauses": _pauses(connection, found),
        "open_requests": [_request(one) for one in lists.waiting_approvals(connection, account_id)],
    }


def _subscription(row: Json | None) -> Json | None:
    if row is None:
        return None
    plan, following = row["plan"], row["next_plan"]
    coupon = lasting(row["coupon_terms"], row["coupon_periods"], row["period_end"])
    return {
        "subscription_id": row["subscription_id"],
        "status": row["status"],
        "catalog": plan.get("catalog"),
        "plan": _plan(plan),
        "next_plan": following and _plan(following),
        "period_start": _text(row["period_start"]),
        "period_end": _text(row["period_end"]),
        "trial_ends_at": _text(row["trial_ends_at"]),
        "cancel_at_end": row["cancel_at_end"],
        "coupon": coupon and coupon.code,
        "renewal_minor": None if row["cancel_at_end"] else _renewal(following or plan, coupon),
    }


def _renewal(plan: Json, coupon: Coupon | None) -> int:
    """Return what the next period costs, in minor units and without a tax that is added."""
    return less(coupon, plan["price_minor"], plan["currency"])


def _plan(plan: Json) -> Json:
    return {
        "plan_id": plan.get("plan_id"),
        "version": plan.get("version"),
        "name": plan["name"],
        "price_minor": plan["price_minor"],
        "currency": plan["currency"],
    }


def _pauses(connection: Connection, found: Standing) -> list[Json]:
    """Return why the wallet is paused now, since when and by whom."""
    if not found.wallet.paused_by:
        return []
    last = {one.cause: one for one in accounts.pauses(connection, found.wallet.account_id)}
    told = []
    for cause in found.wallet.paused_by:
        note = last.get(cause)
        told.append(
            {
                "cause": cause,
                "since": note.at.isoformat() if note else None,
                "reason": (note.reason or None) if note else None,
                "by": (note.by or None) if note else None,
                "cure": CURES.get(f"paused:{cause}", ""),
            }
        )
    return told


def _request(row: Json) -> Json:
    return {
        "key": row["key"],
        "kind": row["kind"],
        "member": row["member_id"],
        "credit_type": row["credit_type"],
        "credits": format_credits(row["amount"]),
        "note": row["note"],
        "asked_at": _text(row["asked_at"]),
        "lapses_at": _text(row["lapses_at"]),
    }


def _text(at: Any) -> str | None:
    return at.isoformat() if at is not None else None
