"""The plans of a price list as people compare them."""

from dataclasses import dataclass
from fractions import Fraction

from api.pages.asking import Json
from api.pages.customer.visits import Visit
from api.pages.customer.words import Words
from domain.credits import MICRO
from domain.payments.kinds import PaymentKind
from domain.payments.taxes import TaxBehavior

EXPIRES = {
    "never": "Extra credits never expire",
    "period_end": "Extra credits last until the plan's period ends",
    "window_end": "Extra credits last until the next reset",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan: its price with how often, what it includes, and what may be bought beside it."""

    plan_id: str
    name: str
    price: str
    every: str
    points: list[str]
    is_current: bool
    is_next: bool


def offers_of(visit: Visit, prices: Json) -> list[Offer]:
    """Return the plans of the customer's currency, in the price list's order."""
    following = visit.standing.subscription["next_plan"]
    next_id = following["plan_id"] if following else ""
    return [
        Offer(
            plan_id=plan["plan_id"],
            name=plan["name"],
            price=visit.show.money(plan["price_minor"], plan["currency"]),
            every=_every(plan["interval"]) + _plus_tax(plan),
            points=[*_included(visit, plan), *_paid_by(plan), *_beside(visit, plan)],
            is_current=plan["plan_id"] == visit.plan.plan_id,
            is_next=plan["plan_id"] == next_id,
        )
        for plan in prices["plans"]
        if plan["currency"] == visit.plan.currency
    ]


def _plus_tax(plan: Json) -> str:
    added = plan["tax"] == TaxBehavior.EXCLUSIVE and plan["price_minor"]
    return " plus tax" if added else ""


def _every(interval: Json) -> str:
    """Return `a month`, `a year`, `every 3 months`."""
    count, unit = interval["count"], interval["unit"]
    return f"a {unit}" if count == 1 else f"every {count} {unit}s"


def _included(visit: Visit, plan: Json) -> list[str]:
    words, every = Words(visit), _every(plan["allowance_every"])
    told = []
    for one in plan["allowances"]:
        only = ", ".join(visit.action(action) for action in one["actions"] or ())
        rest = (f", only for {only}" if only else "") + (
            ", the rest carries over" if one["rolls_over"] else ""
        )
        told.append(f"{words.credits(one['credits'], one['credit_type'])} {every}{rest}")
    if plan["trial_days"]:
        told.append(f"{plan['trial_days']} days free at first")
    return told


def _paid_by(plan: Json) -> list[str]:
    """Return how the plan is paid, where it is not by card alone."""
    methods = plan["payment_methods"]
    if not plan["price_minor"]:
        return []
    if PaymentKind.INVOICE in methods["plan"]:
        return [f"Paid by transfer: each invoice within {methods['due_days']} days"]
    if PaymentKind.BANK_DEBIT in methods["plan"]:
        by_card = "a card or " if PaymentKind.CARD in methods["plan"] else ""
        return [f"Paid by {by_card}a debit of your bank account"]
    return []


def _beside(visit: Visit, plan: Json) -> list[str]:
    """Return what may be bought beside the plan."""
    words, told = Words(visit), []
    if (manual := plan["purchases"]) is not None:
        price = visit.show.money(manual["unit_price_minor"], plan["currency"])
        unit = words.credits(manual["unit"], manual["credit_type"])
        told.append(f"More at {price}{_plus_tax(plan)} for {unit}")
    if (auto := plan["auto_purchase"]) is not None and auto["most_units"] != 0:
        percent = Fraction(auto["surcharge_percent"])
        dearer = visit.show.number(round(percent * MICRO))
        extra = f", {dearer} % dearer" if percent else ""
        told.append(f"Auto-purchase of {words.number(auto['unit'])} at a time{extra}")
    for pack in plan["packs"]:
        price = visit.show.money(pack["price_minor"], plan["currency"])
        told.append(f"Pack: {pack['name']} for {price}{_plus_tax(plan)}")
    if manual or plan["packs"]:
        told += [EXPIRES[plan["extras_expire"]]] if plan["extras_expire"] in EXPIRES else []
    return told
