"""The layout of what coupons took off."""

from collections.abc import Iterable

from ledger.reports.charged import Discounted
from ledger.reports.tables import Sheet, money_text, numbers, texts

TITLE = "what coupons took off the charges that were paid"


def discounts_sheet(lines: Iterable[Discounted]) -> Sheet:
    """Lay out discounts, a row for each coupon, kind of charge and currency."""
    rows = [
        (
            one.catalog,
            one.code,
            one.kind.value.replace("_", " "),
            one.currency,
            str(one.charges),
            str(one.customers),
            *(
                money_text(minor, one.currency)
                for minor in (one.price_minor, one.discount_minor, one.charged_minor)
            ),
        )
        for one in lines
    ]
    columns = (
        *texts("price list", "coupon", "for", "currency"),
        *numbers("charges", "customers", "price", "discount", "charged"),
    )
    return Sheet(TITLE, columns, tuple(rows))
