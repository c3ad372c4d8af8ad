"""How to react to a declined charge.

Names of decline codes: https://docs.stripe.com/declines/codes; of advice: `advice_code` in
https://docs.stripe.com/declines/card#retrying-issuer-declines.
"""

from domain.payments import Decline

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
