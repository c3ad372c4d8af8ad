"""What operators do for a customer: each act with a reason, its numbers before the click."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from api.pages.asking import Json
from api.pages.operator.customer.previews import PREVIEWS, own_end
from api.pages.operator.customer.reading import Standing, standing_of, wanted, words_of
from api.pages.operator.customer.reasons import key_of, reason_of
from api.pages.operator.page import Page, back_to
from api.pages.operator.visits import Visit
from api.v1.problems import Problem
from domain.access.operators import SCOPES
from domain.api_keys import Scope
from domain.credits import parse_credits, parse_quantity
from domain.errors import BillingError, InvalidInput
from ledger.access import operator_acts
from ledger.reads import snapshots

ADJUST = "POST /customers/{id}/adjustments"
CANCEL = "POST /subscriptions/{id}/cancel"
UNCANCEL = "POST /subscriptions/{id}/uncancel"
SECOND = "approval_required"
CUSTOMERS_OWN = (
    "retry",
    "bonus",
    "end",
    "uncancel",
    "move",
)  # what customers or products do as well
ENDS = {"period_end": "with its period", "now": "now"}


async def _read(visit: Visit) -> Standing:
    named = wanted(visit)

    def find() -> Standing:
        with snapshots.snapshot(visit.services.engine) as connection:
            return standing_of(connection, visit, named)

    return await asyncio.to_thread(find)


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show what can be done."""
    return _facts(visit, await _read(visit))


def _facts(visit: Visit, standing: Standing, **more: Any) -> dict[str, Any]:
    catalog = visit.services.context.catalogs.get(standing.plan.get("catalog", ""))
    status = standing.subscription["status"] if standing.subscription else "ended"
    return {
        "standing": standing,
        "words": words_of(visit, standing),
        "lives": status != "ended",
        "paused": "by_operator" in standing.wallet.paused_by,
        "bonuses": catalog.bonuses if catalog else (),
        "may_change": _may_change(visit),
        "ends": ENDS,
        "adjusting": None,
        "ending": None,
        "doing": None,
        "changed": False,
        **more,
    }


def _may_change(visit: Visit) -> bool:
    """Return whether the operator's role does what customers do themselves."""
    return Scope.CUSTOMER in SCOPES[visit.operator.role]


async def preview_adjust(visit: Visit) -> Mapping[str, Any]:
    """Show what an adjustment would leave, and whether it needs a second person."""
    reason_of(visit)
    standing = await _read(visit)
    change = _change(visit)
    kind = standing.plan.get("credit_type", "credits")
    limit = standing.plan.get("adjustment_limit_micro")
    before = standing.available(kind)
    adjusting = {
        "credits": _typed(visit),
        "kind": kind,
        "change": change,
        "before": before,
        "after": before + change,
        "second": limit is not None and abs(change) > limit,
        "limit": limit,
    }
    return _facts(visit, standing, adjusting=adjusting)


def _change(visit: Visit) -> int:
    """Return the micro-credits that were typed, signed. Raises `InvalidInput`."""
    typed = _typed(visit)
    sign = -1 if typed.startswith("-") else 1
    return sign * parse_quantity(typed.removeprefix("-"))


def _typed(visit: Visit) -> str:
    """Return the credits as the door reads them; keyboards know two kinds of minus."""
    return visit.form.get("credits", "").strip().replace("\N{MINUS SIGN}", "-")


async def adjust(visit: Visit) -> Response:
    """Give or take credits; above the plan's limit it waits for a second person."""
    standing, reason = await _read(visit), reason_of(visit)
    named = standing.customer.customer_id
    credits_text = _typed(visit)
    order = {"credits": credits_text, "reason": reason, "by": visit.operator.email}
    key = key_of(visit)
    try:
        await visit.ask(ADJUST, body=order, key=key, id=named)
    except BillingError as error:
        if error.reason != SECOND:
            raise
    else:
        return _to_customer(named)

    def propose() -> None:
        with visit.services.engine.begin() as connection:
            operator_acts.propose(
                connection,
                standing.account_id,
                key,
                {"credits": credits_text},
                by=visit.operator.email,
                reason=reason,
                at=visit.at,
            )

    await asyncio.to_thread(propose)
    return back_to("proposals")


async def _preview(act: str, visit: Visit) -> Mapping[str, Any]:
    """Show what an act would do."""
    reason_of(visit)
    _require_allowed(visit, act)
    standing = await _read(visit)
    return _facts(visit, standing, doing=await PREVIEWS[act](visit, standing))


async def _as_seen(
    act: str, do: Callable[[Visit], Awaitable[Response]], visit: Visit
) -> Mapping[str, Any] | Response:
    """Do what was shown; where it has changed meanwhile, nothing is done and it is shown anew."""
    reason_of(visit)
    _require_allowed(visit, act)
    standing, key = await _read(visit), key_of(visit)

    def is_done() -> bool:
        with visit.services.engine.connect() as connection:
            return operator_acts.is_done(connection, standing.account_id, key)

    if await asyncio.to_thread(is_done):
        return _to_customer(standing.customer.customer_id)
    try:
        now = await PREVIEWS[act](visit, standing)
    except BillingError:  # the door refuses it too, and gives a repeat its first answer
        return await do(visit)
    if not now.is_of(visit):
        return _facts(visit, standing, doing=now, changed=True)
    return await do(visit)


