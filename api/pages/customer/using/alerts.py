"""At which balances people are told and how, and what the product has told them."""

import json
from typing import Any

from starlette.responses import Response

from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, back_to
from api.pages.customer.visits import CUSTOMER, Visit
from api.pages.customer.words import Words
from domain.errors import InvalidInput
from domain.messages.alerts import MOST_THRESHOLDS
from domain.pricing.policies import Channel

ALERTS, SET = f"GET {CUSTOMER}/alerts", f"POST {CUSTOMER}/alerts"
NOTICES, READ = f"GET {CUSTOMER}/notices", f"POST {CUSTOMER}/notices/read"
CHANNELS = {
    Channel.EMAIL: "By mail",
    Channel.IN_APP: "In the product",
    Channel.BOTH: "By mail and in the product",
}
FIELDS = ("percent", "credits", "channel", "rearm_on_purchase")  # of a threshold, as it is set
SHOWN = "20"


async def show(visit: Visit) -> dict[str, Any]:
    """Show the thresholds, and the notices with the newest first."""
    kept = await visit.ask(ALERTS)
    query = {"limit": SHOWN}
    if visit.query.get("after"):
        query["starting_after"] = visit.query["after"]
    found = await visit.ask(NOTICES, query=query)
    notices = [_notice(visit, one) for one in found["items"]]
    return words.facts(
        visit,
        own=kept["own"],
        alerts=kept["alerts"],
        channels=CHANNELS,
        most=MOST_THRESHOLDS,
        unit=visit.unit(visit.plan.main_credit_type),
        plans_own=bool(visit.plan.alerts),
        notices=notices,
        unread=json.dumps([one["id"] for one in notices if one["unread"]]),
        older=found["items"][-1]["id"] if found["has_more"] else "",
        key=visit.new_key(),
    )


async def add(visit: Visit) -> Response:
    """Add a threshold to those in force."""
    amount = visit.form.get("amount", "").strip()
    wanted: Json = {"channel": visit.form.get("channel", "")}
    if visit.form.get("measure") == "percent":
        if not (amount.isascii() and amount.isdigit() and len(amount) < len("1000")):
            raise InvalidInput("invalid_threshold", "choose 1 to 99 per cent")
        wanted["percent"] = int(amount)
    else:
        wanted["credits"] = amount
    if visit.form.get("again"):
        wanted["rearm_on_purchase"] = True
    return await _set(visit, [*await _in_force(visit), wanted])


async def remove(visit: Visit) -> Response:
    """Take one of the thresholds away."""
    gone = visit.form.get("threshold", "")
    kept = await visit.ask(ALERTS)
    return await _set(visit, [_plain(one) for one in kept["alerts"] if one["threshold"] != gone])


async def restore(visit: Visit) -> Response:
    """Go back to the plan's own thresholds."""
    return await _set(visit, None)


async def read(visit: Visit) -> Response:
    """Mark the notices that were shown as read."""
    try:
        named = json.loads(visit.form.get("notices", ""))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("malformed", "there are no notices of that name") from error
    await visit.ask(READ, body={"notices": named}, key=visit.form.get("key", ""))
    return back_to("alerts")


async def _in_force(visit: Visit) -> list[Json]:
    kept = await visit.ask(ALERTS)
    return [_plain(one) for one in kept["alerts"]]


async def _set(visit: Visit, alerts: list[Json] | None) -> Response:
    await visit.ask(SET, body={"alerts": alerts}, key=visit.form.get("key", ""))
    return back_to("alerts")


def _plain(alert: Json) -> Json:
    return {name: alert[name] for name in FIELDS if name in alert}


def _notice(visit: Visit, notice: Json) -> Json:
    headline, more = _said(visit, notice["kind"], notice["payload"])
    return {
        "id": notice["id"],
        "at": notice["at"],
        "unread": notice["read_at"] is None,
        "headline": headline,
        "more": more,
    }


def _said(visit: Visit, kind: str, told: Json) -> tuple[str, str]:
    """Return a notice as people read it."""
    credit_type = told.get("credit_type") or visit.plan.main_credit_type
    of = Words(visit)
    if kind == "low_balance":
        left = of.credits(told["available"], credit_type)
        days = told.get("days_left")
        pace = f"At the pace of late, enough for {days} days." if days is not None else ""
        return f"{left} left of {of.number(told['base'])}", pace
    if kind == "credits_expiring":
        gone = of.credits(told["credits"], credit_type)
        return f"{gone} expire soon", f"Until {of.until(told['expires_at'])}."
    return kind.replace("_", " ").capitalize(), ""


PAGE = Page(
    "alerts",
    "Alerts",
    show,
    acts={"add": add, "remove": remove, "restore": restore, "read": read},
    admins=True,
)
