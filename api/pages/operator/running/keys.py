"""Keys of programs: who has which, who still uses it, and ending one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import RedirectResponse

from api.pages.asking import Json
from api.pages.operator.page import Page, back_to
from api.pages.operator.running.webhooks import ADMINS
from api.pages.operator.visits import Visit
from domain.api_keys import MOST_HOURS, Scope
from domain.errors import InvalidInput

NAME = "keys"
# What each scope lets a program do.
SCOPES = {
    Scope.USAGE: "send usage, hold credits",
    Scope.READ: "read customers and price lists",
    Scope.CUSTOMER: "buy and change plans for customers",
    Scope.OPERATOR: "adjust, refund, read reports",
    Scope.ADMIN: "everything, keys and endpoints included",
}


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show every key there ever was, working ones first."""
    return await _facts(visit, None)


async def make(visit: Visit) -> Mapping[str, Any]:
    """Make a key and show it, this once."""
    form = visit.form
    body: Json = {
        "name": form.get("name", "").strip(),
        "scopes": [one.value for one in Scope if form.get(f"scope:{one}") == "on"],
        "catalog": form.get("catalog") or None,
        "by": visit.operator.email,
    }
    return await _facts(visit, await visit.ask("POST /keys", body=body, key=form.get("key", "")))


async def rotate(visit: Visit) -> Mapping[str, Any]:
    """Replace a key by one of the same rights and show that, this once."""
    hours = visit.form.get("hours", "")
    if not (hours.isascii() and hours.isdigit() and len(hours) < 6):  # noqa: PLR2004 - digits
        raise InvalidInput("invalid_value", f"hours are a whole number up to {MOST_HOURS}")
    body: Json = {"hours": int(hours), "by": visit.operator.email}
    of, key = visit.form.get("of", ""), visit.form.get("key", "")
    made = await visit.ask("POST /keys/{key_id}/rotate", body=body, key=key, key_id=of)
    return await _facts(visit, made)


async def revoke(visit: Visit) -> RedirectResponse:
    """End a key for good."""
    body: Json = {"by": visit.operator.email}
    of, key = visit.form.get("of", ""), visit.form.get("key", "")
    await visit.ask("POST /keys/{key_id}/revoke", body=body, key=key, key_id=of)
    return back_to(NAME)


async def _facts(visit: Visit, made: Json | None) -> Mapping[str, Any]:
    found = (await visit.ask("GET /keys"))["data"]
    return {
        "keys": sorted(found, key=lambda one: not one["live"]),
        "made": made,
        "scopes": SCOPES,
        "most_hours": MOST_HOURS,
        "catalogs": sorted(visit.services.context.catalogs),
        "moment": lambda written: visit.show.moment(datetime.fromisoformat(written)),
    }


PAGE = Page(
    NAME,
    "Keys",
    show,
    acts={"make": make, "rotate": rotate, "revoke": revoke},
    roles=ADMINS,
    seen_by=ADMINS,
)
