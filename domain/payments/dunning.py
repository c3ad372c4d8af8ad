"""How to react to a declined charge.

Decline codes: https://docs.stripe.com/declines/codes; advice codes:
https://docs.stripe.com/declines/card#retrying-issuer-declines; bank debits' error codes:
https://docs.stripe.com/error-codes.
"""

from datetime import datetime, timedelta

from domain.payments.charges import ChargeKind, Decline
from domain.subscription import OpenCharge

HARD_ADVICE = frozenset({"confirm_card_data", "do_not_try_again"})

# Retrying the same card cannot work or card networks forbid it: only another card helps.
HARD_CODES = frozenset(
    {
        "charge_voided",
        "written_off",
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
        "payment_method_not_accepted",
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

# Bank accounts that no debit will ever reach, and mandates that only the customer can renew:
# another debit fails and costs a fee each time.
BANK_CODES = frozenset(
    {
        "account_closed",
        "account_number_invalid",
        "authorization_revoked",
        "bank_account_declined",
        "bank_account_restricted",
        "bank_account_unusable",
        "bank_account_unverified",
        "billing_invalid_mandate",
        "branch_does_not_exist",
        "debit_authorization_not_match",
        "debit_disputed",
        "debit_not_authorized",
        "incorrect_account_holder_name",
        "invalid_account_number",
        "no_account",
        "payment_intent_mandate_invalid",
        "payment_method_bank_account_blocked",
        "recipient_deceased",
        "routing_number_invalid",
        "sepa_unsupported_account",
    }
)

NEEDS_CUSTOMER_CODES = frozenset({"authentication_required"})


def reaction(code: str, advice: str) -> Decline:
    """Classify a decline by the processor's advice, then by its code; unknown codes are soft."""
    if advice in HARD_ADVICE or code in HARD_CODES | BANK_CODES:
        return Decline.HARD
    if code in NEEDS_CUSTOMER_CODES:
        return Decline.NEEDS_CUSTOMER
    return Decline.SOFT


def next_try(
    charge: OpenCharge, decline: Decline, first: datetime, now: datetime
) -> datetime | None:
    """Return when dunning retries automatically; None: hard declines wait for another card.

    Days count from the first decline. If an outage delayed an attempt, the remaining attempts keep
    their distances from each other.
    """
    plan = charge.plan
    tried = charge.kind in (ChargeKind.PERIOD, ChargeKind.AUTO) and charge.charge.due_at is None
    if plan is None or not tried:
        return None
    auto = plan.auto.dunning_days if plan.auto else ()
    days = plan.renewal_dunning_days if charge.kind is ChargeKind.PERIOD else auto
    if decline is not Decline.SOFT or charge.declines >= len(days):
        return None
    planned = first + timedelta(days=days[charge.declines])
    before = days[charge.declines - 1] if charge.declines else 0
    return planned if planned > now else now + timedelta(days=days[charge.declines] - before)


def patience_ends(charge: OpenCharge, first: datetime) -> datetime | None:
    """Return when an unpaid renewal is given up: after the last dunning attempt and the grace days.

    The same for declines that are never retried: another card may come until then.
    """
    plan = charge.plan
    if plan is None or charge.kind is not ChargeKind.PERIOD:
        return None
    if charge.charge.due_at is not None:  # nothing was tried: its day has passed
        return first + timedelta(days=plan.grace_days)
    dunning = plan.renewal_dunning_days[-1] if plan.renewal_dunning_days else 0
    return first + timedelta(days=dunning + plan.grace_days)
