"""The layout of taxes."""

from collections.abc import Iterable

from ledger.reports.charged import TaxOfMonth
from ledger.reports.tables import ABSENT, Sheet, money_text, numbers, texts

TITLE = "taxes by month and place, as the payment processor computed them"


def taxes_sheet(lines: Iterable[TaxOfMonth]) -> Sheet:
    """Lay out taxes, a row for each rate of a place in a month."""
    rows = [
        (
            f"{one.month:%Y-%m}",
            one.currency,
            one.place or ABSENT,
            f"{one.name} {one.percent} %",
            str(one.charges),
            *(
                money_text(minor, one.currency)
                for minor in (
                    one.taxable_minor,
                    one.charged_minor,
                    one.returned_minor,
                    one.kept_minor,
                )
            ),
        )
        for one in lines
    ]
    columns = (
        *texts("month", "currency", "place", "tax"),
        *numbers("charges", "net", "charged", "given back", "kept"),
    )
    return Sheet(TITLE, columns, tuple(rows))
