"""Buying by hand: the exact price before the click, and what became of it after."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from activities.notifications.mails import adds_tax
from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, back_to
from api.pages.customer.paying.charging import (
    awaits_bank,
    cards,
    led_to_the_bank,
    named_charge,
)
from api.pages.customer.visits import CUSTOMER, Visit
from api.pages.refusals import told_of
from api.v1.problems import Problem
from domain.credits import format_credits
from domain.errors import BillingError, InvalidInput
from domain.pricing.policies import GrantOn
from domain.pricing.purchase_price import MOST_PACKS

PURCHASES = f"POST {CUSTOMER}/purchases"
DEFAULT = f"POST {CUSTOMER}/payment_method"


async def show(visit: Visit) -> dict[str, Any]:
    """Show what is sold, the price of what is chosen, and the purchase that was just made."""
    chosen = _chosen(visit)
    quoted, refused = await _quoted(visit, chosen)
    charge = await named_charge(visit)
    return words.facts(
        visit,
        manual=_manual(visit),
        packs=visit.plan.packs,
        most_packs=MOST_PACKS,
        chosen=chosen,
        plus_tax=adds_tax(visit.plan),
        before_money=visit.plan.grant_on is GrantOn.PROCESSING,
        quote=quoted,
        quote_refused=told_of(refused) if refused else None,
        cards=await cards(visit) if quoted else [],
        charge=charge,
        confirmable=charge is not None and awaits_bank(charge),
        expected=_expected(visit),
        key=visit.new_key(),
    )


async def confirm(visit: Visit) -> dict[str, Any] | Response:
    """Buy for the price that was shown; another price is shown first."""
    chosen, key = _chosen(visit), visit.form.get("key", "")
    if chosen is None:
        raise InvalidInput("missing_field", "nothing was chosen")
    await _pay_with(visit, visit.form.get("card", ""), key)
    body = {**chosen, "expected_minor": _amount(visit)}
    try:
        answer = await visit.ask(PURCHASES, body=body, key=key)
    except BillingError as error:
        if error.reason == "price_changed":
            return await show(visit) | {"changed": True}
        charge_id = error.facts.get("charge_id") if isinstance(error, Problem) else None
        if not charge_id:
            raise
        return back_to("buy", urlencode({"charge": charge_id}))
    made = {"charge": answer.get("charge_id") or ""}
    if answer.get("expected_by"):
        made["expected"] = answer["expected_by"]
    return back_to("buy", urlencode(made))


async def to_the_bank(visit: Visit) -> Response:
    """Lead to the processor's page where a purchase is confirmed with the bank."""
    return await led_to_the_bank(visit, "buy")


async def _pay_with(visit: Visit, card: str, key: str) -> None:
    """Charge the chosen card from now on, if it is not the default already."""
    if not card:
        return
    known = await cards(visit)
    if any(one["default"] and one["id"] == card for one in known):
        return
    await visit.ask(DEFAULT, body={"payment_method": card}, key=f"{key}-card")


def _amount(visit: Visit) -> int:
    """Return the price that the visitor was shown."""
    shown = visit.form.get("amount_minor", "")
    if not (shown.isascii() and shown.isdigit()):
        raise InvalidInput("invalid_amount", "the form has no price")
    return int(shown[:18])


def _chosen(visit: Visit) -> Json | None:
    """Return the body of the purchase that was chosen; None: nothing was."""
    asked = visit.form or visit.query
    typed = asked.get("coupon", "").strip()
    coupon = {"coupon": typed} if typed else {}
    if asked.get("pack"):
        count = asked.get("count") or "1"
        if not (count.isascii() and count.isdigit() and len(count) <= len(str(MOST_PACKS))):
            raise InvalidInput("invalid_count", f"choose 1 to {MOST_PACKS} packs")
        return {"pack": asked["pack"], "count": int(count), **coupon}
    if asked.get("credits"):
        return {"credits": asked["credits"].strip(), **coupon}
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


def _expected(visit: Visit) -> str:
    """Return the day on which the money should come, as the processor said; "": it did not."""
    try:
        said = datetime.fromisoformat(visit.query.get("expected", ""))
        return visit.show.day(said) if said.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


PAGE = Page(
    "buy",
    "Buy",
    show,
    acts={"confirm": confirm},
    files={"bank": to_the_bank},
    admins=True,
    has=lambda visit: bool(visit.plan.manual or visit.plan.packs),
)
