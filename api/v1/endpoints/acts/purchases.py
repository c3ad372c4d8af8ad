"""What a customer buys and is given: credits, packs, bonuses, the switch of auto-purchase."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from activities.purchases.quotes import Books, quote
from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint, Link
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting, switching
from api.v1.endpoints.acts.acting import PREVIEW, Message, keyed, shown
from api.v1.sending import acts
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from domain.messages.purchases import (
    MOST_DAYS,
    BuyCredits,
    BuyPack,
    parse_buy_credits,
    parse_buy_pack,
    parse_give_bonus,
)
from domain.pricing.purchase_price import MOST_PACKS

EXPECTED = {
    "type": "integer",
    "minimum": 0,
    "description": "The total that the buyer was shown, in minor units, with its tax: at another "
    "it is refused. Only a coupon makes it 0.",
}
COUPON = {**schemas.TEXT, "description": "A code that takes something off, in letters of any case."}
CREDITS = Message("buy_credits", parse_buy_credits)
PACKS = Message("buy_pack", parse_buy_pack)
PURCHASE: schemas.Schema = {
    "oneOf": [
        schemas.closed(
            {"credits": schemas.QUANTITY},
            expected_minor=EXPECTED,
            coupon=COUPON,
            preview=PREVIEW,
        ),
        schemas.closed(
            {"pack": schemas.TEXT},
            count={"type": "integer", "minimum": 1, "maximum": MOST_PACKS},
            expected_minor=EXPECTED,
            coupon=COUPON,
            preview=PREVIEW,
        ),
    ]
}
DAYS = {"type": "integer", "minimum": 1, "maximum": MOST_DAYS}
BONUS = schemas.closed(
    {"bonus": schemas.TEXT, "invitee": schemas.CUSTOMER},
    expires_at={**schemas.INSTANT, "description": "An end of its own; or `valid_days`, not both."},
    valid_days={**DAYS, "description": "An end so many times 24 hours after it is given."},
)
PURCHASE_REASONS = (
    *(
        "not_in_plan",
        "invalid_unit",
        "invalid_quantity",
        "invalid_count",
        "below_minimum",
        "above_maximum",
    ),
    *("no_payment_method", "payment_method_not_accepted", "declined", "renewal_pending"),
    *("paused:by_operator", "paused:payment_failed"),
    *("price_changed", "invalid_amount", "tax_location_missing", "tax_not_computed"),
    *("unknown_coupon", "coupon_expired", "coupon_used_up", "coupon_already_used"),
    *("coupon_for_first_purchase", "coupon_not_applicable", "processor_unavailable"),
)


async def buy(call: Call) -> Reply:
    """Buy credits in the plan's unit, or packs; a preview says what they would cost."""
    raw = {"preview": False} | fields.parse_object(call.body)
    preview = fields.flag(raw, "preview")
    rest = {name: value for name, value in raw.items() if name != "preview"}
    message = _wanted(rest)
    if not preview:
        return await acting.of_customer(message, replace(call, body=acts.encode(rest)))
    wanted = _read(message, rest)
    owner = await acts.customer_of(call)
    if owner.status == "ended":
        raise acts.ended(owner)
    at = datetime.now(UTC)
    books = Books(call.services.engine, call.services.payments, call.services.context.catalogs)
    answer = await asyncio.to_thread(quote, books, owner.subscription_id, wanted, at)
    return acts.answered(call, answer)


def _wanted(raw: Mapping[str, Any]) -> Message:
    if "pack" in raw and "credits" in raw:
        raise InvalidInput("malformed", "`credits` and `pack` exclude each other")
    if "pack" not in raw and "credits" not in raw:
        raise InvalidInput("missing_field", "`credits` or `pack` is missing")
    return PACKS if "pack" in raw else CREDITS


def _read(message: Message, raw: Mapping[str, Any]) -> BuyCredits | BuyPack:
    """Return what a preview asks for, which needs no key. Raises `InvalidInput`."""
    data = acts.encode({**raw, "key": "preview"})
    return parse_buy_pack(data) if message is PACKS else parse_buy_credits(data)


PURCHASES = (
    Endpoint(
        "POST",
        f"{acting.CUSTOMER}/purchases",
        Scope.CUSTOMER,
        summary="Buy extra credits by hand, or packs of them.",
        handle=buy,
        request=PURCHASE,
        answer=acting.ANSWER,
        parameters=(schemas.ACTS_PREFER,),
        statuses=(200, 202),
        reasons=(*acting.REASONS, *PURCHASE_REASONS),
        keyed=True,
        messages=(CREDITS.name, PACKS.name),
        links=(
            Link("charges", "get_customers_id_charges", acting.OF_PATH),
            Link("balance", "get_customers_id_balance", acting.OF_PATH),
        ),
        examples=(
            keyed("order-7", shown("In the plan's unit", {"credits": "3000"})),
            shown("What it would cost", {"credits": "3000", "preview": True}),
            shown("At the price that was shown", {"credits": "1000", "expected_minor": 90}),
            shown("Packs", {"pack": "enterprise_50000", "count": 2}, id="initech"),
            shown("With a coupon", {"pack": "enterprise_50000", "coupon": "loyal"}, id="initech"),
        ),
    ),
    switching.OF_CUSTOMER,
    acting.customers(
        "/bonuses",
        Message("give_bonus", parse_give_bonus, keyed=False),
        "Give a bonus, once for each invitee.",
        BONUS,
        *("unknown_bonus", "own_referral", "invalid_expiry", "invalid_time"),
        examples=(
            shown(
                "Somebody told us what they think",
                {"bonus": "feedback", "invitee": "user-7"},
                id="initech",
            ),
            shown(
                "Valid for two weeks",
                {"bonus": "feedback", "invitee": "user-8", "valid_days": 14},
                id="initech",
            ),
        ),
    ),
)
