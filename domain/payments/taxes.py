"""Taxes, as the payment processor computes them: what is asked of it, and what it said.

Money is in minor units of the charge's currency. The engine computes no tax; it only divides what
was said when a part of a charge goes back.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum

LOCATION_MISSING = "tax_location_missing"  # the processor does not know where the customer is
PRICE_CHANGED = "price_changed"  # the total is another than the buyer was shown
# What the customer cures, not we: it is told like a decline, and no finding is recorded.
FOR_THE_CUSTOMER = frozenset({LOCATION_MISSING, PRICE_CHANGED})
NOT_COMPUTED = "tax_not_computed"  # it computed none, for a reason that is not the customer's


class TaxBy(StrEnum):
    """Who computes the tax of what a plan charges."""

    NONE = "none"
    PROCESSOR = "processor"


class TaxBehavior(StrEnum):
    """Whether tax is added to a price, or is a part of it."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


@dataclass(frozen=True, slots=True)
class TaxTerms:
    """How a charge is taxed by the processor; `code` is its category of goods, "": the default."""

    behavior: TaxBehavior = TaxBehavior.EXCLUSIVE
    code: str = ""


def is_as_shown(price_minor: int, terms: TaxTerms | None, expected_minor: int | None) -> bool:
    """Return whether a price may come to the total that the buyer was shown; None: to any.

    Tax that is added is known with the invoice, of which no other total is accepted.

    >>> is_as_shown(1170, TaxTerms(), 1404), is_as_shown(1170, TaxTerms(), 1169)
    (True, False)
    >>> is_as_shown(1170, None, 1404), is_as_shown(1170, None, None)
    (False, True)
    """
    if expected_minor is None:
        return True
    added = terms is not None and terms.behavior is TaxBehavior.EXCLUSIVE and price_minor > 0
    return expected_minor >= price_minor if added else expected_minor == price_minor


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax at one place: `percent` is a decimal text, `reason` the processor's own word."""

    name: str  # "VAT"
    place: str  # "GB", "US-CA"
    percent: str  # "8.1"
    taxable_minor: int
    tax_minor: int
    reason: str

    @property
    def label(self) -> str:
        """The tax as people read it: "VAT 20 % (GB)"."""
        place = f" ({self.place})" if self.place else ""
        return f"{self.name} {self.percent} %{place}"


@dataclass(frozen=True, slots=True)
class Taxed:
    """The tax on one charge, with the part of each place.

    >>> vat = Taxed(TaxBehavior.EXCLUSIVE, 234, (TaxLine("VAT", "GB", "20", 1170, 234, ""),))
    >>> vat.net_of(1170), vat.total_of(1170)
    (1170, 1404)
    >>> inside = Taxed(TaxBehavior.INCLUSIVE, 195)
    >>> inside.net_of(1170), inside.total_of(1170)
    (975, 1170)
    """

    behavior: TaxBehavior
    tax_minor: int
    lines: tuple[TaxLine, ...] = ()

    @property
    def is_added(self) -> bool:
        """Return whether the tax comes on top of the price."""
        return self.behavior is TaxBehavior.EXCLUSIVE

    def net_of(self, price_minor: int) -> int:
        """Return what is left of a price for the seller."""
        return price_minor if self.is_added else price_minor - self.tax_minor

    def total_of(self, price_minor: int) -> int:
        """Return what is charged for a price."""
        return price_minor + self.tax_minor if self.is_added else price_minor


@dataclass(frozen=True, slots=True)
class Address:
    """A billing address; `country` is its ISO code of two letters, and all else may be empty."""

    country: str
    postal_code: str = ""
    state: str = ""
    city: str = ""
    line1: str = ""
    line2: str = ""

    def told(self) -> dict[str, str]:
        """Return what is known of it, by field."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Joining:
    """What a start brings to its payer: an address, and a payment method, which may have one."""

    address: Address | None = None
    payment_method: str = ""
