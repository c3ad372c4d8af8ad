"""The balances at which a customer is told, as they are set now."""

from typing import Any

from sqlalchemy import Connection

from activities.notifications.notices import threshold_json
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints import schemas
from api.v1.reads.snapshots import of_customer
from domain.api_keys import Scope
from ledger.notifications import alerts

SET = schemas.titled(
    "Alerts",
    {
        "type": "object",
        "required": ["own", "alerts"],
        "properties": {
            "own": {"type": "boolean", "description": "false: those of the plan."},
            "alerts": {
                "type": "array",
                "items": {"type": "object", "required": ["threshold", "channel"]},
            },
        },
    },
)


async def read_alerts(call: Call) -> Reply:
    """Answer the thresholds in force."""
    call.known()

    def read(connection: Connection, account_id: int) -> dict[str, Any]:
        own, found = alerts.in_force(connection, account_id)
        return {"own": own, "alerts": [threshold_json(one) for one in found]}

    return reply(await of_customer(call, read))


ALERTS = (
    Endpoint(
        "GET",
        "/customers/{id:path}/alerts",
        Scope.READ,
        summary="Read the balances at which a customer is told.",
        handle=read_alerts,
        answer=SET,
        reasons=("unknown_customer",),
        examples=(Example("alerts", path={"id": "acme"}),),
    ),
)
