"""A customer's members, and requests that wait for an admin."""

import asyncio
from dataclasses import replace
from functools import partial

from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint, Example, Link
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.endpoints.acts.acting import Message, keyed, shown
from api.v1.problems import Problem
from api.v1.sending import acts
from api.v1.sending.acts import Letter
from domain.api_keys import Scope
from domain.messages import fields
from domain.messages.teams import (
    parse_approve,
    parse_refuse,
    parse_remove_member,
    parse_request_approval,
    parse_request_credits,
    parse_set_member,
)
from domain.teams.approvals import LONGEST_HOLD, State
from ledger.direct.owners import Owner
from ledger.teams import approvals
from workflows import names

MEMBER = f"{acting.CUSTOMER}/members/{{member:path}}"
APPROVALS = f"{acting.CUSTOMER}/approvals"
OF_PATH = {"member": "member"}
SET = Message("set_member", parse_set_member, keyed=False, named=OF_PATH)
REMOVE = Message("remove_member", parse_remove_member, keyed=False, named=OF_PATH)
FOR_CREDITS = Message("request_credits", parse_request_credits)
FOR_WORK = Message("request_approval", parse_request_approval)
APPROVE = Message("approve", parse_approve, keyed=False)
REFUSE = Message("refuse", parse_refuse, keyed=False)

SET_BODY = schemas.closed(
    {"name": schemas.TEXT, "email": schemas.EMAIL},
    role={"enum": ["member", "admin"]},
    restricted={"type": "boolean", "description": "Free actions only."},
    limits={"type": "object", "additionalProperties": schemas.CREDITS, "maxProperties": 20},
)
WORK = schemas.closed(
    {
        "member": schemas.CUSTOMER,
        "action": schemas.TEXT,
        "quantity": schemas.QUANTITY,
        "event_at": schemas.INSTANT,
    },
    tags=schemas.TAGS,
    note=schemas.TEXT,
    hold_seconds={
        "type": "integer",
        "minimum": 1,
        "maximum": int(LONGEST_HOLD.total_seconds()),
    },
)
CREDITS = schemas.closed(
    {"member": schemas.CUSTOMER, "credits": schemas.QUANTITY},
    credit_type={"anyOf": [schemas.TEXT, {"type": "null"}]},
    note=schemas.TEXT,
)
DECISIONS = {State.LAPSED: "approval_lapsed"}
GRACE = {"name": "Grace Hopper", "email": "grace@acme.example", "role": "admin"}


async def request(call: Call) -> Reply:
    """Ask an admin for credits, or for an operation above the plan's limit."""
    raw = fields.parse_object(call.body)
    return await acting.of_customer(FOR_CREDITS if "credits" in raw else FOR_WORK, call)


async def decide(message: Message, call: Call) -> Reply:
    """Carry an admin's decision to the request that the path names."""
    content = acting.content_of(call, message)
    owner, key = await acts.customer_of(call), call.path["key"]
    state = await asyncio.to_thread(_state_of, call, owner, key)
    workflow_id = names.approval_workflow(owner.subscription_id, key)
    gone = partial(_over, state)
    letter = Letter(workflow_id, message.name, content, ends=True)
    return await acts.ask(call, letter, gone)


def _state_of(call: Call, owner: Owner, key: str) -> State:
    """Return where a request stands. Raises `InvalidInput` (`unknown_approval`)."""
    with call.services.engine.connect() as connection:
        return approvals.named(connection, owner.subscription_id, key).state


def _over(state: State) -> Problem:
    """Return what it means that nobody waits for the decision any more."""
    if state is State.WAITING:
        return Problem("temporal_unavailable", "the request is being restored")
    reason = DECISIONS.get(state, "already_decided")
    return Problem(reason, "the request waits no more", facts={"request": state.value})


