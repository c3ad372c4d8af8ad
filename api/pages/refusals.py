"""Refusals as people read them: what happened, and what cures it."""

from dataclasses import dataclass, field
from typing import Any

from api.errors import EDGE_CURES, NotFoundError
from api.v1.problems import STATUSES, Problem, cure_of, status_of
from api.v1.serving import raised_status
from domain.errors import BillingError

NOT_FOUND = 404
# Where the door's words are for programs.
WORDS = {
    "declined": "The payment was declined.",
    "no_payment_method": "There is no card to charge yet.",
    "payment_method_not_accepted": "Your payment method cannot pay for this.",
    "tax_location_missing": "Your billing address is missing: the tax of this is not known.",
    "tax_not_computed": "The tax of this is not known just now.",
    "already_canceled": "The plan ends: it cannot be changed any more.",
    "same_plan": "This is your plan already.",
    "change_under_way": "A change of your plan is under way.",
    "not_in_plan": "Your plan does not sell this.",
    "unknown_coupon": "There is no such coupon.",
    "coupon_expired": "This coupon is over.",
    "coupon_used_up": "This coupon was redeemed as often as it may be.",
    "coupon_already_used": "You have used this coupon already.",
    "coupon_for_first_purchase": "This coupon is for the first purchase only.",
    "coupon_not_applicable": "This coupon takes nothing off this.",
    "invalid_unit": "This number cannot be bought.",
    "above_maximum": "This is more than can be bought at once.",
    "below_minimum": "This is less than can be bought.",
    "renewal_pending": "The payment of your plan is under way.",
    "request_under_way": "This is being done already.",
    "temporal_unavailable": "This did not work just now. Nothing was charged twice.",
    "database_unavailable": "The books of credits do not answer just now.",
    "ledger_busy": "Too many people are here just now.",
    "unknown_link": "This link is not valid.",
    "processor_unavailable": "The payment processor does not answer. Nothing was charged twice.",
}
# What a person can do where a program would repeat its request.
PEOPLES_CURES = {
    "temporal_unavailable": "Try it again in a minute: what was done already is not done twice.",
    "database_unavailable": "Try it again in a minute. Nothing was lost.",
    "processor_unavailable": "Try it again in a minute.",
    "tax_location_missing": "Save a payment method with your billing address. Nothing was charged.",
    "tax_not_computed": "Try it again later. Nothing was charged.",
    "ledger_busy": "Try it again in a minute.",
    "unknown_coupon": "Check how it is written, or buy without it.",
    "coupon_expired": "Buy without it, or use another.",
    "coupon_used_up": "Buy without it, or use another.",
    "coupon_already_used": "Buy without it, or use another.",
    "coupon_for_first_purchase": "Buy without it.",
    "coupon_not_applicable": "Buy without it, or something else.",
    "internal_error": "Try it again. If it stays so, tell us when it happened.",
    "unknown_link": "Use the button in the newest mail.",
    "not_found": "Look at its address, or go back and load the page before it again.",
}


CURED_BY_A_PAYMENT_METHOD = frozenset(
    {"no_payment_method", "payment_method_not_accepted", "declined", "tax_location_missing"}
)


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal for a page."""

    reason: str
    headline: str
    cure: str
    status: int
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_cured_by_a_payment_method(self) -> bool:
        """Whether the page of payment methods is where an admin cures it."""
        return self.reason in CURED_BY_A_PAYMENT_METHOD


def told_of(error: BillingError) -> Told:
    """Return how a refusal is told to a person."""
    reason = error.reason
    headline = WORDS.get(reason) or str(error)
    cure = PEOPLES_CURES.get(reason) or cure_of(reason) or EDGE_CURES.get(reason, "")
    facts = error.facts if isinstance(error, Problem) else {}
    status = _status(error)
    return Told(reason, _sentence(headline), _sentence(cure), status=status, facts=facts)


def _status(error: BillingError) -> int:
    if error.reason in STATUSES:
        return status_of(error.reason)
    return NOT_FOUND if isinstance(error, NotFoundError) else raised_status(error)


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
