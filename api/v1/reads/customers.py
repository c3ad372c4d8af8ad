"""One customer in one read: the balance, and all that a product needs at sign-in."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from activities.direct.usage import CustomersEvent
from activities.reads.balance import Standing, balance, standing
from activities.reads.customer import customer
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example, Parameter
from api.v1.endpoints import schemas
from api.v1.endpoints.checks import answered
from api.v1.reads.snapshots import of_customer
from domain.api_keys import Scope
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.messages import fields
from domain.usage import UsageEvent

AMOUNTS = (
    "available", "included_available", "extra_available", "held", "frozen", "owed", "included",
    "used", "per_day",
)  # fmt: skip
CREDIT_TYPE: dict[str, Any] = schemas.titled(
    "CreditTypeBalance",
    {
        "type": "object",
        "required": ["available", "held", "owed", "included", "used", "next_reset_at", "grants"],
        "properties": {
            **dict.fromkeys(AMOUNTS, schemas.CREDITS),
            "next_reset_at": {"type": ["string", "null"], "format": "date-time"},
            "days_to_empty": {"type": ["integer", "null"]},
            "suggested_pack": {"type": ["string", "null"]},
            "monthly_goal": {
                "anyOf": [schemas.CREDITS, {"type": "null"}],
                "description": "What each member should use in a month; null: no team.",
            },
            "auto_purchase": {"type": ["object", "null"]},
            "grants": {"type": "array", "items": {"type": "object"}},
        },
    },
)
SENT_INVOICE: dict[str, Any] = schemas.titled(
    "SentInvoice",
    {
        "type": "object",
        "required": ["number", "due_at", "paid_minor", "page"],
        "properties": {
            "number": {"type": "string"},
            "due_at": schemas.INSTANT,
            "paid_minor": {"type": "integer", "description": "What came of it so far."},
            "page": {"type": "string", "description": "Where its account number is."},
        },
    },
)
ON_ITS_WAY: dict[str, Any] = schemas.titled(
    "MoneyOnItsWay",
    {
        "type": "object",
        "required": ["charge_id", "kind", "amount_minor", "currency", "credits", "since"],
        "properties": {
            "charge_id": {"type": "string"},
            "kind": {"type": "string"},
            "amount_minor": {"type": "integer"},
            "currency": {"type": "string"},
            "credits": {
                "anyOf": [schemas.CREDITS, {"type": "null"}],
                "description": "What the money pays for; null: a plan.",
            },
            "credit_type": {"type": ["string", "null"]},
            "granted": {
                "type": "boolean",
                "description": (
                    "Whether it can be used already, as the plan's `grant_on: processing` has it;"
                    " if the money fails, it is taken back, and what was used of it owed."
                ),
            },
            "since": schemas.INSTANT,
            "invoice": {
                "anyOf": [SENT_INVOICE, {"type": "null"}],
                "description": "What was sent to be paid by transfer; null: a bank pays it.",
            },
        },
    },
)
BALANCE: dict[str, Any] = schemas.titled(
    "Balance",
    {
        "type": "object",
        "required": ["customer_id", "seq", "at", "credit_types"],
        "properties": {
            "customer_id": schemas.CUSTOMER,
            "seq": {
                "type": "integer",
                "description": "Of the newest entry; grows with every change.",
            },
            "at": schemas.INSTANT,
            "credit_types": {"type": "object", "additionalProperties": CREDIT_TYPE},
            "on_its_way": {
                "type": "array",
                "items": ON_ITS_WAY,
                "description": "Charges whose money comes later, by a bank or for an invoice.",
            },
        },
    },
)
STATE_OF = {
    **BALANCE,
    "title": "Customer",
    "description": "The balance, the subscription, and what is allowed now.",
}
MEMBER = Parameter("member", schemas.CUSTOMER, "Tell what is allowed for this member.")


async def read_balance(call: Call) -> Reply:
    """Answer a customer's balance by credit type."""
    call.known()

    def read(connection: Connection, account_id: int) -> Standing:
        return standing(connection, account_id, datetime.now(UTC))

    return reply(balance(call.path["id"], await of_customer(call, read)))


async def read_customer(call: Call) -> Reply:
    """Answer a customer's state: one snapshot, then what each action would come to now."""
    query = call.known("member")
    member = fields.identifier(query["member"], "invalid_id") if "member" in query else ""

    def read(connection: Connection, account_id: int) -> tuple[Standing, dict[str, Any]]:
        found = standing(connection, account_id, datetime.now(UTC))
        return found, customer(connection, found)

    found, told = await of_customer(call, read)
    return reply({**told, "allowed": await _allowed(call, found, member)})


async def _allowed(call: Call, found: Standing, member: str) -> dict[str, Any]:
    """Return what one of each action would come to now, as `POST /check` answers it."""
    if found.plan is None:
        return {}
    try:
        actions = call.services.context.catalog(found.plan.catalog).actions
    except InvalidInput:  # its price list is no longer sold
        return {}
    tags = (("member", member),) if member else ()

    async def one(action_id: str, once_per: str | None) -> tuple[str, Any]:
        # An object that nobody has: what is bought once is priced as if it were new.
        unseen = ((once_per, f"check:{uuid4()}"),) if once_per else ()
        event = UsageEvent(
            key=f"check:{uuid4()}",
            action=action_id,
            quantity_micro=MICRO,
            event_at=found.wallet.at,
            tags=tuple(sorted((*tags, *unseen))),
        )
        asked = CustomersEvent(call.path["id"], event)
        try:
            outcome = await call.services.usage.check(asked, catalog=call.key.catalog)
        except InvalidInput as error:
            return action_id, {"allowed": False, "reason": error.reason}
        return action_id, _without(answered(asked.customer_id, outcome), "customer_id", "seq")

    answers = await asyncio.gather(*(one(each.action_id, each.once_per) for each in actions))
    return dict(answers)


def _without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}


CUSTOMERS = (
    Endpoint(
        "GET",
        "/customers/{id:path}/balance",
        Scope.READ,
        summary="Read a customer's credits by type, all of one instant.",
        handle=read_balance,
        answer=BALANCE,
        examples=(Example("balance", path={"id": "acme"}),),
        reasons=("unknown_customer",),
    ),
)
# Its path takes every other one below `/customers`, for ids may contain slashes: it comes last.
STATE = (
    Endpoint(
        "GET",
        "/customers/{id:path}",
        Scope.READ,
        summary="Read all that a product needs of a customer at sign-in.",
        handle=read_customer,
        answer=STATE_OF,
        examples=(Example("state", path={"id": "acme"}),),
        parameters=(MEMBER,),
        reasons=("unknown_customer", "invalid_id", "other_price_lists"),
    ),
)