def _deciding(
    path: str,
    message: Message,
    summary: str,
    request_: schemas.Schema,
    *reasons: str,
    example: Example,
) -> Endpoint:
    return Endpoint(
        "POST",
        f"{APPROVALS}/{{key:path}}/{path}",
        Scope.CUSTOMER,
        summary=summary,
        handle=partial(decide, message),
        request=request_,
        answer=acting.ANSWER,
        statuses=(200, 202),
        reasons=(*acting.REASONS, *DECIDING, *reasons),
        keyed=True,
        messages=(message.name,),
        examples=(example,),
    )


def waiting(name: str, body: dict[str, str]) -> Example:
    """Return an example of a request that an admin will decide."""
    return replace(shown(name, body), status=202)


OF_REQUEST = {**acting.OF_PATH, "key": "$request.header.Idempotency-Key"}
DECIDING = (
    *("unknown_approval", "already_decided", "approval_lapsed", "own_request", "not_an_admin"),
    *("unknown_member", "member_removed"),
)
TEAMS = (
    Endpoint(
        "PUT",
        MEMBER,
        Scope.CUSTOMER,
        summary="Add or change a member; what is left out takes its default.",
        handle=partial(acting.of_customer, SET),
        request=SET_BODY,
        answer=acting.ANSWER,
        statuses=(200, 202),
        reasons=(
            *(*acting.REASONS, "invalid_id", "invalid_email"),
            *("unknown_credit_type", "invalid_credits"),
        ),
        messages=(SET.name,),
        links=(
            Link(
                "remove",
                "delete_customers_id_members_member",
                {**acting.OF_PATH, "member": "$request.path.member"},
            ),
        ),
        examples=(
            shown("An admin", GRACE, member="grace"),
            shown(
                "A member with a limit",
                {"name": "Ada", "email": "ada@acme.example", "limits": {"credits": "200"}},
                member="ada",
            ),
        ),
    ),
    Endpoint(
        "DELETE",
        MEMBER,
        Scope.CUSTOMER,
        summary="Remove a member; what they used stays in the history.",
        handle=partial(acting.of_customer, REMOVE),
        answer=acting.ANSWER,
        statuses=(200, 202),
        reasons=(*acting.REASONS, "invalid_id", "unknown_member", "member_removed"),
        messages=(REMOVE.name,),
    ),
    Endpoint(
        "POST",
        APPROVALS,
        Scope.CUSTOMER,
        summary="Ask an admin for an operation above the plan's limit, or for credits.",
        handle=request,
        request={"oneOf": [WORK, CREDITS]},
        answer=acting.ANSWER,
        parameters=(schemas.ACTS_PREFER,),
        statuses=(200, 202),
        reasons=(
            *(*acting.REASONS, "unknown_member", "member_removed", "approval_not_needed"),
            *(
                "not_needed",
                "unknown_action",
                "unknown_credit_type",
                "invalid_quantity",
                "invalid_id",
            ),
            *("invalid_tags", "invalid_time", "event_in_future"),
        ),
        keyed=True,
        messages=("request_approval", "request_credits"),
        links=(
            Link("refuse", "post_customers_id_approvals_key_refuse", OF_REQUEST),
            Link("approve", "post_customers_id_approvals_key_approve", OF_REQUEST),
        ),
        examples=(
            keyed("more-1", waiting("For this window", {"member": "ada", "credits": "100"})),
            keyed("more-2", waiting("Once more", {"member": "ada", "credits": "50"})),
        ),
    ),
    _deciding(
        "approve",
        APPROVE,
        "An admin approves: checked again, then held or raised.",
        schemas.closed({"by": schemas.CUSTOMER}),
        *("price_changed", "insufficient_credits", "user_limit", "cap_reached"),
        example=shown("Granted", {"by": "grace"}, key="more-1"),
    ),
    _deciding(
        "refuse",
        REFUSE,
        "An admin refuses, with a reason for the member.",
        schemas.closed({"by": schemas.CUSTOMER, "reason": schemas.TEXT}),
        example=shown("Not now", {"by": "grace", "reason": "next month"}, key="more-2"),
    ),
)
