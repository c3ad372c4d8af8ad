"""The switch of auto-purchase; its preview is answered by the ledger, and of tax the processor."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from activities.purchases.quotes import Books, quote_switch
from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.endpoints.acts.acting import PREVIEW, Message, shown
from api.v1.sending import acts
from domain.errors import InvalidInput
from domain.messages import fields
from domain.messages.purchases import parse_set_auto_purchase
from ledger.direct.owners import Owner

MESSAGE = Message("set_auto_purchase", parse_set_auto_purchase)
REQUEST = schemas.closed({"on": {"type": "boolean"}}, preview=PREVIEW)
CARDLESS = ("no_payment_method", "payment_method_not_accepted")
REASONS = ("not_in_plan", "cap_below_unit", *CARDLESS, "dispute_open")
EXAMPLES: tuple[Example, ...] = (
    shown("Off", {"on": False}),
    shown("What it would buy", {"on": True, "preview": True}),
)


async def _switch(
    send: Callable[[Message, Call], Awaitable[Reply]],
    find: Callable[[Call], Awaitable[Owner]],
    call: Call,
) -> Reply:
    raw = {"preview": False} | fields.parse_object(call.body)
    preview = fields.flag(raw, "preview")
    body = acts.encode({name: value for name, value in raw.items() if name != "preview"})
    if not preview:
        return await send(MESSAGE, replace(call, body=body))
    if "key" in raw:
        raise InvalidInput("unknown_field", "a preview has no key")
    on = parse_set_auto_purchase(body).on
    owner = await find(call)
    if owner.status == "ended":
        raise acts.ended(owner)
    told = partial(quote_switch, on=on)
    at = datetime.now(UTC)
    books = Books(call.services.engine, call.services.payments)
    answer = await asyncio.to_thread(told, books, owner.subscription_id, at)
    return acts.answered(call, answer)


def _endpoint(
    build: Callable[..., Endpoint],
    send: Callable[[Message, Call], Awaitable[Reply]],
    find: Callable[[Call], Awaitable[Owner]],
) -> Endpoint:
    summary = "Switch auto-purchase; a preview tells what it would buy."
    built = build("/auto_purchase", MESSAGE, summary, REQUEST, examples=EXAMPLES)
    reasons = (*built.reasons, *REASONS)
    return replace(built, reasons=reasons, handle=partial(_switch, send, find))


OF_SUBSCRIPTION = _endpoint(acting.subscriptions, acting.of_subscription, acting.subscription_of)
OF_CUSTOMER = _endpoint(acting.customers, acting.of_customer, acts.customer_of)
