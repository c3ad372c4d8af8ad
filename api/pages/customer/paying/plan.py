"""The plan: what there is to choose, what a change costs and gives before it is made, the end."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from activities.notifications.mails import adds_tax
from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, back_to
from api.pages.customer.paying.charging import (
    awaits_bank,
    default_card,
    led_to_the_bank,
    named_charge,
    unconfirmed,
)
from api.pages.customer.paying.offers import offers_of
from api.pages.customer.visits import CUSTOMER, Visit
from api.pages.refusals import told_of
from api.v1.problems import Problem
from domain.credits import parse_credits
from domain.errors import BillingError, InvalidInput
from domain.payments.charges import ChargeKind, Decline
from domain.payments.taxes import NOT_COMPUTED, PRICE_CHANGED
from domain.pricing.discounts import less
from domain.subscription import Status
from ledger.payments.coupons import lasting

SUBSCRIPTION = "/subscriptions/{id}"
CHANGE, CANCEL = f"POST {SUBSCRIPTION}/change_plan", f"POST {SUBSCRIPTION}/cancel"
UNCANCEL = f"POST {SUBSCRIPTION}/uncancel"
CATALOG, BALANCE = "GET /catalogs/{name}", f"GET {CUSTOMER}/balance"
NOW = "upgrade"  # the kind of a change that is charged and begins at once
SAME = ("kind", "amount_minor", "price_minor")  # in which a confirmed change is the one shown
AT_END = {"when": "period_end"}
AT_ONCE = "now"  # asked for where a change would begin with the next period


async def show(visit: Visit) -> dict[str, Any]:
    """Show the plans, and what the change or the end that was chosen would come to."""
    chosen, standing = _chosen(visit), _standing(visit)
    quote, ends, goes_on, refused = None, None, None, None
    try:
        quote = await _quoted(visit, _wanted(visit)) if chosen else None
        ends = await _ending(visit) if "cancel" in visit.query else None
        if standing["ending"]:
            goes_on = await visit.ask(UNCANCEL, body={"preview": True})
    except BillingError as error:
        refused = told_of(error)
    charge = await named_charge(visit) or await unconfirmed(visit, ChargeKind.UPGRADE)
    return words.facts(
        visit,
        offers=await _offers(visit),
        chosen=chosen,
        when=_wanted(visit).get("when", ""),
        quote=quote,
        ends=ends,
        goes_on=goes_on,
        quote_refused=refused,
        charge=charge,
        confirmable=charge is not None and awaits_bank(charge),
        standing=standing,
        plus_tax=adds_tax(visit.plan),
        key=visit.new_key(),
    )


async def change(visit: Visit) -> dict[str, Any] | Response:
    """Change to the plan that was shown, for what was shown; other numbers are shown first."""
    now = await _preview(visit, _wanted(visit))
    if any(str(now[name]) != visit.form.get(name) for name in SAME):
        return await show(visit) | {"changed": True}
    try:
        body = _wanted(visit) | {"expected_minor": now["amount_minor"]}
        answer: Mapping[str, Any] = await visit.ask(CHANGE, body=body, key=_key(visit))
    except Problem as error:
        if error.reason == PRICE_CHANGED:
            return await show(visit) | {"changed": True}
        if error.facts.get("decline") != Decline.NEEDS_CUSTOMER:
            raise
        answer = error.facts
    return back_to("plan", urlencode({"charge": answer.get("charge_id") or ""}))


async def to_the_bank(visit: Visit) -> Response:
    """Lead to the processor's page where an upgrade is confirmed with the bank."""
    return await led_to_the_bank(visit, "plan")


async def stay(visit: Visit) -> Response:
    """Take a change back that begins with the next period or waits for the bank."""
    await visit.ask(CHANGE, body={"plan": visit.plan.plan_id}, key=_key(visit))
    return back_to("plan")


async def cancel(visit: Visit) -> Response:
    """End the plan when what is paid for ends."""
    await visit.ask(CANCEL, body=AT_END, key=_key(visit))
    return back_to("plan")


