"""What a customer used in a time, by action, day, member or tag."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from activities.reads.tables import as_sheet
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import JSON, Endpoint, Example, Parameter
from api.v1.endpoints import schemas
from api.v1.problems import Problem
from api.v1.reads.lists import CHOICES, CSV, names_of, table, wants_csv
from api.v1.reads.parameters import TIMES, instant_of, tags_of, text_of
from api.v1.reads.snapshots import of_customer
from domain.api_keys import Scope
from domain.credits import format_credits
from domain.messages import fields
from ledger.reads import usage, wallets
from ledger.reports.movement import TICK
from ledger.reports.scope import Scope as Time

MONTH = timedelta(days=31)
MOST_GROUPS = 4
MEMBER = "member"
SUMS = ("credit_type", "events", "quantity", "credits")
USED = schemas.titled(
    "Used",
    {
        "type": "object",
        "required": ["from", "to", "items"],
        "properties": {
            "from": schemas.INSTANT,
            "to": schemas.INSTANT,
            "items": {"type": "array", "items": {"type": "object", "required": list(SUMS)}},
        },
    },
)
_GROUP = "(action|day|member|tag:[^,\\u0000]{1,200})"
GROUPS = Parameter(
    "group_by",
    {"type": "string", "pattern": f"^{_GROUP}(,{_GROUP}){{0,3}}$"},
    "`action`, `day`, `member` or `tag:<name>`, up to four with commas between; `action` if left "
    "out. What lacks the tag has null.",
)


async def read_usage(call: Call) -> Reply:
    """Answer what was used, in this window if no time is named."""
    query = call.known(GROUPS.name, *names_of(CHOICES), *names_of(TIMES))
    by = _groups(query.get(GROUPS.name, "action"))
    start, end = instant_of(query, "from"), instant_of(query, "to")
    chosen = usage.ChosenUsage(text_of(query, "action"), tags_of(query))
    names = (*by, *SUMS)

    def read(connection: Connection, account_id: int) -> tuple[Time, list[dict[str, Any]]]:
        now = wallets.wallet_now(connection, account_id, datetime.now(UTC))
        until = end or now.at + TICK
        time = Time(start or _began(now.window_start, until), until, account_id)
        asked = [f"tag:{MEMBER}" if one == MEMBER else one for one in by]
        rows = usage.grouped(connection, time, asked, chosen)
        return time, [_told(names, row) for row in rows]

    time, items = await of_customer(call, read)
    if wants_csv(call):
        return table(call, as_sheet("usage", names, items))
    told = {"from": time.start.isoformat(), "to": time.end.isoformat(), "items": items}
    return reply(told, Vary="Accept")


def _told(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Return a sum as JSON values: groups, days among them, then what they come to."""
    *groups, kind, events, quantity, used = row
    values = [one.isoformat() if isinstance(one, date) else one for one in groups]
    values += (kind, events, format_credits(quantity), format_credits(used))
    return dict(zip(names, values, strict=True))


def _began(window_start: datetime | None, until: datetime) -> datetime:
    """Return when the time begins that no one named."""
    if window_start is None or window_start >= until:
        return until - MONTH
    return window_start


def _groups(sent: str) -> Sequence[str]:
    found = sent.split(",")
    for one in found:
        name = one.removeprefix(usage.TAG)
        known = one in (usage.ACTION, usage.DAY, MEMBER) or one.startswith(usage.TAG)
        if not known or not fields.is_text(name):
            raise Problem("invalid_parameter", f"`group_by`: {one!a:.60} cannot be grouped by")
    if len(found) > MOST_GROUPS or len(set(found)) < len(found):
        raise Problem("invalid_parameter", "`group_by` names up to four things, each once")
    return found


CUSTOMER_USAGE = (
    Endpoint(
        "GET",
        "/customers/{id:path}/usage",
        Scope.READ,
        summary="Sum up what a customer used.",
        handle=read_usage,
        answer=USED,
        parameters=(GROUPS, *CHOICES, *TIMES),
        reasons=("unknown_customer", "invalid_parameter", "invalid_range", "report_too_large"),
        answers_as=(JSON, CSV),
        examples=(Example("usage", path={"id": "acme"}, query={"group_by": "action,day"}),),
    ),
)
