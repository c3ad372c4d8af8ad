"""A month as finance closes it: deferred revenue, what moved it, and what it is compared with."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from api.pages.operator.customer.reasons import reason_of
from api.pages.operator.page import Page, back_to
from api.pages.operator.running import temporal
from api.pages.operator.visits import Visit
from api.v1.problems import Problem
from api.v1.reads.lists import CSV
from domain.access.operators import OperatorRole
from domain.money import minor_exponent
from domain.payments.charges import ChargeKind
from domain.payments.closing import Figures, Month, changes, seal
from domain.payments.findings import ABOUT_MONEY
from ledger.payments import closings, findings
from ledger.payments.closings import Closing
from ledger.payments.findings import Looked

REPORT = "GET /reports/{name}"
# What a month's file may be; each is a report of docs/reports.md.
EXPORTS = (
    *("movement", "liability", "charges", "discounts", "debts", "closed-months", "imports"),
    "taxes",
    *("usage", "usage-by-day", "usage-by-member", "prices"),
)
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
EARNED, BROKEN = "earned, not yet posted", "breakage, not yet posted"


@dataclass(frozen=True, slots=True)
class Moved:
    """How deferred revenue of one currency moved, and what charges paid, in minor units.

    All of it is without tax, which is told beside it.
    """

    figures: Figures
    paid_minor: int
    surcharge_minor: int
    tax_charged_minor: int
    tax_returned_minor: int

    @property
    def currency(self) -> str:
        """The currency of all of it."""
        return self.figures.currency


@dataclass(frozen=True, slots=True)
class Due:
    """What expires in a month, by currency, in minor units."""

    expires: str
    currency: str
    deferred_minor: int


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show a month; without one, the last that is over."""
    written = visit.query.get("month") or visit.form.get("month", "")
    month = month_of(written, visit.at)
    names = ("movement", "liability", "charges", "taxes")
    (movement, liability, charges, taxes), (found, closing), compares = await asyncio.gather(
        asyncio.gather(*(_rows(visit, name, month) for name in names)),
        asyncio.to_thread(_kept, visit, month),
        temporal.compares(visit.services.temporal),
    )
    moved = [_moved(one, liability, charges, taxes) for one in movement]
    figures = [one.figures for one in moved]
    still = [one.finding.key for one in found if one.settled_at is None]
    sound = all(one.adds_up and one.is_covered for one in figures)
    return {
        "month": month,
        "is_over": month.is_over(visit.at),
        "closing": closing,
        "changes": changes(closing.figures, figures) if closing else [],
        "may_close": closing is None and sound and month.is_over(visit.at),
        "seen": seal(figures, still),
        "moved": moved,
        "due": _due(liability),
        "charges": [_charged(one) for one in charges],
        "found": found,
        "open": len(still),
        "compares": compares,
        "sound": sound,
        "exports": EXPORTS,
    }


async def close(visit: Visit) -> Response:
    """Close the month as it was shown. Raises `InvalidInput`; what changed is shown first."""
    month = month_of(visit.form.get("month", ""), visit.at)
    said = visit.form.get("reason", "").strip()
    asked = closings.Asked(
        month=month,
        by=visit.operator.email,
        seen=visit.form.get("seen", ""),
        reason=reason_of(visit) if said else None,
        compared=await temporal.compares(visit.services.temporal),
    )
    await asyncio.to_thread(closings.close, visit.services.engine, asked, visit.at)
    return back_to("finance", f"month={month.first:%Y-%m}")


async def csv(visit: Visit) -> Response:
    """Return a report of the month as a file."""
    name = visit.query.get("report", "")
    if name not in EXPORTS:
        raise Problem("unknown_report", f"there are: {', '.join(EXPORTS)}")
    month = month_of(visit.query.get("month", ""), visit.at)
    found = await visit.file(REPORT, accept=CSV, query=month.days, name=name)
    named = f'attachment; filename="{name}-{month.first:%Y-%m}.csv"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
    return Response(found.body, found.status, headers, found.media_type)


def month_of(written: str, at: datetime) -> Month:
    """Return a month written as 2027-01; "": the last that is over. Raises `Problem`."""
    if not written:
        return Month((at.astimezone(UTC).date().replace(day=1) - timedelta(days=1)).replace(day=1))
    try:
        return Month.read(written)
    except ValueError as error:
        raise Problem("invalid_parameter", "a month is written as 2027-01") from error


async def _rows(visit: Visit, name: str, month: Month) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = (await visit.ask(REPORT, query=month.days, name=name))[
        "rows"
    ]
    return found


def _kept(visit: Visit, month: Month) -> tuple[list[Looked], Closing | None]:
    with visit.services.engine.connect() as connection:
        found = findings.looked_at(connection, ABOUT_MONEY, month.begins, month.ends)
        return found, next(iter(closings.closed(connection, month.first, month.until)), None)


def _moved(
    row: Mapping[str, str],
    liability: Iterable[Mapping[str, str]],
    charges: Iterable[Mapping[str, str]],
    taxes: Sequence[Mapping[str, str]],
) -> Moved:
    currency = row["currency"]
    paid = [
        one for one in charges if one["currency"] == currency and one["for"] != ChargeKind.IMPORT
    ]
    figures = Figures(
        currency=currency,
        **{name: _minor(row[name], currency) for name in FLOWS},
        earned_not_posted=_minor(row[EARNED], currency),
        broken_not_posted=_minor(row[BROKEN], currency),
        liability=sum(one.deferred_minor for one in _due(liability, currency)),
    )
    return Moved(
        figures=figures,
        paid_minor=sum(_minor(one["paid"], currency) for one in paid),
        surcharge_minor=sum(_minor(one["of it surcharge"], currency) for one in paid),
        tax_charged_minor=_sum_of(taxes, "charged", currency),
        tax_returned_minor=_sum_of(taxes, "given back", currency),
    )


def _sum_of(rows: Iterable[Mapping[str, str]], column: str, currency: str) -> int:
    return sum(_minor(one[column], currency) for one in rows if one["currency"] == currency)


def _due(liability: Iterable[Mapping[str, str]], currency: str | None = None) -> list[Due]:
    """Return what expires when, of all credit types; never summed over currencies."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in liability:
        if currency in (None, one["currency"]):
            amount = _minor(one["deferred revenue"], one["currency"])
            sums[one["expires in"], one["currency"]] += amount
    return [Due(*of, amount) for of, amount in sums.items() if amount]


def _charged(row: Mapping[str, str]) -> dict[str, Any]:
    currency = row["currency"]
    return {
        "what": row["for"].replace("_", " "),
        "currency": currency,
        "number": row["charges"],
        "paid": _minor(row["paid"], currency),
        "surcharge": _minor(row["of it surcharge"], currency),
    }


def _minor(written: str, currency: str) -> int:
    """Return minor units of an amount as reports write it, which is exact."""
    return int(Decimal(written).scaleb(minor_exponent(currency)))


PAGE = Page(
    "finance",
    "Finance",
    show,
    acts={"close": close},
    files={"csv": csv},
    roles=frozenset({OperatorRole.FINANCE, OperatorRole.ADMIN}),
    seen_by=frozenset({OperatorRole.FINANCE, OperatorRole.ADMIN}),
)
