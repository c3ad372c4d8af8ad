"""How to react to a declined charge.

Names of decline codes: https://docs.stripe.com/declines/codes; of advice: `advice_code` in
https://docs.stripe.com/declines/card#retrying-issuer-declines.
"""

from datetime import datetime, timedelta

from domain.payments import ChargeKind, Decline
from domain.subscription import OpenCharge

HARD_ADVICE = frozenset({"confirm_card_data", "do_not_try_again"})

# Charging the same card again cannot work, or card networks forbid trying: only another card helps.
HARD_CODES = frozenset(
    {
        "card_not_supported",
        "currency_not_supported",
        "expired_card",
        "fraudulent",
        "highest_risk_level",
        "incorrect_number",
        "invalid_account",
        "lost_card",
        "new_account_information_available",
        "no_payment_method",
        "pickup_card",
        "pin_try_exceeded",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
        "transaction_not_allowed",
    }
)

NEEDS_CUSTOMER_CODES = frozenset({"authentication_required"})


def reaction(code: str, advice: str) -> Decline:
    """Classify a decline by the processor's advice first, then by its code; unknown is soft."""
    if advice in HARD_ADVICE or code in HARD_CODES:
        return Decline.HARD
    if code in NEEDS_CUSTOMER_CODES:
        return Decline.NEEDS_CUSTOMER
    return Decline.SOFT


def next_try(
    charge: OpenCharge, decline: Decline, first: datetime, now: datetime
) -> datetime | None:
    """Return when dunning tries again by itself; hard declines wait for another card.

    The days are counted from the first decline. What was tried late, for nobody worked, keeps the
    distances between the tries that are left.
    """
    plan = charge.plan
    if plan is None or charge.kind not in (ChargeKind.PERIOD, ChargeKind.AUTO):
        return None
    auto = plan.auto.dunning_days if plan.auto else ()
    days = plan.renewal_dunning_days if charge.kind is ChargeKind.PERIOD else auto
    if decline is not Decline.SOFT or charge.declines >= len(days):
        return None
    planned = first + timedelta(days=days[charge.declines])
    before = days[charge.declines - 1] if charge.declines else 0
    return planned if planned > now else now + timedelta(days=days[charge.declines] - before)


def patience_ends(charge: OpenCharge, first: datetime) -> datetime | None:
    """Return when patience with an unpaid renewal ends: its dunning is over, and the grace days.

    It is the same instant for declines that are not tried again: another card may come until then.
    """
    plan = charge.plan
    if plan is None or charge.kind is not ChargeKind.PERIOD:
        return None
    dunning = plan.renewal_dunning_days[-1] if plan.renewal_dunning_days else 0
    return first + timedelta(days=dunning + plan.grace_days)
