"""A sign-up by a customer's link: its bonus is given once for each invitee, whoever invited."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from api.v1 import idempotency
from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.problems import Problem
from api.v1.sending import acts
from domain.access.invitations import inviter_of
from domain.api_keys import Scope
from domain.errors import BillingError, InvalidInput
from domain.messages import fields
from ledger.direct.owners import Owner


async def accept(call: Call) -> Reply:
    """Give the inviter's bonus for an invitee who has signed up."""
    raw = fields.only(fields.parse_object(call.body), "invitee")
    invitee = fields.identifier(raw["invitee"], "invalid_id")
    inviter = inviter_of(call.services.link_secrets, call.path["token"])
    if inviter is None:
        raise _unknown()
    try:
        owner = await acts.customer_of(replace(call, path={"id": inviter.customer_id}))
    except Problem as error:  # another seller's, too
        raise _unknown() from error
    if owner.account_id != inviter.account_id:
        raise _unknown()
    content = {"bonus": inviter.bonus_id, "invitee": invitee}
    return await _once(call, owner, content)


async def _once(call: Call, owner: Owner, content: Mapping[str, Any]) -> Reply:
    """Give it once among all customers of the seller: the invitee is the request's key."""
    digest = hashlib.sha256(f"{content['bonus']}\n{content['invitee']}".encode()).hexdigest()
    keyed = replace(
        call,
        key=replace(call.key, catalog=owner.catalog),
        headers={idempotency.HEADER: f"invitation-{digest[:40]}"},
    )

    async def give(once: Call) -> Reply:
        return await acting.to_owner(once, owner, "give_bonus", content)

    try:
        return await idempotency.once(keyed, give)
    except BillingError as error:
        if error.reason != "idempotency_conflict":
            raise
        raise Problem("already_invited", "another invitation was accepted before") from error


def _unknown() -> InvalidInput:
    return InvalidInput("unknown_invitation", "this invitation is not ours")


INVITATIONS = (
    Endpoint(
        "POST",
        "/invitations/{token}/accept",
        Scope.CUSTOMER,
        summary="Tell that somebody signed up by a customer's invitation; a repeat moves nothing.",
        handle=accept,
        request=schemas.closed({"invitee": schemas.CUSTOMER}),
        answer=acting.ANSWER,
        statuses=(200, 202),
        reasons=(
            *("unknown_invitation", "already_invited", "own_referral", "unknown_bonus"),
            *("invalid_id", "subscription_ended", "request_under_way"),
        ),
        messages=("give_bonus",),
        examples=(
            Example(
                "Somebody signed up", {"invitee": "user-7"}, path={"token": "token-of-the-link"}
            ),
        ),
    ),
)
