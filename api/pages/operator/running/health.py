"""Whether everything runs: what waits, what was refused, what somebody must look at."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.responses import RedirectResponse

from activities.payments.reconciliation import PATIENCE
from api.pages.operator.page import Page, back_to
from api.pages.operator.running import temporal
from api.pages.operator.visits import Visit
from catalogs.kept import words
from domain.payments.findings import Finding
from domain.pricing.catalog import Catalog
from domain.pricing.published import Comparison
from ledger import published
from ledger.notifications import webhook_deliveries, webhook_endpoints
from ledger.payments import findings
from ledger.reads import health

NAME = "health"
BUSY = 1_000  # debits in the queue of the group commit, as docs/operations.md alerts
MOST_FINDINGS = 50


@dataclass(frozen=True, slots=True)
class PublishedList:
    """A price list of this process: what workers have not published yet, and what they refuse."""

    name: str
    version: int
    fresh: tuple[str, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What the database shows at one instant."""

    waiting: tuple[health.Waiting, ...]
    refused: tuple[health.Refused, ...]
    overdue: tuple[webhook_deliveries.Stuck, ...]
    off: tuple[webhook_endpoints.Endpoint, ...]
    findings: tuple[Finding, ...]
    lists: tuple[PublishedList, ...]


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show what is stuck; whether the laws of the books hold, only when asked."""
    services = visit.services

    def read() -> Books:
        with services.engine.connect() as connection:
            return _books(connection, services.context.catalogs, visit.at)

    books, told = await asyncio.gather(asyncio.to_thread(read), temporal.told(services.temporal))
    looked = "laws" in visit.query
    return {
        "books": books,
        "findings": books.findings[:MOST_FINDINGS],
        "number_of_findings": len(books.findings),
        "temporal": told,
        "load": services.usage.load(),
        "busy": BUSY,
        "door": services.tally.told(visit.at),
        "looked": looked,
        "broken": await asyncio.to_thread(_broken, visit) if looked else None,
        "age": lambda since: age(visit.at - since),
        "is_late": lambda since: visit.at - since > PATIENCE,
        "settled": visit.query.get("settled") == "1",
    }


async def settle(visit: Visit) -> RedirectResponse:
    """Record who looked at a finding and what came of it."""
    key, reason = visit.form.get("finding", ""), visit.form.get("reason", "")

    def change() -> None:
        with visit.services.engine.begin() as connection:
            findings.settle(connection, key, by=visit.operator.email, reason=reason, at=visit.at)

    await asyncio.to_thread(change)
    return back_to(NAME, "settled=1")


def age(passed: timedelta) -> str:
    """Return a duration as people say it."""
    seconds = max(int(passed.total_seconds()), 0)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if number := seconds // length:
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"


def _books(connection: Connection, catalogs: Mapping[str, Catalog], at: datetime) -> Books:
    compared = published.all_compared(connection, catalogs.values(), at)
    return Books(
        waiting=tuple(health.waiting(connection)),
        refused=tuple(health.refused(connection, at)),
        overdue=tuple(webhook_deliveries.stuck(connection, at)),
        off=tuple(one for one in webhook_endpoints.listed(connection) if one.state == "off"),
        findings=findings.open_findings(connection),
        lists=tuple(_list(catalogs[name], one) for name, one in sorted(compared.items())),
    )


def _list(catalog: Catalog, found: Comparison) -> PublishedList:
    return PublishedList(
        name=catalog.name,
        version=catalog.version,
        fresh=tuple(map(str, found.fresh)),
        refused=tuple(words(one, catalog.currency) for one in found.refused),
    )


def _broken(visit: Visit) -> object:
    with visit.services.engine.begin() as connection:
        return health.broken(connection)


PAGE = Page(NAME, "Health", show, acts={"settle": settle})
