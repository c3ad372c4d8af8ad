"""Who hears of events, how deliveries go, and sending one again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from api.pages.asking import Json
from api.pages.operator.page import Page, back_to
from api.pages.operator.visits import Visit
from domain.access.operators import OperatorRole
from domain.webhooks.events import TYPES

NAME = "webhooks"
ENDPOINTS = "/webhook_endpoints"
ONE = f"{ENDPOINTS}/{{endpoint_id}}"
SHOWN = "25"  # deliveries at once
TONES = {"waiting": "warn", "delivered": "good", "failed": "bad"}
ADMINS = frozenset({OperatorRole.ADMIN})


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show endpoints, and the deliveries of the one that was chosen."""
    return await _facts(visit, None)


async def make(visit: Visit) -> Mapping[str, Any]:
    """Make an endpoint and show its secret, this once. No type chosen: all of them."""
    form = visit.form
    types = [one for one in TYPES if form.get(f"type:{one}") == "on"]
    body: Json = {
        "url": form.get("url", "").strip(),
        "owner_email": form.get("owner_email", "").strip(),
        "catalog": form.get("catalog") or None,
        "types": types or None,
    }
    made = await visit.ask(f"POST {ENDPOINTS}", body=body, key=form.get("key", ""))
    return await _facts(visit, made)


async def rotate(visit: Visit) -> Mapping[str, Any]:
    """Replace an endpoint's secret and show the new one, this once."""
    of = visit.form.get("endpoint", "")
    key = visit.form.get("key", "")
    return await _facts(
        visit, await visit.ask(f"POST {ONE}/rotate", body={}, key=key, endpoint_id=of)
    )


async def switch(visit: Visit) -> RedirectResponse:
    """Switch an endpoint on or off."""
    of, on = visit.form.get("endpoint", ""), visit.form.get("on") == "1"
    key = visit.form.get("key", "")
    await visit.ask(f"POST {ONE}/switch", body={"on": on}, key=key, endpoint_id=of)
    return back_to(NAME, urlencode({"endpoint": of}))


async def redeliver(visit: Visit) -> RedirectResponse:
    """Send an event to an endpoint once more."""
    of, event = visit.form.get("endpoint", ""), visit.form.get("event", "")
    await visit.ask(
        "POST /events/{event_id}/redeliver",
        body={"endpoint_id": of},
        key=visit.form.get("key", ""),
        event_id=event,
    )
    return back_to(NAME, urlencode({"endpoint": of, "sent": event}))


async def _facts(visit: Visit, made: Json | None) -> Mapping[str, Any]:
    endpoints = (await visit.ask(f"GET {ENDPOINTS}"))["data"]
    chosen = next((one for one in endpoints if one["endpoint_id"] == _wanted(visit)), None)
    found: Json = {"data": [], "has_more": False}
    if chosen is not None:
        query = {"limit": SHOWN}
        if after := visit.query.get("after"):
            query["starting_after"] = after
        of = chosen["endpoint_id"]
        found = await visit.ask(f"GET {ONE}/deliveries", query=query, endpoint_id=of)
    return {
        "endpoints": endpoints,
        "chosen": chosen,
        "deliveries": found["data"],
        "older": found["data"][-1]["id"] if found["has_more"] else "",
        "tones": TONES,
        "made": made,
        "sent": visit.query.get("sent", ""),
        "types": TYPES,
        "catalogs": sorted(visit.services.context.catalogs),
        "moment": lambda written: visit.show.moment(datetime.fromisoformat(written)),
    }


def _wanted(visit: Visit) -> str:
    return visit.query.get("endpoint") or visit.form.get("endpoint", "")


PAGE = Page(
    NAME,
    "Webhooks",
    show,
    acts={"make": make, "rotate": rotate, "switch": switch, "redeliver": redeliver},
    roles=ADMINS,
    seen_by=ADMINS,
)
