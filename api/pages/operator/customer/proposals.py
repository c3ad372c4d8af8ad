"""Adjustments that need two people: proposed by one operator, decided by another."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from api.errors import NotFoundError
from api.pages.operator.customer.act import ADJUST
from api.pages.operator.customer.reading import wanted
from api.pages.operator.customer.telling import Words
from api.pages.operator.page import Page, back_to
from api.pages.operator.visits import Visit
from domain.credits import parse_credits
from domain.errors import InvalidInput
from ledger.access import operator_acts
from ledger.access.operator_acts import Proposal
from ledger.reads import snapshots

MOST = 50


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show what waits for a second person, then what was decided."""

    def read() -> list[Proposal]:
        with visit.services.engine.connect() as connection:
            return list(operator_acts.proposals(connection, MOST))

    found = await asyncio.to_thread(read)
    changes = {(one.account_id, one.act_id): parse_credits(one.content["credits"]) for one in found}
    return {"proposals": found, "changes": changes, "words": Words(visit.show, {}), "most": MOST}


async def confirm(visit: Visit) -> Response:
    """Confirm another's proposal, and do it, once. Raises `BillingError`."""
    proposal = await _decide(visit, confirmed=True)
    order = {
        "credits": proposal.content["credits"],
        "reason": proposal.reason,
        "by": proposal.made_by,
        "approved_by": visit.operator.email,
    }
    # The proposal's own key: pressed again after a fault, it is still done once.
    key = f"proposal-{proposal.account_id}-{proposal.act_id}"
    await visit.ask(ADJUST, body=order, key=key, id=proposal.customer_id)

    def settle() -> None:
        with visit.services.engine.begin() as connection:
            operator_acts.settle(connection, proposal.account_id, proposal.act_id)

    await asyncio.to_thread(settle)
    return back_to("proposals")


async def refuse(visit: Visit) -> Response:
    """Refuse another's proposal; it stays in the list."""
    await _decide(visit, confirmed=False)
    return back_to("proposals")


async def _decide(visit: Visit, *, confirmed: bool) -> Proposal:
    named, by = wanted(visit), visit.operator.email
    act_id = visit.form.get("proposal", "")

    def decide() -> Proposal | None:
        with visit.services.engine.begin() as connection:
            account = snapshots.account_of(connection, named, None)
            return operator_acts.decide(
                connection, account, act_id, confirmed=confirmed, by=by, at=visit.at
            )

    found = None if "\x00" in act_id else await asyncio.to_thread(decide)
    if found is None:
        raise NotFoundError("not_found", "there is no such proposal")
    if found.made_by == by:
        raise InvalidInput("own_request", "nobody decides on their own proposal")
    meant = (operator_acts.CONFIRMED, operator_acts.DONE) if confirmed else (operator_acts.REFUSED,)
    if found.decided_by != by or found.state not in meant:
        raise InvalidInput("already_decided", "this proposal was decided already")
    return found


PAGE = Page("proposals", "Proposals", show, acts={"confirm": confirm, "refuse": refuse})
