"""Links to a page that asks a person before an action draws or buys more than they agreed to."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from activities.direct.usage import CustomersEvent
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.endpoints.acts.accounts import return_url
from api.v1.problems import Problem
from api.v1.reads.snapshots import of_customer
from domain.access.prompts import LASTS, Prompt, sealed_prompt
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from domain.messages.answers import answer_to
from domain.messages.usage import usage_event
from domain.usage import DECIDED, DebitOutcome
from ledger.reads import wallets

ASKS = "confirmation_required"
MADE = schemas.titled(
    "Prompt",
    {
        "type": "object",
        "required": ["customer_id", "url", "expires_at", "asked"],
        "properties": {
            "customer_id": schemas.CUSTOMER,
            "url": {
                "type": ["string", "null"],
                "description": "The page that asks. null: nothing has to be confirmed.",
            },
            "expires_at": {"anyOf": [schemas.INSTANT, {"type": "null"}]},
            "asked": {"anyOf": [schemas.ASKED, {"type": "null"}]},
        },
    },
)


async def make(call: Call) -> Reply:
    """Answer the link to a prompt. A repeat makes another link, and moves nothing either."""
    raw = fields.parse_object(call.body)
    sent = {name: value for name, value in raw.items() if name != "return_url"}
    if "key" in sent or "confirmed" in sent or "event_at" in sent:
        raise InvalidInput("unknown_field", "a prompt has neither `key` nor `confirmed` nor time")
    at = datetime.now(UTC)
    back = return_url(call, raw["return_url"]) if "return_url" in raw else ""
    wallet = await of_customer(call, lambda found, one: wallets.wallet_now(found, one, at))
    when = wallet.at.isoformat()
    event = usage_event({"key": f"check:{uuid4()}", "event_at": when, **sent})
    asked = CustomersEvent(call.path["id"], event)
    outcome = await call.services.usage.check(asked, catalog=call.key.catalog)
    if outcome.status != ASKS or wallet.window_start is None:
        return _unasked(call, outcome)
    prompt = Prompt(
        account_id=wallet.account_id,
        customer_id=asked.customer_id,
        action=event.action,
        quantity_micro=event.quantity_micro,
        tags=event.tags,
        window_start=wallet.window_start,
        expires_at=at + LASTS,
        return_url=back,
    )
    token = sealed_prompt(call.services.link_secrets, prompt)
    url = f"{call.services.public_url}/prompts/{token}"
    told = answer_to(replace(outcome, key=""))["asked"]
    return reply(_told(call, url, prompt.expires_at.isoformat(), told))


def _unasked(call: Call, outcome: DebitOutcome) -> Reply:
    """Return that there is nothing to confirm. Raises `Problem` where it is refused anyway."""
    if outcome.status not in DECIDED:
        raise Problem(outcome.status, "confirming would not help")
    return reply(_told(call, None, None, None))


def _told(call: Call, url: str | None, until: str | None, asked: Any) -> dict[str, Any]:
    return {"customer_id": call.path["id"], "url": url, "expires_at": until, "asked": asked}


PROMPTS = (
    Endpoint(
        "POST",
        f"{acting.CUSTOMER}/prompts",
        Scope.CUSTOMER,
        summary="Make a link to a page that asks a person to agree to what an action costs.",
        handle=make,
        request=schemas.closed(
            {"action": schemas.TEXT, "quantity": schemas.QUANTITY},
            tags=schemas.TAGS,
            return_url={"type": "string", "format": "uri"},
        ),
        answer=MADE,
        reasons=(*schemas.DEBIT_REASONS, "invalid_url", "purchase_needed", "renewal_pending"),
        examples=(
            Example(
                "Nothing has to be confirmed",
                {"action": "operation", "quantity": "5"},
                {"customer_id": "acme", "url": None, "expires_at": None, "asked": None},
                path={"id": "acme"},
            ),
        ),
    ),
)
