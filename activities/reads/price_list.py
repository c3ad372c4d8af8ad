"""A price list as a pricing page needs it: what is sold now, and nothing of how it is run."""

from datetime import datetime
from typing import Any

from domain.credits import format_credits
from domain.payments.kinds import TakenKinds
from domain.periods import Interval
from domain.pricing.catalog import Action, Catalog, Pack, Plan
from domain.pricing.in_currency import currencies_of, plan_in
from domain.pricing.purchase_price import manual_price

Json = dict[str, Any]


def price_list(catalog: Catalog, at: datetime, *, whole: bool = False) -> Json:
    """Return the newest version of each public plan, and each action's rate in force at `at`.

    A list of several currencies has each plan once for each, which its `currency` tells apart.
    `whole`: also of those that are not public. Whether a plan is shown, its newest version says.
    """
    newest = {one.plan_id: catalog.plan(one.plan_id) for one in catalog.plans}
    currencies = currencies_of(catalog)
    shown = [
        plan_in(catalog, one.plan_id, currency=code)
        for one in newest.values()
        if whole or catalog.is_public(one)
        for code in currencies
    ]
    return {
        "catalog": catalog.name,
        "brand": catalog.brand,
        "currency": catalog.currency,
        "currencies": currencies,
        "credit_types": [
            {"credit_type": one.credit_type, "name": one.name, "decimals": one.decimals}
            for one in catalog.credit_types
        ],
        "actions": [
            _action(one, at) for one in catalog.actions if one.rates[0].effective_from <= at
        ],
        "plans": [_plan(one) | {"public": catalog.is_public(one)} for one in shown],
    }


def _action(action: Action, at: datetime) -> Json:
    rate = action.rate_at(at)
    return {
        "action": action.action_id,
        "name": action.name,
        "free": rate.free,
        "once_per": action.once_per,
        "ways": [
            {
                "credit_type": way.credit_type,
                "credits": format_credits(way.rate.credits_micro),
                "per": format_credits(way.rate.per_micro),
                "rounding": way.rate.rounding.value,
                "ask": way.ask.value,
            }
            for way in rate.ways
        ],
    }


def _plan(plan: Plan) -> Json:
    return {
        "plan_id": plan.plan_id,
        "version": plan.version,
        "name": plan.name,
        "family": plan.family,
        "price_minor": plan.price_minor,
        "currency": plan.currency,
        "tax": plan.tax.behavior.value if plan.tax else None,
        "payment_methods": _taken(plan.takes),
        "interval": _every(plan.interval),
        "allowance_every": _every(plan.window),
        "allowances": [
            {
                "credit_type": one.credit_type,
                "credits": format_credits(one.quantity_micro),
                "actions": one.scope,
                "rolls_over": one.rollover is not None,
            }
            for one in plan.allowances
        ],
        "trial_days": plan.trial.days if plan.trial else None,
        "purchases": _manual(plan),
        "auto_purchase": _auto(plan),
        "packs": [_pack(one) for one in plan.packs],
        "extras_expire": plan.extras_expire.value,
    }


def _taken(takes: TakenKinds) -> Json:
    return {
        "plan": list(takes.plan),
        "purchases": list(takes.purchases),
        "auto": list(takes.auto),
        "due_days": takes.due_days if takes.invoiced or takes.sells_by_invoice else None,
    }


def _every(interval: Interval) -> Json:
    return {"unit": interval.unit.value, "count": interval.count}


def _manual(plan: Plan) -> Json | None:
    sold = plan.manual
    if sold is None or not plan.paid:
        return None
    return {
        "credit_type": sold.credit_type,
        "unit": format_credits(sold.unit_micro),
        "unit_price_minor": manual_price(sold, sold.unit_micro, plan.currency).amount_minor,
    }


def _auto(plan: Plan) -> Json | None:
    sold = plan.auto
    if sold is None or not plan.paid:
        return None
    return {
        "credit_type": sold.credit_type,
        "unit": format_credits(sold.unit_micro),
        "surcharge_percent": f"{sold.surcharge_percent.num}/{sold.surcharge_percent.den}",
        "most_units": sold.units_per_window,
    }


def _pack(pack: Pack) -> Json:
    return {
        "pack": pack.pack_id,
        "name": pack.name,
        "credit_type": pack.credit_type,
        "credits": format_credits(pack.quantity_micro),
        "price_minor": pack.price_minor,
        "expires": pack.expires.value,
    }
