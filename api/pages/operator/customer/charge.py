"""One charge: what it granted, what became of that, what went back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.errors import NotFoundError
from api.pages.operator.customer.reading import Standing, standing_of, wanted, words_of
from api.pages.operator.customer.telling import CHARGES, TONES, plain
from api.pages.operator.page import Page
from api.pages.operator.visits import Visit
from ledger.reads import charge, snapshots, timeline
from ledger.reads.charge import Whole
from ledger.reads.timeline import Twin


@dataclass(frozen=True, slots=True)
class Read:
    """All of one instant."""

    standing: Standing
    whole: Whole
    twin: Twin | None


async def read(visit: Visit) -> Read:
    """Return the charge that a visit is about. Raises `NotFoundError`, `InvalidInput`."""
    named = wanted(visit)
    charge_id = visit.form.get("charge") or visit.query.get("charge", "")

    def find() -> Read | None:
        with snapshots.snapshot(visit.services.engine) as connection:
            standing = standing_of(connection, visit, named)
            found = charge.whole(connection, standing.account_id, charge_id.replace("\x00", ""))
            if found is None:
                return None
            twins = timeline.twins(connection, standing.account_id, [charge_id])
        return Read(standing, found, twins[0] if twins else None)

    found = await asyncio.to_thread(find)
    if found is None:
        raise NotFoundError("not_found", "this customer has no such charge")
    return found


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show a charge."""
    found = await read(visit)
    kind = found.whole.charge.kind
    return {
        "standing": found.standing,
        "whole": found.whole,
        "twin": found.twin,
        "what": CHARGES.get(kind, plain(kind)),
        "tones": TONES,
        "words": words_of(visit, found.standing),
    }


PAGE = Page("charge", "Charge", show, menu=False)