def _require_allowed(visit: Visit, act: str) -> None:
    if act in CUSTOMERS_OWN and not _may_change(visit):
        raise Problem("scope_missing", f"{visit.operator.role} may not do this")


async def pause(visit: Visit) -> Response:
    """Pause metered actions, charges and renewals."""
    return await _noted(visit, "POST /customers/{id}/pause")


async def resume(visit: Visit) -> Response:
    """End an operator's pause."""
    return await _noted(visit, "POST /customers/{id}/resume")


async def _noted(visit: Visit, wanted_act: str) -> Response:
    """Do what keeps who and why by itself."""
    named = wanted(visit)
    note = {"reason": reason_of(visit), "by": visit.operator.email}
    await visit.ask(wanted_act, body=note, key=key_of(visit), id=named)
    return _to_customer(named)


async def retry(visit: Visit) -> Response:
    """Try declined charges again with the card."""
    return await _kept(visit, "retry", "POST /customers/{id}/retry_payment", {})


async def bonus(visit: Visit) -> Response:
    """Give a bonus of the price list."""
    invitee = visit.form.get("invitee", "").strip()
    content = {"bonus": visit.form.get("bonus", ""), "invitee": invitee, **own_end(visit)}
    return await _kept(visit, "bonus", "POST /customers/{id}/bonuses", content)


async def preview_end(visit: Visit) -> Mapping[str, Any]:
    """Show when the subscription would end and what would be lost."""
    reason_of(visit)
    standing = await _read(visit)
    answer = await visit.ask(CANCEL, body=_end(visit, preview=True), id=_subscription(standing))
    return _facts(visit, standing, ending={**answer, **_lost(answer), "when": visit.form["when"]})


def _lost(answer: Json) -> Json:
    """Return what is lost and kept, in micro-credits by type, without what is nothing."""
    return {
        name: {kind: parse_credits(amount) for kind, amount in answer.get(name, {}).items()}
        for name in ("lost_credits", "kept_credits")
    }


async def end(visit: Visit) -> Response:
    """End the subscription, now or with its period."""
    standing = await _read(visit)
    content = _end(visit)
    return await _kept(visit, "end", CANCEL, content, id_=_subscription(standing))


async def uncancel(visit: Visit) -> Response:
    """Take back an end that has not come."""
    standing = await _read(visit)
    return await _kept(visit, "uncancel", UNCANCEL, {}, id_=_subscription(standing))


async def move(visit: Visit) -> Response:
    """Move the customer to another time zone."""
    content = {"time_zone": visit.form.get("time_zone", "").strip()}
    return await _kept(visit, "move", "POST /customers/{id}/time_zone", content)


def _end(visit: Visit, **more: bool) -> Json:
    when = visit.form.get("when", "")
    if when not in ENDS:
        raise InvalidInput("malformed", "say when it ends: now, or with its period")
    return {"when": when, **more}


def _subscription(standing: Standing) -> str:
    if standing.subscription_id is None:
        raise InvalidInput("no_subscription", "there is no subscription")
    return standing.subscription_id


async def _kept(
    visit: Visit, act: str, wanted_act: str, content: Json, id_: str | None = None
) -> Response:
    """Do what has no place for who and why in the message: both are kept beside it, before."""
    _require_allowed(visit, act)
    standing, reason, key = await _read(visit), reason_of(visit), key_of(visit)
    engine, account = visit.services.engine, standing.account_id
    by = visit.operator.email

    def note() -> None:
        with engine.begin() as connection:
            operator_acts.note(
                connection,
                account,
                key,
                act=act,
                content=content,
                by=by,
                reason=reason,
                at=visit.at,
            )

    def settle() -> None:
        with engine.begin() as connection:
            operator_acts.settle(connection, account, key)

    await asyncio.to_thread(note)
    named = standing.customer.customer_id
    await visit.ask(wanted_act, body=content, key=key, id=id_ or named)
    await asyncio.to_thread(settle)
    return _to_customer(named)


def _to_customer(customer_id: str) -> Response:
    return back_to("customer", urlencode({"id": customer_id}))


DONE_AS_SEEN = {
    "pause": pause,
    "resume": resume,
    "retry": retry,
    "bonus": bonus,
    "uncancel": uncancel,
    "move": move,
}
PAGE = Page(
    "act",
    "Act",
    show,
    acts={
        "preview_adjust": preview_adjust,
        "adjust": adjust,
        **{f"preview_{act}": partial(_preview, act) for act in PREVIEWS},
        **{act: partial(_as_seen, act, do) for act, do in DONE_AS_SEEN.items()},
        "preview_end": preview_end,
        "end": end,
    },
    menu=False,
)
