"""How what was sent to an endpoint went."""

from dataclasses import asdict

from sqlalchemy import Connection

from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example, Parameter
from api.v1.endpoints import schemas
from api.v1.endpoints.schemas import INSTANT, Schema, titled
from api.v1.endpoints.webhooks import MAYBE, SHOWN, read_through, require_own
from api.v1.problems import Problem
from api.v1.reads.parameters import LIMIT, limit_of
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.webhooks.events import TYPES
from ledger.notifications import webhook_deliveries
from ledger.notifications.webhook_deliveries import Delivery

STATES = ("waiting", "delivered", "failed")
LATER: Schema = {"anyOf": [INSTANT, {"type": "null"}]}


async def listed(call: Call) -> Reply:
    """List what was sent to an endpoint, also to one that is deleted, the newest event first."""
    query = call.known("limit", "starting_after", "state")
    limit, state = limit_of(query), query.get("state")
    if state not in (None, *STATES):
        raise Problem("invalid_parameter", f"`state` is one of {', '.join(STATES)}")

    def read(connection: Connection) -> tuple[list[Delivery], bool]:
        require_own(call, connection, deleted=True)
        endpoint, after = call.path["endpoint_id"], query.get("starting_after")
        try:
            return webhook_deliveries.listed(
                connection, endpoint, after=after, state=state, limit=limit
            )
        except InvalidInput as error:
            raise Problem("invalid_cursor", str(error)) from error

    found, has_more = await read_through(call, read)
    return reply({"data": [asdict(one) for one in found], "has_more": has_more})


_DELIVERY: Schema = titled(
    "WebhookDelivery",
    {
        "type": "object",
        "required": ["id", "type", "state", "attempts", "last_status", "next_at"],
        "properties": {
            "id": {"type": "string", "description": "The event's, and `webhook-id`."},
            "type": {"enum": [*TYPES]},
            "state": {"enum": [*STATES]},
            "attempts": {"type": "integer", "minimum": 0},
            "last_status": {
                "type": ["integer", "null"],
                "description": "Of HTTP; null: there was no answer.",
            },
            "last_failure": {**MAYBE, "description": "A word of ours, never the answer."},
            "next_at": {**LATER, "description": "Null: nothing more is sent by itself."},
            "delivered_at": LATER,
            "recorded_at": INSTANT,
        },
    },
)
DELIVERIES = (
    Endpoint(
        "GET",
        "/webhook_endpoints/{endpoint_id}/deliveries",
        Scope.ADMIN,
        summary="List what was sent to an endpoint, the newest event first.",
        handle=listed,
        answer=schemas.page("WebhookDeliveries", _DELIVERY),
        parameters=(
            LIMIT,
            Parameter("starting_after", schemas.TEXT, "The last event that you have."),
            Parameter("state", {"enum": [*STATES]}, "Only in this state."),
        ),
        reasons=("unknown_endpoint", "invalid_cursor"),
        examples=(Example("What fails", path=SHOWN, query={"state": "failed"}),),
    ),
)
