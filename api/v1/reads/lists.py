"""Lists of what a customer has: entries, grants, charges, notices, requests, members."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Connection

from activities.reads.members import with_use
from activities.reads.tables import as_json, as_sheet
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import JSON, Endpoint, Example, Parameter
from api.v1.endpoints import schemas
from api.v1.problems import Problem
from api.v1.reads.parameters import PAGING, TIMES, instant_of, limit_of, tags_of, text_of
from api.v1.reads.snapshots import of_customer
from domain.api_keys import Scope
from ledger.reads import lists
from ledger.reads.lists import ChosenEntries, Listing, Page
from ledger.reports.tables import Sheet, csv_text

CSV = "text/csv"
Json = dict[str, Any]
PAGE = schemas.titled(
    "Page",
    {
        "type": "object",
        "required": ["items", "has_more"],
        "properties": {
            "items": {"type": "array", "items": {"type": "object", "required": ["id"]}},
            "has_more": {"type": "boolean"},
        },
    },
)
TAG = {"type": "string", "pattern": "^[^:\\u0000]+:[^\\u0000]+$", "maxLength": 200}
CHOICES = (
    Parameter("action", schemas.TEXT, "Only this action."),
    Parameter("member", schemas.TEXT, "Only of this member."),
    Parameter("tag", TAG, "Only with this tag, as `campaign:spring`."),
)
WORDS = {
    "credit_type": "Only of this credit type.",
    "source": "Only of this source, such as `pack`.",
    "state": "Only in this state.",
    "kind": "Only of this kind.",
    "unread": "`true`: only what was not read.",
    "member": "Only of this member.",
}
LINE_DIGITS = 19  # of a sequence number


def answered(call: Call, page: Page, items: list[Json]) -> Reply:
    """Return a page as JSON, or as a table where that is asked for."""
    if wants_csv(call):
        more = {}
        if page.has_more:
            query = urlencode({**call.query, "starting_after": items[-1]["id"]})
            path = quote(call.address.partition(" ")[2])
            more = {"Link": f'<{path}?{query}>; rel="next"'}
        return table(call, as_sheet("items", page.names, items), more)
    return reply({"items": items, "has_more": page.has_more}, Vary="Accept")


def wants_csv(call: Call) -> bool:
    """Return whether a table is asked for."""
    return CSV in call.headers.get("accept", "")


def table(call: Call, sheet: Sheet, headers: Json | None = None) -> Reply:
    """Return a table as a file that a spreadsheet reads and does not run."""
    name = call.address.rpartition("/")[2]
    told = {
        "Content-Disposition": f'attachment; filename="{quote(name)}.csv"',
        "Vary": "Accept",
        **(headers or {}),
    }
    return Reply(csv_text(sheet).encode(), 200, told, f"{CSV}; charset=utf-8")


async def read_list(
    listing: Listing, also: Callable[[Connection, int, list[Json]], list[Json]] | None, call: Call
) -> Reply:
    """Answer one page of a list."""
    query = call.known("limit", "starting_after", *listing.filters)
    filters = {name: text_of(query, name) or "" for name in listing.filters if name in query}
    after, limit = text_of(query, "starting_after"), limit_of(query)

    def read(connection: Connection, account_id: int) -> tuple[Page, list[Json]]:
        found = lists.page(
            connection, listing, account_id, filters=filters, after=after, limit=limit
        )
        page = _found(found, after)
        items = [as_json(one, listing.credits) for one in page.items]
        return page, also(connection, account_id, items) if also else items

    return answered(call, *await of_customer(call, read))


async def read_entries(call: Call) -> Reply:
    """Answer one page of a customer's journal, the newest line first."""
    query = call.known("limit", "starting_after", *names_of(CHOICES), *names_of(TIMES))
    after, limit = query.get("starting_after"), limit_of(query)
    chosen = ChosenEntries(
        action=text_of(query, "action"),
        tags=tags_of(query),
        start=instant_of(query, "from"),
        end=instant_of(query, "to"),
    )
    line = _line(after)

    def read(connection: Connection, account_id: int) -> Page:
        found = lists.entries(connection, account_id, chosen, after=line, limit=limit)
        return _found(found, after)

    page = await of_customer(call, read)
    return answered(call, page, [as_json(one, lists.ENTRY_CREDITS) for one in page.items])


def names_of(parameters: Iterable[Parameter]) -> list[str]:
    """Return the names of parameters."""
    return [one.name for one in parameters]


def _line(after: str | None) -> tuple[int, int] | None:
    if after is None:
        return None
    seq, dot, line = after.partition(".")
    digits = seq + line
    if not (dot and digits.isascii() and digits.isdigit() and seq and line):
        raise _no_item(after)
    if len(seq) >= LINE_DIGITS or len(line) > len("32767"):
        raise _no_item(after)
    return int(seq), min(int(line), lists.AT_LAST[1])


def _found(page: Page | None, after: str | None) -> Page:
    if page is None:
        raise _no_item(after)
    return page


def _no_item(after: str | None) -> Problem:
    return Problem("invalid_cursor", f"`starting_after`: the list has no item {after!a:.100}")


def used_by(connection: Connection, account_id: int, items: list[Json]) -> list[Json]:
    """Add what each member used and has left."""
    return with_use(connection, account_id, items, datetime.now(UTC))


def _list(
    name: str,
    summary: str,
    listing: Listing,
    also: Callable[[Connection, int, list[Json]], list[Json]] | None = None,
) -> Endpoint:
    filters = [Parameter(one, schemas.TEXT, WORDS[one]) for one in listing.filters]
    return Endpoint(
        "GET",
        f"/customers/{{id:path}}/{name}",
        Scope.READ,
        summary=summary,
        handle=partial(read_list, listing, also),
        answer=PAGE,
        parameters=(*PAGING, *filters),
        reasons=REASONS,
        answers_as=(JSON, CSV),
        examples=(Example(name, path={"id": "acme"}),),
    )


REASONS = ("unknown_customer", "invalid_cursor", "invalid_parameter")
LISTS = (
    Endpoint(
        "GET",
        "/customers/{id:path}/entries",
        Scope.READ,
        summary="List what changed a customer's credits, the newest first.",
        handle=read_entries,
        answer=PAGE,
        parameters=(*PAGING, *CHOICES, *TIMES),
        reasons=(*REASONS, "report_too_large"),
        answers_as=(JSON, CSV),
        examples=(Example("entries", path={"id": "acme"}, query={"limit": "5"}),),
    ),
    _list("grants", "List the credits a customer was given, the newest first.", lists.GRANTS),
    _list("charges", "List a customer's charges, the newest first.", lists.CHARGES),
    _list("invoices", "List a customer's invoices, the newest first.", lists.INVOICES),
    _list("notices", "List what people are told inside the product.", lists.NOTICES),
    _list("approvals", "List members' requests, the newest first.", lists.APPROVALS),
    _list("members", "List a customer's members by id, with their use.", lists.MEMBERS, used_by),
)
