"""The layout of what was closed."""

from collections.abc import Iterable

from ledger.payments.closings import Closing
from ledger.reports.layouts.registered import DUE
from ledger.reports.tables import ABSENT, Sheet, instant_text, money_text, numbers, texts

TITLE = "Months that finance has closed, with the figures of then"
FLOWS = (
    "opening",
    "cash",
    "imported",
    "receivable",
    "revenue",
    "breakage",
    "refunds",
    "disputes",
    "closing",
)
ABOUT = ("compared", "findings settled", "findings open", "reason")
COMPARED = {True: "yes", False: "no", None: "unknown"}


def closings_sheet(closings: Iterable[Closing]) -> Sheet:
    """Lay out closed months, a row for each currency; one without any has a row of its own."""
    rows = [row for one in closings for row in _rows(one)]
    columns = (
        *texts("month", "currency"),
        *numbers(*FLOWS, *DUE, "owed"),
        *texts("closed by", "closed at", *ABOUT),
    )
    return Sheet(TITLE, columns, tuple(rows))


def _rows(closing: Closing) -> Iterable[tuple[str, ...]]:
    month = f"{closing.month.first:%Y-%m}"
    about = (
        closing.closed_by,
        instant_text(closing.closed_at),
        COMPARED[closing.compared],
        str(closing.settled),
        " ".join(closing.open_findings) or ABSENT,
        closing.reason or ABSENT,
    )
    if not closing.figures:
        yield (month, ABSENT, *([ABSENT] * (len(FLOWS) + len(DUE) + 1)), *about)
    for one in closing.figures:
        amounts = (
            *(getattr(one, name) for name in FLOWS),
            one.earned_not_posted,
            one.broken_not_posted,
            one.owed,
        )
        yield (month, one.currency, *(money_text(n, one.currency) for n in amounts), *about)
