"""Links that open the customer's console."""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from api.v1.call import Call, Reply, reply
from api.v1.changing import changed
from api.v1.endpoint import Endpoint
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.endpoints.acts.accounts import return_url
from api.v1.endpoints.acts.acting import shown
from api.v1.sending import acts
from domain.access.badges import Badge, badge_token
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from ledger.access import portal_sessions
from ledger.access.portal_sessions import Opening
from ledger.direct.owners import Owner
from ledger.teams import members

# What a link can open, in the order of the console's menu.
PAGES = (
    *("credits", "buy", "auto_purchase", "usage", "results", "plan", "payment", "invoices"),
    *("team", "alerts", "invite"),
)
MADE = schemas.titled(
    "PortalSession",
    {
        "type": "object",
        "required": ["customer_id", "page", "url", "expires_at"],
        "properties": {
            "customer_id": schemas.CUSTOMER,
            "page": {"enum": list(PAGES)},
            "url": {
                "type": ["string", "null"],
                "description": "Opens the console once, or is the badge's. null where the request"
                " is repeated.",
            },
            "expires_at": schemas.INSTANT,
        },
    },
)


async def make(call: Call) -> Reply:
    """Make a link that opens the console once, for the customer's own or for a member."""
    optional = ("page", "member", "return_url", "embed")
    raw = fields.only(fields.parse_object(call.body), optional=optional)
    page = raw.get("page", PAGES[0])
    if page not in PAGES:
        raise InvalidInput("malformed", f"`page` is one of: {', '.join(PAGES)}")
    member = fields.identifier(raw["member"], "invalid_id") if "member" in raw else None
    back = return_url(call, raw["return_url"]) if "return_url" in raw else None
    owner = await acts.customer_of(call)
    opening = Opening(owner.account_id, member, page, back)
    make_it = _embed if fields.flag({"embed": False} | raw, "embed") else _create
    made = partial(make_it, call, opening)
    return await changed(call, made, partial(_told, call, owner, page))


def _embed(
    call: Call, opening: Opening, connection: Connection, at: datetime
) -> tuple[str, datetime]:
    """Make the token of a badge, which nothing keeps; return its address and end."""
    _require_member(connection, opening)
    badge = Badge(opening.account_id, opening.member_id or "", opening.return_url or "", at)
    token = badge_token(call.services.link_secrets, badge)
    return f"/embed/{token}", badge.expires_at


def _create(
    call: Call, opening: Opening, connection: Connection, at: datetime
) -> tuple[str, datetime]:
    """Make a link; return its address and until when it opens."""
    del call
    _require_member(connection, opening)
    token, until = portal_sessions.create(connection, opening, at)
    return f"/console/open/{token}", until


def _require_member(connection: Connection, opening: Opening) -> None:
    if opening.member_id is not None:
        team = members.of_account(connection, opening.account_id)
        if all(one.member_id != opening.member_id for one in team):
            raise InvalidInput("unknown_member", f"there is no member {opening.member_id!a:.80}")


def _told(call: Call, owner: Owner, page: str, made: tuple[str, datetime]) -> Reply:
    path, until = made
    told: dict[str, Any] = {
        "customer_id": owner.customer_id,
        "page": page,
        "expires_at": until.isoformat(),
    }
    url = call.services.public_url + path
    return reply({**told, "url": url}).keeping({**told, "url": None})


PORTAL = (
    Endpoint(
        "POST",
        f"{acting.CUSTOMER}/portal_session",
        Scope.CUSTOMER,
        summary="Make a link that opens the customer's console once, within ten minutes.",
        handle=make,
        request=schemas.closed(
            {},
            page={"enum": list(PAGES)},
            member=schemas.CUSTOMER,
            return_url={"type": "string", "format": "uri"},
            embed={
                "type": "boolean",
                "description": "Make the address of a badge instead, good for half an hour.",
            },
        ),
        answer=MADE,
        reasons=("unknown_customer", "unknown_member", "invalid_url", "invalid_id"),
        keyed=True,
        examples=(shown("Buying", {"page": "buy", "return_url": "https://acme.example/billing"}),),
    ),
)
