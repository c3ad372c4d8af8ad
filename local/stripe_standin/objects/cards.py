"""The test cards of https://docs.stripe.com/testing, and what banks answer to them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bank's refusal: error `code`, `decline` code, `advice` (docs.stripe.com/declines)."""

    code: str
    decline: str = ""
    advice: str = ""


SCA = Outcome("authentication_required", "authentication_required")
GENERIC = Outcome("card_declined", "generic_decline")
NO_FUNDS = Outcome("card_declined", "insufficient_funds")


@dataclass(frozen=True, slots=True)
class Card:
    """A test card or account: what `attach`, every `charge`, or one `off_session` is refused by."""

    token: str
    brand: str
    last4: str
    attach: Outcome | None = None
    charge: Outcome | None = None
    off_session: Outcome | None = None
    delayed: bool = False  # answered days later, by `POST /_settle`
    type: str = "card"
    verified: bool = True  # or only once its holder has found a small deposit, `POST /_verify`

    @property
    def fingerprint(self) -> str:
        """The card number's fingerprint; it names the test card, as real ones name a number."""
        return f"standin_{self.token}"


def _visa_that_cannot_be_saved(name: str, last4: str, outcome: Outcome) -> Card:
    # "The cards in the previous table can't be attached to a Customer object."
    return Card(f"pm_card_visa_{name}", "visa", last4, attach=outcome, charge=outcome)


CARDS = {
    card.token: card
    for card in (
        Card("pm_card_visa", "visa", "4242"),
        Card("pm_card_visa_debit", "visa", "5556"),
        Card("pm_card_mastercard", "mastercard", "4444"),
        Card("pm_card_amex", "amex", "8431"),
        Card("pm_card_discover", "discover", "1117"),
        # "Attaching this card to a Customer object succeeds, but attempts to charge fail."
        Card("pm_card_chargeCustomerFail", "visa", "0341", charge=GENERIC),
        Card("pm_card_authenticationRequired", "visa", "3184", off_session=SCA),
        Card("pm_card_authenticationRequiredOnSetup", "visa", "3155"),
        Card(
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "visa",
            "3178",
            charge=NO_FUNDS,
        ),
        _visa_that_cannot_be_saved("chargeDeclined", "0002", GENERIC),
        _visa_that_cannot_be_saved("chargeDeclinedInsufficientFunds", "9995", NO_FUNDS),
        _visa_that_cannot_be_saved(
            "chargeDeclinedLostCard", "9987", Outcome("card_declined", "lost_card")
        ),
        _visa_that_cannot_be_saved(
            "chargeDeclinedStolenCard", "9979", Outcome("card_declined", "stolen_card")
        ),
        _visa_that_cannot_be_saved(
            "chargeDeclinedVelocityLimitExceeded",
            "6975",
            Outcome("card_declined", "card_velocity_exceeded"),
        ),
        _visa_that_cannot_be_saved("chargeDeclinedExpiredCard", "0069", Outcome("expired_card")),
        _visa_that_cannot_be_saved("chargeDeclinedIncorrectCvc", "0127", Outcome("incorrect_cvc")),
        _visa_that_cannot_be_saved(
            "chargeDeclinedProcessingError", "0119", Outcome("processing_error")
        ),
        # A card of which the bank asks its holder first; Stripe's test mode has none.
        Card("pm_card_processing", "visa", "0356", delayed=True),
        Card("pm_usBankAccount_success", "", "6789", delayed=True, type="us_bank_account"),
        Card("pm_usBankAccount_processing", "", "3456", delayed=True, type="us_bank_account"),
        # Numbers that were typed in, and no bank that vouches for them at once.
        Card(
            "pm_usBankAccount_unverified",
            "",
            "4321",
            delayed=True,
            type="us_bank_account",
            verified=False,
        ),
        # Of the test IBAN AT61 1904 3002 3457 3201.
        Card("pm_sepaDebit_success", "", "3201", delayed=True, type="sepa_debit"),
    )
}

BY_FINGERPRINT = {card.fingerprint: card for card in CARDS.values()}
