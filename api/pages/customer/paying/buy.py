"""Buying by hand: the exact price before the click, and what became of it after."""

from typing import Any

from starlette.responses import Response

from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, back_to
from api.pages.customer.visits import CUSTOMER, Visit
from api.v1.problems import Problem
from domain.credits import format_credits
from domain.errors import BillingError, InvalidInput
from domain.pricing.purchase_price import MOST_PACKS

PURCHASES = f"POST {CUSTOMER}/purchases"
CHARGES = f"GET {CUSTOMER}/charges"
METHODS = f"GET {CUSTOMER}/payment_methods"
LATEST = "20"  # charges among which one that was just made is looked for


async def show(visit: Visit) -> dict[str, Any]:
    """Show what is sold, the price of what is chosen, and the purchase that was just made."""
    chosen = _chosen(visit)
    quoted, refused = await _quoted(visit, chosen)
    return words.facts(
        visit,
        manual=_manual(visit),
        packs=visit.plan.packs,
        most_packs=MOST_PACKS,
        chosen=chosen,
        quote=quoted,
        quote_refused=refused,
        card=await _card(visit) if quoted else None,
        charge=await _charge(visit),
        key=visit.new_key(),
    )


async def confirm(visit: Visit) -> dict[str, Any] | Response:
    """Buy for the price that was shown; another price is shown first."""
    chosen = _chosen(visit)
    if chosen is None:
        raise InvalidInput("missing_field", "nothing was chosen")
    price = await visit.ask(PURCHASES, body={**chosen, "preview": True})
    if str(price["amount_minor"]) != visit.form.get("amount_minor"):
        return await show(visit) | {"changed": True}
    key = visit.form.get("key", "")
    answer = await visit.ask(PURCHASES, body=chosen, key=key)
    return back_to("buy", f"charge={answer.get('charge_id') or ''}&key={key}")


def _chosen(visit: Visit) -> Json | None:
    """Return the body of the purchase that was chosen; None: nothing was."""
    asked = visit.form or visit.query
    if asked.get("pack"):
        count = asked.get("count") or "1"
        if not (count.isascii() and count.isdigit() and len(count) <= len(str(MOST_PACKS))):
            raise InvalidInput("invalid_count", f"choose 1 to {MOST_PACKS} packs")
        return {"pack": asked["pack"], "count": int(count)}
    if asked.get("credits"):
        return {"credits": asked["credits"].strip()}
    return None


async def _quoted(visit: Visit, chosen: Json | None) -> tuple[Json | None, BillingError | None]:
    if chosen is None:
        return None, None
    try:
        return await visit.ask(PURCHASES, body={**chosen, "preview": True}), None
    except BillingError as error:
        return None, error


def _manual(visit: Visit) -> Json | None:
    """Return what is sold by the unit, with what a first look is given."""
    sold = visit.plan.manual
    if sold is None:
        return None
    unit = format_credits(sold.unit_micro)
    return {
        "unit": unit,
        "unit_price": visit.show.price(sold.unit_price, visit.plan.currency),
        "name": visit.unit(sold.credit_type),
        "kind": sold.credit_type,
    }


async def _card(visit: Visit) -> Json | None:
    found = await visit.ask(METHODS)
    return next((one for one in found["items"] if one["default"]), None)


async def _charge(visit: Visit) -> Json | None:
    """Return the purchase that the address names, as the ledger has it now."""
    named = visit.query.get("charge")
    if not named:
        return None
    found = await visit.ask(CHARGES, query={"limit": LATEST})
    return next((one for one in found["items"] if one["id"] == named), None)


def declined_link(error: BillingError | None) -> str:
    """Return the processor's page where a declined payment can be made, "" if there is none."""
    return str(error.facts.get("invoice_url") or "") if isinstance(error, Problem) else ""


PAGE = Page(
    "buy",
    "Buy",
    show,
    acts={"confirm": confirm},
    admins=True,
    has=lambda visit: bool(visit.plan.manual or visit.plan.packs),
)
