"""Auto-purchase: what it buys, at which price, up to which cap; all of it before it is on."""

import asyncio
from typing import Any

from starlette.responses import Response

from activities.payments.taxes import tax_reason
from activities.purchases.quotes import taxed_lines
from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, back_to
from api.pages.customer.paying.charging import default_card
from api.pages.customer.visits import CUSTOMER, Visit
from api.pages.refusals import PEOPLES_CURES
from domain.credits import parse_credits
from domain.errors import BillingError
from domain.messages.answers import tax_told
from domain.payments.taxes import NOT_COMPUTED
from gateways.payments import ProcessorUnavailable

BALANCE = f"GET {CUSTOMER}/balance"
SWITCH = f"POST {CUSTOMER}/auto_purchase"


async def show(visit: Visit) -> dict[str, Any]:
    """Show the switch with everything that it may cost."""
    auto = await _auto(visit)
    return words.facts(
        visit,
        auto=auto,
        card=await default_card(visit) if auto else None,
        key=visit.new_key(),
    )


async def switch(visit: Visit) -> dict[str, Any] | Response:
    """Switch it on at the price that was shown, or off."""
    on = visit.form.get("on") == "yes"
    auto = await _auto(visit)
    if on and auto and str(auto["total_minor"]) != visit.form.get("total_minor"):
        return await show(visit) | {"changed": True}
    await visit.ask(SWITCH, body={"on": on}, key=visit.form.get("key", ""))
    return back_to("auto_purchase")


async def _auto(visit: Visit) -> Json | None:
    """Return where the switch stands, as the door says it; None: the plan has none."""
    if visit.plan.auto is None:
        return None
    balance = await visit.ask(BALANCE)
    for kind, found in balance["credit_types"].items():
        auto: Json | None = found["auto_purchase"]
        if auto and "unit_price_minor" in auto:
            unit = parse_credits(auto["unit"])
            return {
                **auto,
                "kind": kind,
                "net_minor": auto["unit_price_minor"] - auto["unit_surcharge_minor"],
                "percent": _percent(visit),
                "fits": unit <= parse_credits(auto["cap"]),
                "resets_at": found["next_reset_at"],
                **await _taxed(visit, auto),
            }
    return None


async def _taxed(visit: Visit, auto: Json) -> Json:
    """Return the total of one purchase with its tax, or why its tax is unknown."""
    terms, price_minor = visit.plan.tax, auto["unit_price_minor"]
    if terms is None:
        return {"total_minor": price_minor, "tax": None, "tax_unknown": ""}
    ask, payer = visit.services.payments.preview_tax, visit.standing.customer.payer or ""
    try:
        lines = taxed_lines(price_minor, auto["unit_surcharge_minor"])
        said = await asyncio.to_thread(ask, payer, auto["currency"], lines, terms)
    except (BillingError, ProcessorUnavailable) as error:
        reason = tax_reason(error) if isinstance(error, BillingError) else NOT_COMPUTED
        return {"total_minor": price_minor, "tax": None, "tax_unknown": PEOPLES_CURES[reason]}
    total = said.total_of(price_minor)
    return {"total_minor": total, "tax_unknown": "", **tax_told(said, price_minor)}


def _percent(visit: Visit) -> str:
    """Return the surcharge in percent, as in `30`."""
    sold = visit.plan.auto
    if sold is None:
        return "0"
    percent = sold.surcharge_percent
    return str(percent.num) if percent.den == 1 else f"{percent.num}/{percent.den}"


PAGE = Page(
    "auto_purchase",
    "Auto-purchase",
    show,
    acts={"switch": switch},
    admins=True,
    has=lambda visit: visit.plan.auto is not None,
)
