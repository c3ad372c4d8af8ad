"""A customer's balance by credit type, every number of one snapshot, so that they tie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from domain.credits import format_credits
from domain.pricing.catalog import Plan
from domain.pricing.forecast import Forecast, forecast
from domain.pricing.purchase_price import auto_price
from domain.teams.members import monthly_goal
from ledger import grants
from ledger.reads import wallets
from ledger.reads.coming import Coming, coming
from ledger.reads.wallets import AutoNow, GrantNow, WalletNow

DAY_SECONDS = 86_400
OF_THE_PLAN = ("allowance", "trial", "rollover")  # all others are extra credits
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a balance is made of; all of it was read in one snapshot."""

    wallet: WalletNow
    plan: Plan | None
    grants: tuple[GrantNow, ...]
    included: Mapping[str, int]
    used: Mapping[str, int]
    owed: Mapping[str, int]
    auto: AutoNow | None
    burns: Mapping[str, Sequence[int]]
    coming: tuple[Coming, ...] = ()
    monthly_goal: int | None = None  # of each member, in micro-credits of the plan's main type

    def credit_types(self) -> list[str]:
        """Return every type that the plan gives or sells, or that something is known of."""
        plan = self.plan
        sold = (*plan.allowances, *plan.packs, plan.manual, plan.auto) if plan else ()
        names = [one.credit_type for one in sold if one is not None]
        names += [one.credit_type for one in self.grants]
        return list(dict.fromkeys([*names, *sorted({*self.used, *self.owed})]))


def standing(connection: Connection, account_id: int, at: datetime) -> Standing:
    """Read a customer's standing as of `at`, or as of the wallet's own time if that is later."""
    wallet = wallets.wallet_now(connection, account_id, at)
    subscription = wallets.subscription_of(connection, account_id)
    begun = wallet.window_start is not None
    included, owed = wallets.included_and_owed(connection, wallet)
    plan = value_to_type(Plan, subscription["plan"]) if subscription else None
    period_start = subscription["period_start"] if subscription else None
    return Standing(
        wallet=wallet,
        plan=plan,
        grants=wallets.grants_now(connection, wallet),
        included=included,
        used=wallets.used_of_each(connection, wallet) if begun else {},
        owed=owed,
        auto=wallets.auto_now(connection, wallet),
        burns=wallets.burns_of_each(connection, wallet),
        coming=coming(connection, account_id) if wallet.awaits_money else (),
        monthly_goal=goal_of_each(connection, wallet, plan, period_start),
    )


def goal_of_each(
    connection: Connection, wallet: WalletNow, plan: Plan | None, period_start: datetime | None
) -> int | None:
    """Return what each member should use in a month, in micro-credits; None: there is no goal."""
    since = period_start or wallet.window_start
    if plan is None or since is None or not wallet.members:
        return None
    granted = grants.allowance_of(connection, wallet.account_id, plan.main_credit_type, since)
    return monthly_goal(granted, wallet.members, plan.interval.months)


def balance(customer_id: str, found: Standing) -> Json:
    """Return the balance as JSON values, credits as decimal texts."""
    return {
        "customer_id": customer_id,
        "seq": found.wallet.seq,
        "at": found.wallet.at.isoformat(),
        "credit_types": {kind: _of_type(found, kind) for kind in found.credit_types()},
        "on_its_way": [_coming(one) for one in found.coming],
    }


def _of_type(found: Standing, kind: str) -> Json:
    """Return one type: `available` = `included_available` + `extra_available` = its grants' sum."""
    parts = [one for one in found.grants if one.credit_type == kind]
    available = sum(one.available for one in parts)
    included = sum(one.available for one in parts if one.source in OF_THE_PLAN)
    ahead = _forecast(found, kind, available)
    pack = ahead.suggested
    return {
        "available": format_credits(available),
        "included_available": format_credits(included),
        "extra_available": format_credits(available - included),
        "held": format_credits(sum(one.held for one in parts)),
        "frozen": format_credits(sum(one.frozen for one in parts)),
        "owed": format_credits(found.owed.get(kind, 0)),
        "included": format_credits(found.included.get(kind, 0)),
        "used": format_credits(found.used.get(kind, 0)),
        "next_reset_at": _next_reset(found, kind),
        "per_day": format_credits(ahead.per_day_micro),
        "days_to_empty": ahead.days_left,
        "suggested_pack": pack and pack.pack_id,
        "monthly_goal": _goal(found, kind),
        "auto_purchase": _auto(found, kind),
        "grants": [_grant(one) for one in parts],
    }


def _forecast(found: Standing, kind: str, available: int) -> Forecast:
    plan, end = found.plan, found.wallet.window_end
    packs = [one for one in plan.packs if one.credit_type == kind] if plan and plan.paid else []
    left = int((end - found.wallet.at).total_seconds()) if end else 0
    days = max(-(-left // DAY_SECONDS), 1)
    return forecast(available, found.burns.get(kind, ()), packs, days)


def _goal(found: Standing, kind: str) -> str | None:
    if found.monthly_goal is None or found.plan is None or found.plan.main_credit_type != kind:
        return None
    return format_credits(found.monthly_goal)


def _next_reset(found: Standing, kind: str) -> str | None:
    """Return when the plan gives this type again; None: it does not."""
    end = found.wallet.window_end
    if end is None or found.plan is None or not found.plan.allowance_micro(kind):
        return None
    return end.isoformat() if found.wallet.state == "active" else None


def _auto(found: Standing, kind: str) -> Json | None:
    auto, plan = found.auto, found.plan
    if auto is None or auto.credit_type != kind:
        return None
    units = max(auto.cap - auto.bought, 0) // auto.unit
    told: Json = {
        "on": auto.on,
        "card_usable": auto.card_usable,
        "in_flight": auto.in_flight,
        "unit": format_credits(auto.unit),
        "cap": format_credits(auto.cap),
        "bought": format_credits(auto.bought),
        "left": format_credits(units * auto.unit),
        "units_left": units,
    }
    if plan is not None and plan.auto is not None:
        sold = plan.auto
        base, more = auto_price(sold, sold.unit_micro, plan.currency)
        told |= {
            "unit_price_minor": base + more,
            "unit_surcharge_minor": more,
            "currency": plan.currency,
        }
    return told


def _coming(one: Coming) -> Json:
    """Return money on its way, and what it buys: with the money, or `granted` before it."""
    return {
        "charge_id": one.charge_id,
        "kind": one.kind,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "credits": None if one.quantity_micro is None else format_credits(one.quantity_micro),
        "credit_type": one.credit_type,
        "granted": one.granted,
        "since": one.opened_at.isoformat(),
        "invoice": dict(one.sent) if one.sent else None,
    }


def _grant(one: GrantNow) -> Json:
    """Return a grant with until when and why: its source, its charge, an operator's reason."""
    tags = one.tags or {}
    return {
        "grant_id": one.grant_id,
        "source": one.source,
        "charge_id": one.charge_id,
        "reason": tags.get("reason") or tags.get("bonus"),
        "granted": format_credits(one.granted),
        "used": format_credits(one.used),
        "available": format_credits(one.available),
        "held": format_credits(one.held),
        "frozen": format_credits(one.frozen),
        "effective_at": one.effective_at.isoformat(),
        "expires_at": one.expires_at.isoformat() if one.expires_at else None,
        "actions": one.scope,
    }
