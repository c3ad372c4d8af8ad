"""What a seller reads: the price list as it is sold, and the reports of finance."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime

from activities.reads.price_list import price_list
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import JSON, Endpoint, Example, Parameter
from api.v1.endpoints import schemas
from api.v1.problems import Problem
from api.v1.reads.lists import CSV, table, wants_csv
from api.v1.reads.parameters import text_of
from domain.api_keys import Scope
from domain.errors import InvalidInput
from ledger.reads import snapshots
from ledger.reports.registry import ReportRequest, sheet, tag_and_value
from ledger.reports.scope import snapshot
from ledger.reports.tables import Sheet

DATE = {"type": "string", "format": "date"}
WHERE = {"type": "string", "pattern": "^[^=\\u0000]+=[^\\u0000]+$", "maxLength": 200}
PARAMETERS = (
    Parameter("customer", schemas.CUSTOMER, "Of one customer; all of them if left out."),
    Parameter("from", DATE, "The first day."),
    Parameter("to", DATE, "The day after the last."),
    Parameter("tag", schemas.TEXT, "The tag that a report by tag groups by."),
    Parameter("action", schemas.TEXT, "Of events: only this one."),
    Parameter("where", WHERE, "Of events: only with this tag, as `member=ada`."),
)
PRICES = schemas.titled(
    "PriceList", {"type": "object", "required": ["catalog", "currency", "actions", "plans"]}
)
REPORT = schemas.titled(
    "Report",
    {
        "type": "object",
        "required": ["name", "title", "rows", "notes"],
        "properties": {
            "rows": {
                "type": "array",
                "items": {"type": "object", "additionalProperties": {"type": "string"}},
            }
        },
    },
)


async def read_catalog(call: Call) -> Reply:
    """Answer a price list; another seller's is unknown. Operators see plans that are not public."""
    call.known()
    name = call.path["name"]
    if call.key.catalog not in (None, name) or name not in call.services.context.catalogs:
        raise InvalidInput("unknown_catalog", f"there is no catalog {name!a:.60}")
    catalog, whole = call.services.context.catalog(name), call.key.allows(Scope.OPERATOR)
    return reply(price_list(catalog, datetime.now(UTC), whole=whole))


async def read_report(call: Call) -> Reply:
    """Answer a report. A key of one seller reads those of its own customers, one at a time."""
    query = call.known(*(one.name for one in PARAMETERS))
    asked = _asked(call.path["name"], query)
    if call.key.catalog is not None and asked.customer_id is None:
        raise Problem("scope_missing", "a key of one catalog names the `customer`")
    found = await asyncio.to_thread(_made, call, asked)
    if wants_csv(call):
        return table(call, found)
    names = [one.name for one in found.columns]
    told = {
        "name": asked.name,
        "title": found.title,
        "rows": [dict(zip(names, row, strict=True)) for row in found.rows],
        "notes": found.notes,
    }
    return reply(told, Vary="Accept")


def _made(call: Call, asked: ReportRequest) -> Sheet:
    with snapshot(call.services.engine) as connection:
        if asked.customer_id is not None:
            snapshots.account_of(connection, asked.customer_id, call.key.catalog)
        return sheet(connection, asked, datetime.now(UTC))


def _asked(name: str, query: Mapping[str, str]) -> ReportRequest:
    where = text_of(query, "where")
    return ReportRequest(
        name=name,
        customer_id=text_of(query, "customer"),
        first=_day(query, "from"),
        until=_day(query, "to"),
        tag=text_of(query, "tag"),
        action=text_of(query, "action"),
        where=() if where is None else (tag_and_value(where),),
    )


def _day(query: Mapping[str, str], name: str) -> date | None:
    if name not in query:
        return None
    try:
        return date.fromisoformat(query[name])
    except ValueError as error:
        raise Problem("invalid_parameter", f"`{name}` is a day such as 2027-01-31") from error


SELLERS = (
    Endpoint(
        "GET",
        "/catalogs/{name}",
        Scope.READ,
        summary="Read a price list as a pricing page shows it.",
        handle=read_catalog,
        answer=PRICES,
        reasons=("unknown_catalog",),
        examples=(Example("price list", path={"name": "make"}),),
    ),
    Endpoint(
        "GET",
        "/reports/{name}",
        Scope.OPERATOR,
        summary="Read a report of finance.",
        handle=read_report,
        answer=REPORT,
        parameters=PARAMETERS,
        reasons=(
            "unknown_report",
            "unknown_customer",
            "missing_tag",
            "invalid_tags",
            "invalid_range",
            "invalid_parameter",
            "report_too_large",
        ),
        answers_as=(JSON, CSV),
        examples=(Example("usage", path={"name": "usage"}, query={"customer": "acme"}),),
    ),
)
