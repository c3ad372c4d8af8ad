"""What an act would do, in the ledger's own numbers, before the click.

Each preview has `seen`, which its form sends back: where it has changed meanwhile, nothing is done
and the new one is shown.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from api.pages.asking import Json
from api.pages.operator.customer.reading import Standing
from api.pages.operator.customer.telling import CHARGES, plain
from api.pages.operator.visits import Visit
from api.v1.problems import Problem
from domain.errors import BillingError, InvalidInput
from domain.messages.purchases import parse_give_bonus
from domain.payments.charges import ChargeKind, ChargeState
from domain.payments.sent_invoices import INVOICE_OVERDUE
from domain.payments.taxes import LOCATION_MISSING
from domain.periods import checked_zone
from domain.pricing.catalog import Bonus, Extras, gift_ends
from domain.subscription import Pause
from gateways.payments import ProcessorUnavailable
from ledger import grants

log = logging.getLogger(__name__)

LISTED = "GET /customers/{id}/charges"
METHODS = "GET /customers/{id}/payment_methods"
MOST = "100"
RETRIED = (ChargeKind.PERIOD, ChargeKind.AUTO)  # others are given up: the buyer buys anew
OPERATORS = Pause.BY_OPERATOR.value
NAMED_AT_MOST = 64  # characters of an invitee
ZONE_AT_MOST = 60


@dataclass(frozen=True, slots=True)
class Preview:
    """Which act is shown, its facts for the template, and what the click is about."""

    act: str
    facts: Mapping[str, Any]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seen(self) -> str:
        """What was shown, as the form sends it back."""
        return json.dumps(self.about, sort_keys=True, default=str)

    def is_of(self, visit: Visit) -> bool:
        """Return whether a form was sent by somebody who saw just this."""
        return visit.form.get("seen") == self.seen


async def of_retry(visit: Visit, standing: Standing) -> Preview:
    """Return which charges are tried, for how much, with which card.

    Raises `BillingError`: nothing was declined, or an operator's pause holds everything.
    """
    if OPERATORS in standing.wallet.paused_by:
        raise Problem("paused:by_operator", "an operator has paused this customer")
    named = standing.customer.customer_id
    query = {"limit": MOST, "state": ChargeState.OPEN}
    found = await visit.ask(LISTED, query=query, id=named)
    # Whose transfer is awaited is not tried: no card pays it.
    overdue = [one for one in found["items"] if one["decline_code"] == INVOICE_OVERDUE]
    declined = [one for one in found["items"] if one["declines"] and one not in overdue]
    unpaid = Pause.PAYMENT_FAILED in standing.wallet.paused_by
    if overdue and not declined:
        raise Problem("paid_by_transfer", "what is unpaid is an invoice, and no card pays it")
    if not declined and not unpaid:
        raise Problem("nothing_declined", "no charge of this customer was declined")
    tried = [_charge(one) for one in declined if one["kind"] in RETRIED]
    given_up = [_charge(one) for one in declined if one["kind"] not in RETRIED]
    card = await _card(visit, named)
    about = {
        "tried": [(one["id"], one["amount_minor"], one["declines"]) for one in tried],
        "given_up": [one["id"] for one in given_up],
        "card": card,
    }
    return Preview("retry", {"tried": tried, "given_up": given_up, "card": card}, about)


def _charge(charge: Json) -> Json:
    what = CHARGES.get(charge["kind"], plain(charge["kind"]))
    return {**charge, "what": what, "taxless": charge["decline_code"] == LOCATION_MISSING}


async def _card(visit: Visit, customer_id: str) -> str:
    """Return the card that is charged, as people know it; "": none, or nobody can say."""
    try:
        found = await visit.ask(METHODS, query={"limit": MOST}, id=customer_id)
    except (BillingError, ProcessorUnavailable) as error:
        log.warning("the card of a preview cannot be told: %s", type(error).__name__)
        return ""
    card = next((one for one in found["items"] if one["default"]), None)
    return str(card["name"]) if card else ""


async def of_bonus(visit: Visit, standing: Standing) -> Preview:
    """Return how many credits of which type, until when, and the balance after it.

    Raises `InvalidInput`: there is no such bonus, or nobody was named.
    """
    bonus, invitee = _bonus(visit, standing), visit.form.get("invitee", "").strip()
    if not invitee or len(invitee) > NAMED_AT_MOST or "\x00" in invitee:
        raise InvalidInput("malformed", f"say for whom or what, in {NAMED_AT_MOST} characters")
    if invitee == standing.customer.customer_id:
        raise Problem("own_referral", "nobody is given a bonus for themselves")

    def given() -> int:
        with visit.services.engine.connect() as connection:
            key = f"bonus:{bonus.bonus_id}:{invitee}"
            return grants.given(connection, standing.account_id, key)

    known, own = await asyncio.to_thread(given), own_end(visit)
    before = standing.available(bonus.credit_type)
    asked = parse_give_bonus(
        json.dumps({"bonus": bonus.bonus_id, "invitee": invitee, **own}).encode()
    )
    if asked.expires_at is not None and asked.expires_at <= standing.wallet.at:
        raise InvalidInput("invalid_expiry", "the last day is over")
    days = bonus.valid_days if not own else asked.valid_days
    facts = {
        "bonus": bonus,
        "invitee": invitee,
        "days": days,
        "until": asked.ends(standing.wallet.at, _ends_of(bonus, standing)),
        "given": known,
        "before": before,
        "after": before if known else before + bonus.quantity_micro,
    }
    about = {name: facts[name] for name in ("invitee", "days", "given")}
    kept = {"bonus": bonus.bonus_id, "credits": bonus.quantity_micro}
    if not days:  # an end counted in days moves on until the click
        kept["until"] = facts["until"]
    return Preview("bonus", facts, about | kept)


def own_end(visit: Visit) -> Json:
    """Return the end that a bonus is given by the form; none: as its price list says.

    Raises `InvalidInput` (`invalid_expiry`).
    """
    days, last = (visit.form.get(name, "").strip() for name in ("valid_days", "last_day"))
    if days and last:
        raise InvalidInput("invalid_expiry", "write days or a last day, not both")
    try:
        if days:
            return {"valid_days": int(days)}
        if last:
            after = date.fromisoformat(last) + timedelta(days=1)
            return {"expires_at": datetime.combine(after, time(), visit.show.zone).isoformat()}
    except (ValueError, OverflowError) as error:
        raise InvalidInput("invalid_expiry", "write a number of days, or a last day") from error
    return {}


def _bonus(visit: Visit, standing: Standing) -> Bonus:
    catalog = visit.services.context.catalog(standing.plan.get("catalog", ""))
    return catalog.bonus(visit.form.get("bonus", ""))


def _ends_of(bonus: Bonus, standing: Standing) -> datetime | None:
    """Return when a bonus given now expires by its price list; None: never."""
    ends = {
        Extras.WINDOW_END: standing.wallet.window_end,
        Extras.PERIOD_END: _period_end(standing),
        Extras.NEVER: None,
    }
    return gift_ends(bonus, standing.wallet.at, ends)


async def of_pause(_: Visit, standing: Standing) -> Preview:
    """Return what stops: credits that cannot be used, the payment that waits, what expires."""
    if OPERATORS in standing.wallet.paused_by:
        raise Problem("already_paused", "an operator has paused this customer")
    expiring = [one for one in standing.grants if one.available and one.expires_at]
    first = min(expiring, key=lambda one: str(one.expires_at), default=None)
    facts = {
        "balances": [one for one in standing.balances if one.available],
        "due": None if _ends(standing) else _period_end(standing),
        "price": _price(standing),
        "currency": standing.plan.get("currency", ""),
        "first": first,
    }
    # Credits move all the time; who pauses decides on the payment.
    return Preview("pause", facts, {name: facts[name] for name in ("due", "price")})


async def of_resume(_: Visit, standing: Standing) -> Preview:
    """Return what begins again: a period that is charged at once, or the one that goes on."""
    if OPERATORS not in standing.wallet.paused_by:
        raise Problem("not_paused", "no operator has paused this customer")
    end = _period_end(standing)
    facts = {
        "balances": [one for one in standing.balances if one.available],
        "due": None if _ends(standing) else end,
        "over": end is not None and end <= standing.wallet.at,
        "price": _price(standing),
        "currency": standing.plan.get("currency", ""),
        "others": [one for one in standing.wallet.paused_by if one != OPERATORS],
    }
    return Preview("resume", facts, {name: facts[name] for name in ("due", "over", "price")})


async def of_uncancel(_: Visit, standing: Standing) -> Preview:
    """Return what goes on: the next payment, and the credits that are not lost.

    Raises `Problem`: nothing is to end.
    """
    if not _ends(standing):
        raise Problem("not_canceled", "the subscription is not to end")
    facts = {
        "due": _period_end(standing),
        "price": _price(standing),
        "currency": standing.plan.get("currency", ""),
        "balances": [one for one in standing.balances if one.available],
    }
    return Preview("uncancel", facts, {name: facts[name] for name in ("due", "price")})


async def of_move(visit: Visit, standing: Standing) -> Preview:
    """Return the zone that a customer leaves, its new one and when periods begin to follow it.

    Raises `InvalidInput`: there is no such zone.
    """
    typed = visit.form.get("time_zone", "").strip()
    zone = checked_zone(typed[:ZONE_AT_MOST]).key
    facts = {
        "before": standing.customer.time_zone,
        "zone": zone,
        "from": None if _ends(standing) else _period_end(standing),
    }
    return Preview("move", facts, facts)


def _period_end(standing: Standing) -> datetime | None:
    end = standing.subscription["period_end"] if standing.subscription else None
    return end if isinstance(end, datetime) else None


def _ends(standing: Standing) -> bool:
    return bool(standing.subscription and standing.subscription["cancel_at_end"])


def _price(standing: Standing) -> int:
    """Return what the next period costs, of the plan that will be in force then; net of tax."""
    subscription = standing.subscription
    plan = (subscription and subscription["next_plan"]) or standing.plan
    return int(plan.get("price_minor", 0))


PREVIEWS: Mapping[str, Callable[[Visit, Standing], Awaitable[Preview]]] = {
    "retry": of_retry,
    "bonus": of_bonus,
    "pause": of_pause,
    "resume": of_resume,
    "uncancel": of_uncancel,
    "move": of_move,
}
