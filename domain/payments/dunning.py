"""How to react to a declined charge.

Names of decline codes: https://docs.stripe.com/declines/codes; of advice: `advice_code` in
https://docs.stripe.com/declines/card#retrying-issuer-declines; of bank debits: the error codes at
https://docs.stripe.com/error-codes.
"""

from datetime import datetime, timedelta

from domain.payments.charges import ChargeKind, Decline
from domain.subscription import OpenCharge

HARD_ADVICE = frozenset({"confirm_card_data", "do_not_try_again"})

# Charging the same card again cannot work, or card networks forbid trying: only another card helps.
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

# Bank accounts that no debit will ever reach, and mandates that only the customer can give anew:
# debiting one again costs a fee each time.
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
    """Classify a decline by the processor's advice first, then by its code; unknown is soft."""
    if advice in HARD_ADVICE or code in HARD_CODES | BANK_CODES:
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
