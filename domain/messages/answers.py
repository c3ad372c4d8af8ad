"""Answers to purchases, kept so that a repeated request gets the same one."""

from typing import Any

from domain.credits import format_credits
from domain.mails.facts import neutral_reason
from domain.payments.charges import LOOKED_INTO, Charge, Declined
from domain.reasons import CURES


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
        "available": format_credits(available_micro),
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
    reason = "declined" if by.code != "no_payment_method" else by.code
    return {
        "status": "declined",
        "reason": reason,
        "cure": CURES[reason],
        "why": neutral_reason(by.code).value,
        "charge_id": charge.charge_id,
        "decline": by.decline.value,
        "invoice_url": by.invoice_url,
    }