async def uncancel(visit: Visit) -> Response:
    """Go on with the plan: its end is taken back."""
    await visit.ask(UNCANCEL, body={}, key=_key(visit))
    return back_to("plan")


def _key(visit: Visit) -> str:
    return visit.form.get("key", "")


def _chosen(visit: Visit) -> str:
    """Return the plan that was chosen, "" if none was."""
    return (visit.form or visit.query).get("plan", "")


def _wanted(visit: Visit) -> dict[str, Any]:
    """Return what a change that was chosen asks for."""
    at_once = (visit.form or visit.query).get("when") == AT_ONCE
    return {"plan": _chosen(visit)} | ({"when": AT_ONCE} if at_once else {})


async def _offers(visit: Visit) -> list[Any]:
    try:
        found = await visit.ask(CATALOG, name=visit.plan.catalog)
    except InvalidInput:  # its price list is sold no more
        return []
    return offers_of(visit, found)


async def _quoted(visit: Visit, wanted: dict[str, Any]) -> Json:
    """Return a change's own preview, and for one at once the credits before and after."""
    quote = {"period_end": None, "sooner": None} | await _preview(visit, wanted)
    if quote["kind"] != NOW:
        return {**quote, "credits": [], "card": None, "sooner": await _sooner(visit, quote)}
    return {**quote, "credits": await _credits(visit, quote), "card": await default_card(visit)}


async def _preview(visit: Visit, wanted: dict[str, Any]) -> Json:
    """Return what a change would come to; it waits for nothing but its tax."""
    told: Json = await visit.ask(CHANGE, body=wanted | {"preview": True})
    if told["status"] == "pending":
        raise InvalidInput(NOT_COMPUTED, "the payment processor does not answer")
    return told


async def _sooner(visit: Visit, quote: Json) -> Json | None:
    """Return what a change of the next period would come to at once, if that can be had."""
    if quote["why"] != "next_period":
        return None
    try:
        return await _preview(visit, {"plan": quote["plan"], "when": AT_ONCE})
    except BillingError:
        return None


async def _credits(visit: Visit, quote: Json) -> list[Json]:
    balance = await visit.ask(BALANCE)
    ending = quote.get("ending_credits", {})
    return [
        {
            "unit": visit.unit(kind),
            "before": (before := parse_credits(balance["credit_types"][kind]["available"])),
            "ending": (gone := parse_credits(ending.get(kind, "0"))),
            "more": (more := parse_credits(quote["extra_credits"].get(kind, "0"))),
            "after": before - gone + more,
        }
        for kind in balance["credit_types"]
    ]


async def _ending(visit: Visit) -> Json:
    """Return what the end would take and keep, by the units that people know."""
    found = await visit.ask(CANCEL, body={**AT_END, "preview": True})
    return {**found, "lost": _some(found["lost_credits"]), "kept": _some(found["kept_credits"])}


def _some(amounts: dict[str, str]) -> dict[str, str]:
    return {kind: amount for kind, amount in amounts.items() if parse_credits(amount)}


def _standing(visit: Visit) -> Json:
    """Return what is decided already: the next plan, the end."""
    kept = visit.standing.subscription
    following, ends = kept["next_plan"], kept["period_end"]
    over = visit.standing.status is Status.ENDED
    coupon = lasting(kept["coupon_terms"], kept["coupon_periods"], ends)
    plan = following or kept["plan"]
    return {
        "coupon": "" if coupon is None or over or kept["cancel_at_end"] else coupon.code,
        "renewal_minor": less(coupon, plan["price_minor"], plan["currency"]),
        "over": over,
        "ending": bool(kept["cancel_at_end"]) and not over,
        "next": following["name"] if following and not over else "",
        "ends": visit.show.until(ends) if ends else "",
        "begins": visit.show.moment(ends) if ends else "",
        "trial": visit.standing.status is Status.TRIALING,
    }


PAGE = Page(
    "plan",
    "Plan",
    show,
    acts={"change": change, "stay": stay, "cancel": cancel, "uncancel": uncancel},
    files={"bank": to_the_bank},
    admins=True,
)
