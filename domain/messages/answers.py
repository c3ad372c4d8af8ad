"""Answers to messages: the same through every door, and on every repeat."""

from typing import Any

from domain.credits import format_credits
from domain.holds import HELD, HoldOutcome, HoldState
from domain.mails.facts import neutral_reason
from domain.outcomes import UNDECIDED
from domain.payments.charges import LOOKED_INTO, Charge, Declined
from domain.payments.taxes import FOR_THE_CUSTOMER, PRICE_CHANGED, Taxed
from domain.pricing.discounts import Discount
from domain.reasons import CURES
from domain.usage import DECIDED, Confirmation, DebitOutcome

Answer = dict[str, Any]
PENDING = {"status": "pending"}
# Codes of ours for what was never put to a bank: the buyer is told them as they are.
OWN_CODES = frozenset({"no_payment_method", "payment_method_not_accepted"}) | FOR_THE_CUSTOMER


def paid(
    charge: Charge, quantity_micro: int, amount_minor: int, available_micro: int
) -> dict[str, Any]:
    """Return the answer to a buyer once the credits are granted."""
    return {
        "status": "paid",
        "charge_id": charge.charge_id,
        "credits": format_credits(quantity_micro),
        "amount_minor": amount_minor,
        "currency": charge.currency,
        **discount_told(charge.discount, charge.amount_minor),
        **tax_told(charge.taxed, charge.amount_minor),
        "available": format_credits(available_micro),
    }


def discount_told(discount: Discount | None, left_minor: int) -> Answer:
    """Return what an answer says about a coupon; nothing where there was none.

    `left_minor` is what is left of the price, in minor units.
    """
    if discount is None:
        return {}
    told = {"coupon": discount.code, "price_minor": left_minor + discount.minor}
    return {"discount": {**told, "discount_minor": discount.minor}}


def tax_told(taxed: Taxed | None, price_minor: int) -> Answer:
    """Return what an answer says about the tax of a price; nothing where none is computed."""
    if taxed is None:
        return {}
    lines = [
        {
            "name": one.name,
            "place": one.place,
            "percent": one.percent,
            "taxable_minor": one.taxable_minor,
            "tax_minor": one.tax_minor,
        }
        for one in taxed.lines
    ]
    return {
        "tax": {
            "behavior": taxed.behavior.value,
            "net_minor": taxed.net_of(price_minor),
            "tax_minor": taxed.tax_minor,
            "lines": lines,
        }
    }


def declined(charge: Charge, by: Declined) -> dict[str, Any]:
    """Return the answer to a buyer; a fault that operators look into never blames the card."""
    if by.decline in LOOKED_INTO:
        reason = LOOKED_INTO[by.decline]
        cure = CURES.get(reason, "")
        return {
            "status": "refused",
            "reason": reason,
            "cure": cure,
            "charge_id": charge.charge_id,
        }
    if by.code == PRICE_CHANGED:  # nobody tried to pay it
        return refused(PRICE_CHANGED, charge_id=charge.charge_id)
    reason = by.code if by.code in OWN_CODES else "declined"
    return {
        "status": "declined",
        "reason": reason,
        "cure": CURES[reason],
        "why": neutral_reason(by.code).value,
        "charge_id": charge.charge_id,
        "decline": by.decline.value,
        "invoice_url": by.invoice_url,
    }


def refused(reason: str, **facts: Any) -> Answer:
    """Return the answer that refuses a request."""
    return {"status": "refused", "reason": reason, "cure": CURES.get(reason, ""), **facts}


def credit_text(micro: int | None) -> str | None:
    """Return micro-credits as a decimal text."""
    return None if micro is None else format_credits(micro)


def answer_to(outcome: DebitOutcome | HoldOutcome) -> Answer:
    """Return the answer to who reported usage or asked for a hold."""
    if outcome.status not in (*DECIDED, *HELD):
        facts: Answer = {"missing": credit_text(outcome.missing_micro)}
        if outcome.asked is not None:
            facts["asked"] = _asked(outcome.asked)
        return refused(outcome.status, **facts)
    if isinstance(outcome, HoldOutcome):
        return answer_to_hold(outcome)
    answer: Answer = {
        "status": outcome.status,
        "seq": outcome.seq,
        "available": credit_text(outcome.available_micro),
        "charged": _by_type(outcome.charged),
    }
    if outcome.served_as is not None:
        answer["served_as"] = outcome.served_as
    return answer


def customers_answer(customer_id: str, outcome: DebitOutcome | HoldOutcome) -> Answer:
    """Return an outcome with the names of what it is about, for doors of all customers.

    `pending`: a purchase or a renewal comes first; the same message is to be sent again.
    """
    names = {"customer_id": customer_id, "key": outcome.key}
    if outcome.status in UNDECIDED:
        return {**names, **PENDING}
    return {**names, **answer_to(outcome)}


def answer_to_hold(outcome: HoldOutcome) -> Answer:
    """Return the answer to a request about a hold."""
    if outcome.status not in HELD:
        return refused(outcome.status, missing=credit_text(outcome.missing_micro))
    answer: Answer = {
        "status": outcome.status,
        "seq": outcome.seq,
        "state": outcome.state,
        "held": _by_type(outcome.held),
        "available": credit_text(outcome.available_micro),
    }
    if outcome.state is HoldState.CAPTURED:
        answer["taken"] = _by_type(outcome.taken)
        answer["uncollected"] = _by_type(outcome.uncollected)
    if outcome.state is HoldState.OPEN and outcome.lapses_at is not None:
        answer["lapses_at"] = outcome.lapses_at.isoformat()
    if outcome.served_as is not None:
        answer["served_as"] = outcome.served_as
    return answer


def _asked(asked: Confirmation) -> Answer:
    """Return what must be confirmed: the credits to draw, or the purchase to make."""
    answer: Answer = {}
    if asked.credits:
        answer["credits"] = _by_type(asked.credits)
    if asked.quantity_micro:
        answer["purchase"] = {
            "credits": credit_text(asked.quantity_micro),
            "amount_minor": asked.amount_minor,
            "surcharge_minor": asked.surcharge_minor,
            "currency": asked.currency,
        }
    return answer


def _by_type(amounts: tuple[tuple[str, int], ...]) -> dict[str, str | None]:
    return {credit_type: credit_text(micro) for credit_type, micro in amounts}
