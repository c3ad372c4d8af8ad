"""Trying a price: change one, live the same customers on both, look at what it does."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from starlette.responses import RedirectResponse

from api.pages.operator.page import Page, back_to
from api.pages.operator.trying import drafts
from api.pages.operator.trying.charts import charts_of
from api.pages.operator.trying.drafts import Draft
from api.pages.operator.trying.simulator import Seen, Simulator
from api.pages.operator.visits import Visit
from api.v1.problems import Problem
from domain.access.operators import OperatorRole
from domain.credits import parse_quantity
from domain.errors import BillingError, InvalidInput
from domain.payments.kinds import PaymentKind
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import currencies_of, plan_in
from domain.pricing.simulation import (
    MOST_CUSTOMERS,
    MOST_MONTHS,
    MOST_SOURCE,
    SHAPES,
    AskedPlan,
    SimulationOrder,
    Tried,
    check_payer,
    checked,
)

NAME = "simulations"
SHAPE_WORDS = {
    "steady": "the same every day",
    "growing": "5 % more each month",
    "spiky": "calm, with busy days",
    "seasonal": "weekends and seasons",
}
USUAL = {"months": "12", "customers": "3", "shape": "steady", "seed": "1", "volume": ""}
USUAL |= {"currency": "", "place": "", "coupon": "", "change": "", "change_on": ""}
SWITCHES = {
    "auto": "Auto-purchase is on",
    "top_up": "They buy by hand what is missing",
    "confirm": "They agree when they are asked",
    "by_debit": "They pay from a bank account, whose money comes days later",
}
LONGEST = 60  # characters of a place or a coupon
MIDDLE = timedelta(days=45)  # of the second month, when plans are changed unless a day is chosen


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show a simulation, or what can be tried and what was."""
    key = visit.form.get("run") or visit.query.get("run", "")
    return await (_run(visit, key) if key else _choice(visit))


async def try_fields(visit: Visit) -> RedirectResponse:
    """Try what was typed into the fields."""
    catalog, plan = _chosen(visit, visit.form)
    text = visit.services.price_lists[catalog.name]
    draft = await asyncio.to_thread(drafts.from_form, text, catalog, plan, visit.form)
    others = [one.plan_id for one in draft.catalog.plans if _differs(one, catalog, plan)]
    if others:
        message = f"this value is shared with {', '.join(others)}: change the whole list instead"
        raise InvalidInput("invalid_value", message)
    return await _begin(visit, catalog, plan, draft)


async def try_yaml(visit: Visit) -> RedirectResponse:
    """Try a whole list."""
    catalog, plan = _chosen(visit, visit.form)
    draft = await asyncio.to_thread(drafts.from_yaml, visit.form.get(drafts.YAML, ""), catalog)
    draft.catalog.plan(plan.plan_id)  # the same plan is lived on both
    return await _begin(visit, catalog, plan, draft)


async def end(visit: Visit) -> RedirectResponse:
    """End a simulation that is under way."""
    key = visit.form.get("run", "")
    await Simulator(visit.services.temporal).end(key, visit.at)
    return back_to(NAME, f"run={key}")


async def _begin(visit: Visit, catalog: Catalog, plan: Plan, draft: Draft) -> RedirectResponse:
    text = visit.services.price_lists[catalog.name]
    published = Tried(text, plan.plan_id)
    tried = (published, Tried(draft.source, plan.plan_id)) if draft.changes else (published,)
    order = checked(_order(visit, tried))
    for one in (catalog, draft.catalog):
        for plan_id in (plan.plan_id, *(change.plan_id for change in order.changes)):
            check_payer(order.pays_by, one, plan_in(one, plan_id, currency=order.currency))
    title = f"{catalog.name}:{plan.plan_id}"
    told = {"title": title, "by": visit.operator.email, "changes": draft.changes}
    form = f"{visit.operator.email} {visit.form.get('key', '')}"
    key = await Simulator(visit.services.temporal).begin(order, told, form)
    return back_to(NAME, f"run={key}")


def _order(visit: Visit, sides: tuple[Tried, ...]) -> SimulationOrder:
    form = {**USUAL, **visit.form}
    begins = _begins(visit)
    volume = form["volume"].strip().replace(",", "")
    return SimulationOrder(
        sides=sides,
        begins=begins,
        months=_number(form["months"]),
        customers=_number(form["customers"]),
        shape=form["shape"],
        seed=_number(form["seed"]),
        volume_micro=parse_quantity(volume) if volume else None,
        auto="auto" in form,
        top_up="top_up" in form,
        confirm="confirm" in form,
        currency=form["currency"],
        by_debit="by_debit" in form,
        place=form["place"].strip().upper()[:LONGEST],
        coupon=form["coupon"].strip().upper()[:LONGEST],
        changes=_changes(form),
    )


def _begins(visit: Visit) -> date:
    return date(visit.at.year + 1, 1, 1)


def _changes(form: Mapping[str, str]) -> tuple[AskedPlan, ...]:
    """Return the plan that customers go over to. Raises `InvalidInput` (`invalid_time`)."""
    if not form["change"]:
        return ()
    try:
        on = date.fromisoformat(form["change_on"])
    except ValueError as error:
        message = "change of plan: choose its day, as 2027-02-15"
        raise InvalidInput("invalid_time", message) from error
    return (AskedPlan(on, form["change"], at_once="change_now" in form),)


