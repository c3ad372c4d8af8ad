"""A customer's team in one read: who used what, what each has left, and the monthly goal."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from activities.teams.overview import team
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example, Parameter
from api.v1.endpoints import schemas
from api.v1.reads.snapshots import of_customer
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields

AMOUNT_OR_NONE = {"anyOf": [schemas.CREDITS, {"type": "null"}]}
MEMBER = schemas.titled(
    "TeamMember",
    {
        "type": "object",
        "required": ["member", "name", "role", "restricted", "used_this_window", "limit", "left"],
        "properties": {
            "member": schemas.CUSTOMER,
            "name": {"type": "string"},
            "role": {"enum": ["member", "admin"]},
            "restricted": {"type": "boolean", "description": "Free actions only."},
            "used_this_window": schemas.CREDITS,
            "used_this_period": schemas.CREDITS,
            "limit": AMOUNT_OR_NONE,
            "left": AMOUNT_OR_NONE,
        },
    },
)
TEAM = schemas.titled(
    "Team",
    {
        "type": "object",
        "required": ["credit_type", "credits_left", "monthly_goal", "members"],
        "properties": {
            "credit_type": {"type": "string"},
            "credits_left": schemas.CREDITS,
            "granted_this_period": schemas.CREDITS,
            "monthly_goal": {
                **AMOUNT_OR_NONE,
                "description": "Credits granted ÷ members ÷ months of the period.",
            },
            "members": {"type": "array", "items": MEMBER},
        },
    },
)
ONE = Parameter("member", schemas.CUSTOMER, "Only this member, as members see themselves.")
USED = Parameter(
    "used",
    {"enum": ["window"]},
    "`window`: without `used_this_period`, which takes longer the more was used.",
)


async def read_team(call: Call) -> Reply:
    """Answer a customer's team, or the part of one member."""
    query = call.known("member", "used")
    window_only = "used" in query
    if query.get("used", "window") != "window":
        raise InvalidInput("invalid_parameter", "`used` is `window`, or is left out")
    member = fields.identifier(query["member"], "invalid_id") if "member" in query else None

    def read(connection: Connection, account_id: int) -> dict[str, Any]:
        at = datetime.now(UTC)
        return team(connection, account_id, at, member, window_only=window_only)

    return reply(await of_customer(call, read))


TEAM_READS = (
    Endpoint(
        "GET",
        "/customers/{id:path}/team",
        Scope.READ,
        summary="Read a customer's team: use, limits and the monthly goal.",
        handle=read_team,
        answer=TEAM,
        parameters=(ONE, USED),
        reasons=(
            *("unknown_customer", "no_subscription", "unknown_member", "member_removed"),
            "invalid_id",
        ),
        examples=(Example("team", path={"id": "acme"}),),
    ),
)
