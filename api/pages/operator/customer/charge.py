"""One charge: what it granted, what became of that, what went back, and what can be refunded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from api.errors import NotFoundError
from api.pages.asking import Json
from api.pages.operator.customer.reading import Standing, standing_of, wanted, words_of
from api.pages.operator.customer.reasons import reason_of
from api.pages.operator.customer.telling import CHARGES, TONES, plain
from api.pages.operator.page import Page, back_to
from api.pages.operator.visits import Visit
from domain.credits import parse_credits
from domain.errors import InvalidInput
from domain.money import MOST_CHARGE_MINOR, minor_exponent
from ledger.reads import charge, snapshots, timeline
from ledger.reads.charge import Whole
from ledger.reads.timeline import Twin

REFUNDS = "POST /customers/{id}/refunds"
SEEN = ("amount_minor", "credits", "currency")  # what the click is about


@dataclass(frozen=True, slots=True)
class Read:
    """All of one instant."""

    standing: Standing
    whole: Whole
    twin: Twin | None


async def read(visit: Visit) -> Read:
    """Return the charge that a visit is about. Raises `NotFoundError`, `InvalidInput`."""
    named = wanted(visit)
    charge_id = visit.form.get("charge") or visit.query.get("charge", "")
    if "\x00" in charge_id:
        raise NotFoundError("not_found", "this customer has no such charge")

    def find() -> Read | None:
        with snapshots.snapshot(visit.services.engine) as connection:
            standing = standing_of(connection, visit, named)
            found = charge.whole(connection, standing.account_id, charge_id)
            if found is None:
                return None
            twins = timeline.twins(connection, standing.account_id, [charge_id])
        return Read(standing, found, twins[0] if twins else None)

    found = await asyncio.to_thread(find)
    if found is None:
        raise NotFoundError("not_found", "this customer has no such charge")
    return found


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show a charge."""
    return _facts(visit, await read(visit))


def _facts(visit: Visit, found: Read, quote: Json | None = None, **more: Any) -> dict[str, Any]:
    kind = found.whole.charge.kind
    return {
        "standing": found.standing,
        "whole": found.whole,
        "twin": found.twin,
        "what": CHARGES.get(kind, plain(kind)),
        "tones": TONES,
        "quote": quote,
        "taken": parse_credits(quote["credits"]) if quote else 0,
        "left": parse_credits(quote["available"]) if quote else 0,
        "changed": False,
        "words": words_of(visit, found.standing),
        **more,
    }


async def preview(visit: Visit) -> Mapping[str, Any]:
    """Show what a refund would send back and take away."""
    found = await read(visit)
    typed = visit.form.get("amount", "").strip()
    amount = minor_of(typed, found.whole.charge.currency) if typed else "all"
    return _facts(visit, found, await _ask(visit, found, amount, preview=True))


async def refund(visit: Visit) -> Mapping[str, Any] | Response:
    """Refund what was shown; where that has changed meanwhile, it is shown again instead."""
    found = await read(visit)
    sent = visit.form.get("amount_minor", "")
    if not sent.isascii() or not sent.isdecimal() or not 0 < int(sent) <= MOST_CHARGE_MINOR:
        raise InvalidInput("invalid_amount", "the amount is none that was shown")
    now = await _ask(visit, found, int(sent), preview=True)
    if any(str(now[name]) != visit.form.get(name) for name in SEEN):
        return _facts(visit, found, now, changed=True)
    await _ask(visit, found, int(sent), preview=False)
    named = {"id": found.standing.customer.customer_id, "charge": found.whole.charge.charge_id}
    return back_to("charge", urlencode(named))


async def _ask(visit: Visit, found: Read, amount: int | str, *, preview: bool) -> Json:
    order: Json = {
        "charge_id": found.whole.charge.charge_id,
        "amount_minor": amount,
        "reason": reason_of(visit),
        "by": visit.operator.email,
    }
    if visit.form.get("exception"):
        order["exception"] = True
    if preview:
        order["preview"] = True
    key = "" if preview else visit.form.get("key", "")
    customer = found.standing.customer.customer_id
    return await visit.ask(REFUNDS, body=order, key=key or visit.new_key(), id=customer)


def minor_of(typed: str, currency: str) -> int:
    """Return an amount of money as it was typed, such as `2.70`, in minor units.

    Raises `InvalidInput` (`invalid_amount`).
    """
    fault = InvalidInput("invalid_amount", f"{typed!a:.30} is no amount of {currency}")
    try:
        minor = Decimal(typed).scaleb(minor_exponent(currency))
    except InvalidOperation as error:
        raise fault from error
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise fault
    if not 0 < minor <= MOST_CHARGE_MINOR:
        raise fault
    return int(minor)


PAGE = Page("charge", "Charge", show, acts={"preview": preview, "refund": refund}, menu=False)
