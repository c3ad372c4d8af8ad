"""A subscription's life: started, read, changed, ended."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from activities.periods.start_quotes import quote_start
from activities.purchases.quotes import Books
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example, Link
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting, switching
from api.v1.endpoints.acts.acting import PREVIEW, Message, shown
from api.v1.sending import acts, offers, starts
from api.v1.sending.acts import encode
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from domain.messages.answers import Answer, refused
from domain.messages.plans import (
    parse_cancel,
    parse_change_plan,
    parse_migrate_plan,
    parse_uncancel,
)
from domain.messages.start import parse_start
from domain.payments.taxes import PRICE_CHANGED
from domain.subscription import Start

TEXT, INSTANT = schemas.TEXT, schemas.INSTANT
ID: schemas.Schema = {"type": "string", "pattern": "^[!-9;-~]{1,64}$"}
BOOLEAN: schemas.Schema = {"type": "boolean"}
EXPECTED = {
    "type": "integer",
    "minimum": 0,
    "description": "What the customer was shown to pay at once, in minor units, with its tax: "
    "at another amount it is refused.",
}
START = schemas.closed(
    {
        "subscription_id": ID,
        "customer_id": schemas.CUSTOMER,
        "name": TEXT,
        "email": schemas.EMAIL,
        "catalog": schemas.CUSTOMER,
        "plan_id": schemas.CUSTOMER,
    },
    payment_method=schemas.CUSTOMER,
    locale=TEXT,
    time_zone=TEXT,
    begins_at=INSTANT,
    currency={
        "type": "string",
        "pattern": "^[A-Z]{3}$",
        "description": "One that the price list is sold in. Left out: what the customer has paid "
        "in, else the list's first.",
    },
    coupon={**TEXT, "description": "A code that takes something off the price of its periods."},
    address={
        **schemas.closed(
            {"country": {"type": "string", "pattern": "^[A-Z]{2}$"}},
            **dict.fromkeys(("postal_code", "state", "city", "line1", "line2"), TEXT),
        ),
        "description": "Where the customer is billed, and so taxed. One that the processor has "
        "already stays.",
    },
    expected_minor=EXPECTED,
    preview={
        "type": "boolean",
        "description": "Answer what would be charged and given, with tax and coupon, and start "
        "nothing; `status` is `preview` then.",
    },
)
BEGUN = {"id": "$response.body#/subscription"}
CHANGE = Message("change_plan", parse_change_plan)
AT_ONCE: schemas.Schema = {
    "enum": ["now"],
    "description": "Now or not at all, also to a plan with another interval: a new period begins, "
    "and the unused part of the old price is taken off.",
}
STATUS = schemas.titled(
    "Subscription",
    {
        "type": "object",
        "required": ["subscription", "customer", "status", "catalog"],
        "properties": {
            **{
                name: {"type": "string"}
                for name in ("subscription", "customer", "catalog", "status")
            },
            "plan": {"type": ["string", "null"]},
            "next_plan": {"type": ["string", "null"]},
            "cancel_at_end": BOOLEAN,
            "period_start": {"type": ["string", "null"]},
            "period_end": {"type": ["string", "null"]},
        },
    },
)


async def start(call: Call) -> Reply:
    """Start a subscription and answer where it stands once the ledger knows it.

    A preview answers what it would charge and give.
    """
    raw = {"preview": False} | fields.parse_object(call.body)
    preview = fields.flag(raw, "preview")
    wanted = {name: value for name, value in raw.items() if name != "preview"}
    begun = parse_start(encode({"start": wanted}))
    if preview:
        await starts.require_free(call, begun)
        return acts.answered(call, await _quoted(call, begun))
    if begun.expected_minor is not None:
        refusal = await _not_as_shown(call, begun)
        if refusal is not None:
            return acts.answered(call, refusal)
    return reply(await starts.start(call, begun, wanted), 201)


async def _quoted(call: Call, begun: Start) -> Answer:
    """Return what a start would charge and give, or why it would be refused."""
    books = Books(call.services.engine, call.services.payments, call.services.context.catalogs)
    answer = await asyncio.to_thread(quote_start, books, begun, datetime.now(UTC))
    same = begun.expected_minor in (None, answer.get("amount_minor"))
    return answer if answer["status"] == "refused" or same else refused(PRICE_CHANGED)


async def _not_as_shown(call: Call, begun: Start) -> Answer | None:
    """Return why a start would not charge what the customer was shown, its tax included, or None.

    What is live already is for the start to answer: it may be this very request, sent again.
    """
    try:
        quoted = await _quoted(call, begun)
    except InvalidInput as error:
        if error.reason == "already_subscribed":
            return None
        raise
    return quoted if quoted["status"] == "refused" else None


async def show(call: Call) -> Reply:
    """Answer where a subscription stands, also after its end."""
    call.known()
    named = call.path["id"]
    told, row = await asyncio.gather(starts.told(call, named), starts.row_of(call, named))
    return reply(await starts.described(call, named, row, told))


async def change(call: Call) -> Reply:
    """Change the plan to one that whoever asks may choose."""
    content = acting.content_of(call, CHANGE)
    owner = await acting.subscription_of(call)
    await asyncio.to_thread(offers.require_offered, call, owner, content["plan"])
    return await acting.to_owner(call, owner, CHANGE.name, content)


ACME = {
    "subscription_id": "acme",
    "customer_id": "acme",
    "name": "Acme Inc.",
    "email": "billing@acme.example",
    "catalog": "make",
    "plan_id": "core_10k",
    "payment_method": "pm_card_visa",
}

CHANGE_PLAN = replace(
    acting.subscriptions(
        "/change_plan",
        CHANGE,
        "Change the plan: an upgrade at once, all else with the next period.",
        schemas.closed({"plan": TEXT}, when=AT_ONCE, expected_minor=EXPECTED, preview=PREVIEW),
        *("unknown_plan", "same_plan", "change_under_way", "already_canceled", "declined"),
        *("no_payment_method", "payment_method_not_accepted", "not_in_plan", "renewal_pending"),
        *("price_changed", "invalid_amount", "tax_location_missing", "tax_not_computed"),
        *("paused:payment_failed", "paused:by_operator", "needs_next_period"),
        examples=(shown("What it would cost", {"plan": "core_40k", "preview": True}),),
    ),
    handle=change,
)
SUBSCRIPTIONS = (
    Endpoint(
        "POST",
        "/subscriptions",
        Scope.CUSTOMER,
        summary="Start a subscription: the first period is charged, then its credits are granted.",
        handle=start,
        request=START,
        answer=STATUS,
        statuses=(200, 201, 202),
        reasons=(
            *("unknown_catalog", "unknown_plan", "already_subscribed", "subscription_ended"),
            *("invalid_id", "invalid_email", "invalid_address", "invalid_time"),
            "unknown_payment_method",
            *("unknown_locale", "unknown_time_zone"),
            *("unknown_currency", "other_currency"),
            *("unknown_coupon", "coupon_expired", "coupon_used_up", "coupon_already_used"),
            *("coupon_for_first_purchase", "coupon_not_applicable", "processor_unavailable"),
            *("tax_location_missing", "tax_not_computed", "price_changed", "invalid_amount"),
        ),
        keyed=True,
        examples=(
            Example(
                "What it would cost",
                {**ACME, "subscription_id": "acme-2", "customer_id": "acme-2", "preview": True},
            ),
            Example("A monthly plan, paid by card", ACME, status=201),
            Example("A plan that sells packs", acting.INITECH, status=201),
        ),
        links=(
            Link("read", "get_subscriptions_id", BEGUN),
            Link(
                "quote",
                "post_subscriptions_id_change_plan",
                BEGUN,
                {"plan": "core_40k", "preview": True},
            ),
        ),
    ),
    Endpoint(
        "GET",
        acting.SUBSCRIPTION,
        Scope.READ,
        summary="Where a subscription stands, also after its end.",
        handle=show,
        answer=STATUS,
        reasons=("no_subscription",),
    ),
    CHANGE_PLAN,
    acting.subscriptions(
        "/cancel",
        Message("cancel", parse_cancel),
        "End a subscription, at its period's end or now.",
        schemas.closed({"when": {"enum": ["period_end", "now"]}}, preview=PREVIEW),
        *("already_canceled", "renewal_pending"),
        examples=(
            shown("What would be lost", {"when": "now", "preview": True}),
            shown("When what is paid for ends", {"when": "period_end"}),
        ),
    ),
    acting.subscriptions(
        "/uncancel",
        Message("uncancel", parse_uncancel),
        "Take a cancellation back before the subscription ends.",
        schemas.closed({}, preview=PREVIEW),
        "not_canceled",
        examples=(
            shown("What would be charged next", {"preview": True}),
            shown("Going on after all", {}),
        ),
    ),
    acting.subscriptions(
        "/migrate_plan",
        Message("migrate_plan", parse_migrate_plan),
        "Operators: move a subscription to another version of its plan.",
        schemas.closed(
            {},
            version={"type": "integer", "minimum": 0, "description": "0: the newest."},
            when={"enum": ["next_period", "now"]},
            preview=PREVIEW,
        ),
        *("unknown_plan", "already_canceled", "change_under_way"),
        scope=Scope.OPERATOR,
        examples=(shown("To the newest, as it would be", {"preview": True}),),
    ),
    switching.OF_SUBSCRIPTION,
)
