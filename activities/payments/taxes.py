"""The tax of a price that nobody has bought yet, as the processor would compute it."""

from dataclasses import dataclass

from domain.errors import BillingError
from domain.payments.taxes import LOCATION_MISSING, NOT_COMPUTED, Taxed, TaxTerms


@dataclass(frozen=True, slots=True)
class TaxWanted:
    """A price whose tax somebody wants to see first, in minor units."""

    payer: str
    currency: str
    price_minor: int
    terms: TaxTerms


@dataclass(frozen=True, slots=True)
class TaxPreview:
    """The tax on a price, or the reason why it is unknown: never zero by default."""

    taxed: Taxed | None = None
    refused: str = ""


def tax_reason(error: BillingError) -> str:
    """Return why a tax is unknown: the customer's place is, or the processor cannot compute it."""
    return LOCATION_MISSING if error.reason == LOCATION_MISSING else NOT_COMPUTED
