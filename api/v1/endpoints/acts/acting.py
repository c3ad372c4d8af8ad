"""Endpoints that are messages of a subscription under another name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint, Example, Link
from api.v1.endpoints import schemas
from api.v1.idempotency import key_of
from api.v1.problems import Problem
from api.v1.sending import acts
from api.v1.sending.acts import Letter
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from ledger.direct.owners import Owner
from workflows import names

CUSTOMER = "/customers/{id:path}"
SUBSCRIPTION = "/subscriptions/{id:path}"
PREVIEW = {"type": "boolean", "description": "Answer the same numbers and move nothing."}
ANSWER = schemas.titled(
    "ActAnswer",
    {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string"}},
    },
    "The answer of the contract's message: `status` is the outcome, the rest depends on it.",
)
INITECH = {
    "subscription_id": "initech",
    "customer_id": "initech",
    "name": "Initech",
    "email": "billing@initech.example",
    "catalog": "schematic",
    "plan_id": "enterprise",
    "payment_method": "pm_card_visa",
}
OF_PATH = {"id": "$request.path.id"}  # for links: about the same customer
REASONS = ("unknown_customer", "no_subscription", "subscription_ended")
OF_SUBSCRIPTION = ("no_subscription", "subscription_ended")


def shown(name: str, body: Mapping[str, Any], **path: str) -> Example:
    """Return an example about the document's customer and its subscription, or another's."""
    return Example(name, dict(body), path={"id": "acme", **path})


def keyed(key: str, example: Example) -> Example:
    """Return an example sent under a key that other examples name."""
    return replace(example, headers={"Idempotency-Key": key})


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the contract: `read` is its parser.

    `keyed`: its `key` is the request's `Idempotency-Key`; `named`: fields that the path gives, by
    the path's parameter.
    """

    name: str
    read: Callable[[bytes], object]
    keyed: bool = True
    named: Mapping[str, str] = field(default_factory=dict)


def content_of(call: Call, message: Message) -> dict[str, Any]:
    """Return the message that a request comes to. Raises `InvalidInput` as its parser does."""
    raw = fields.parse_object(call.body or b"{}")
    for name, parameter in message.named.items():
        if name in raw:
            raise InvalidInput("unknown_field", f"the path names it: leave `{name}` out")
        raw[name] = call.path[parameter]
    if "key" in raw:
        raise InvalidInput("unknown_field", "send `Idempotency-Key` in place of `key`")
    if message.keyed:
        content = {**raw, "key": "preview" if raw.get("preview") is True else key_of(call.headers)}
    else:
        content = raw
    message.read(acts.encode(content))
    return content


async def of_customer(message: Message, call: Call) -> Reply:
    """Send a message to the subscription of the customer in the path."""
    content = content_of(call, message)
    return await to_owner(call, await acts.customer_of(call), message.name, content)


async def of_subscription(message: Message, call: Call) -> Reply:
    """Send a message to the subscription in the path."""
    content = content_of(call, message)
    return await to_owner(call, await subscription_of(call), message.name, content)


async def subscription_of(call: Call) -> Owner:
    """Return the subscription in the path. Raises `Problem` (`no_subscription`)."""
    owner = await acts.subscription_of(call)
    if owner is None:
        named = call.path["id"]
        raise Problem("no_subscription", f"there is no subscription {named!a:.80}")
    return owner


async def to_owner(call: Call, owner: Owner, name: str, content: Mapping[str, Any]) -> Reply:
    """Send a message to a subscription and return the reply to its answer."""
    letter = Letter(names.subscription_workflow(owner.subscription_id), name, content)
    return await acts.ask(call, letter, partial(acts.ended, owner))


def _act(
    prefix: str,
    send: Callable[[Message, Call], Awaitable[Reply]],
    every: tuple[str, ...],
    path: str,
    message: Message,
    summary: str,
    request: schemas.Schema,
    *reasons: str,
    examples: tuple[Example, ...] = (),
    scope: Scope = Scope.CUSTOMER,
    links: tuple[Link, ...] = (),
) -> Endpoint:
    return Endpoint(
        "POST",
        prefix + path,
        scope,
        summary=summary,
        handle=partial(send, message),
        request=request,
        answer=ANSWER,
        parameters=(schemas.ACTS_PREFER,),
        statuses=(200, 202),
        reasons=(*every, *reasons),
        keyed=True,
        messages=(message.name,),
        examples=examples,
        links=links,
    )


# The endpoint of a message to a customer's subscription, and to a subscription: path, message,
# summary, request, reasons.
customers = partial(_act, CUSTOMER, of_customer, REASONS)
subscriptions = partial(_act, SUBSCRIPTION, of_subscription, OF_SUBSCRIPTION)
