"""A customer who moves to another time zone."""

from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from api.v1.call import Call, Reply, reply
from api.v1.changing import changed
from api.v1.endpoint import Endpoint
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.endpoints.acts.acting import shown
from api.v1.sending import acts
from domain.api_keys import Scope
from domain.messages import fields
from domain.periods import checked_zone
from domain.subscription import Status
from ledger import accounts, subscriptions
from ledger.direct.owners import Owner

MOVED = schemas.titled(
    "Moved",
    {
        "type": "object",
        "required": ["customer_id", "time_zone", "periods_from"],
        "properties": {
            "customer_id": schemas.CUSTOMER,
            "time_zone": schemas.TEXT,
            "periods_from": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "The end of the running period, from which the new zone counts.",
            },
        },
    },
)


async def move(call: Call) -> Reply:
    """Set the zone of a customer's days. Raises `InvalidInput` (`unknown_time_zone`)."""
    raw = fields.only(fields.parse_object(call.body), "time_zone")
    zone = checked_zone(fields.text(raw, "time_zone", "unknown_time_zone")).key
    owner = await acts.customer_of(call)
    return await changed(call, partial(_set, owner, zone), partial(_told, owner, zone))


def _set(owner: Owner, zone: str, connection: Connection, at: datetime) -> datetime | None:
    del at
    accounts.set_time_zone(connection, owner.customer_id, zone)
    found = subscriptions.record_of_account(connection, owner.account_id)
    return found.period_end if found and found.status != Status.ENDED else None


def _told(owner: Owner, zone: str, ends: datetime | None) -> Reply:
    told = {"customer_id": owner.customer_id, "time_zone": zone}
    return reply(told | {"periods_from": ends.isoformat() if ends else None})


MOVING = (
    Endpoint(
        "POST",
        f"{acting.CUSTOMER}/time_zone",
        Scope.CUSTOMER,
        summary="Move a customer to another time zone; the running period keeps its end.",
        handle=move,
        request=schemas.closed({"time_zone": schemas.TEXT}),
        answer=MOVED,
        reasons=("unknown_customer", "unknown_time_zone"),
        keyed=True,
        examples=(shown("To Tokyo", {"time_zone": "Asia/Tokyo"}),),
    ),
)
