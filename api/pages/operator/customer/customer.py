"""One customer on one timeline, with what stands beside it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.pages.operator.customer.reading import (
    Standing,
    standing_of,
    wanted,
    words_of,
    workflow_page,
    workflow_state,
)
from api.pages.operator.customer.telling import Told, told
from api.pages.operator.page import Page
from api.pages.operator.visits import Visit
from ledger.reads import snapshots, timeline
from ledger.reads.timeline import Place, Twin

SHOWN = 50  # events of a page


@dataclass(frozen=True, slots=True)
class Read:
    """All of one instant."""

    standing: Standing
    page: timeline.Page
    twins: Mapping[str, Twin]


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show what happened to a customer, the newest first, and how it stands."""
    named, place = wanted(visit), Place.parse(visit.query.get("older", ""))

    def read() -> Read:
        with snapshots.snapshot(visit.services.engine) as connection:
            standing = standing_of(connection, visit, named)
            account = standing.account_id
            page = timeline.page(connection, account, place, SHOWN)
            charged = [one.facts["charge"] for one in page.events if one.kind == "charge"]
            twins = timeline.twins(connection, account, charged)
        return Read(standing, page, {one.charge_id: one for one in twins})

    found = await asyncio.to_thread(read)
    standing = found.standing
    subscription = standing.subscription_id
    words = words_of(visit, standing)
    return {
        "title": standing.customer.name or standing.customer.customer_id,
        "standing": standing,
        "workflow": await workflow_state(visit, subscription) if subscription else "none",
        "workflow_page": workflow_page(visit, subscription) if subscription else "",
        "days": by_day([told(one, words) for one in found.page.events], words.day),
        "twins": found.twins,
        "older": str(found.page.older) if found.page.older else "",
        "first": not visit.query.get("older"),
        "words": words,
    }


def by_day(events: Sequence[Told], day: Any) -> list[tuple[str, list[Told]]]:
    """Return events under their days, in their order."""
    days: list[tuple[str, list[Told]]] = []
    for one in events:
        named = day(one.at)
        if not days or days[-1][0] != named:
            days.append((named, []))
        days[-1][1].append(one)
    return days


PAGE = Page("customer", "Customer", show, menu=False)