def _number(text: str) -> int:
    """Return a number; 0, which is never allowed, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0  # noqa: PLR2004


def _differs(one: Plan, catalog: Catalog, plan: Plan) -> bool:
    """Return whether a draft has changed another plan than the one that was meant."""
    is_meant = (one.plan_id, one.version) == (plan.plan_id, plan.version)
    packs = {pack.pack_id for pack in plan.packs}
    shares = any(pack.pack_id in packs for pack in one.packs)
    return not (is_meant or shares or one in catalog.plans)


def _chosen(visit: Visit, asked: Mapping[str, str]) -> tuple[Catalog, Plan]:
    """Return list and plan that were named, or the first ones. Raises `InvalidInput`."""
    catalogs = visit.services.context.catalogs
    name = asked.get("list") or min(catalogs)
    if name not in catalogs:
        raise InvalidInput("unknown_catalog", f"there is no catalog {name!a:.60}")
    catalog = catalogs[name]
    plans = [one.plan_id for one in catalog.plans]
    named = asked.get("plan", "")
    return catalog, catalog.plan(named if named in plans else plans[0])


async def _choice(visit: Visit) -> Mapping[str, Any]:
    typed = {**visit.query, **visit.form}
    catalog, plan = _chosen(visit, typed)
    text = visit.services.price_lists[catalog.name]
    fields = await asyncio.to_thread(drafts.fields_of, text, catalog, plan)
    facts = visit.refused.facts if isinstance(visit.refused, Problem) else {}
    whole = facts.get("draft") or visit.form.get(drafts.YAML, text).replace("\r\n", "\n")
    return {
        "run": None,
        "lists": sorted(visit.services.context.catalogs),
        "list": catalog,
        "plans": list({one.plan_id: one for one in catalog.plans}.values()),
        "plan": plan,
        "change_on": typed.get("change_on") or (_begins(visit) + MIDDLE).isoformat(),
        "fields": [(one, typed.get(one.name, one.value)) for one in fields],
        "yaml": whole,
        "is_open": whole != text,
        "metered": _metered(catalog),
        "faults": facts.get("faults", ()),
        "values": {**USUAL, **typed},
        "shapes": [(one, SHAPE_WORDS[one]) for one in SHAPES],
        **_payers(catalog, "" if whole == text else whole),
        "most_months": MOST_MONTHS,
        "most_customers": MOST_CUSTOMERS,
        "most_source": MOST_SOURCE,
        **await _asked(visit),
    }


def _payers(catalog: Catalog, draft: str) -> Mapping[str, Any]:
    """Return what is asked of those who pay: only what matters in the list, or in a draft of it."""
    currencies = currencies_of(catalog)
    debits = any(PaymentKind.BANK_DEBIT in one.takes.any for one in catalog.plans)
    kept = {name for name in SWITCHES if name != "by_debit" or debits or "bank_debit" in draft}
    return {
        "currencies": currencies if len(currencies) > 1 else (),
        "taxed": any(one.tax for one in catalog.plans) or "tax: processor" in draft,
        "coupons": bool(catalog.coupons) or "coupons:" in draft,
        "switches": [(name, words) for name, words in SWITCHES.items() if name in kept],
    }


def _metered(catalog: Catalog) -> str:
    """Return the name of what customers use: the first action that costs something."""
    return next((one.name for one in catalog.actions if not one.rates[-1].free), "")


async def _asked(visit: Visit) -> Mapping[str, Any]:
    """Return what Temporal says of the simulator; nothing where it does not answer."""
    simulator = Simulator(visit.services.temporal)
    try:
        served, listed = await asyncio.gather(simulator.is_served(visit.at), simulator.listed())
    except BillingError:
        return {"served": None, "listed": []}
    return {"served": served, "listed": listed}


async def _run(visit: Visit, key: str) -> Mapping[str, Any]:
    simulator = Simulator(visit.services.temporal)
    seen = await simulator.seen(key[:64])
    return {
        "run": seen,
        "charts": charts_of(seen.outcome.sides) if seen.outcome else [],
        "currency": seen.outcome.sides[0].currency if seen.outcome else "",
        "served": not seen.waits or await simulator.is_served(visit.at),
        "about": _about(seen),
    }


def _about(seen: Seen) -> str:
    """Return in words what was lived."""
    order = seen.order
    customers = "one customer" if order.customers == 1 else f"{order.customers} customers"
    on = [words.lower() for name, words in SWITCHES.items() if getattr(order, name)]
    on += [f"in {one}" for one in (order.currency, order.place) if one]
    on += [f"with coupon {order.coupon}"] if order.coupon else []
    on += [f"to {change.plan_id} on {change.on}" for change in order.changes]
    return ", ".join(
        [f"{order.months} months of {customers}", SHAPE_WORDS.get(order.shape, order.shape), *on]
    )


PAGE = Page(
    NAME,
    "Try a price",
    show,
    acts={"fields": try_fields, "yaml": try_yaml, "end": end},
    roles=frozenset({OperatorRole.FINANCE, OperatorRole.ADMIN}),
)
