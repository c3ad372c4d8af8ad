"""A month as finance closes it: deferred revenue, what moved it, and what it is compared with."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from api.pages.operator.page import Page
from api.pages.operator.running import temporal
from api.pages.operator.visits import Visit
from api.v1.problems import Problem
from api.v1.reads.lists import CSV
from domain.access.operators import OperatorRole
from domain.money import minor_exponent
from domain.payments.findings import FindingKind
from ledger.payments import findings
from ledger.payments.findings import Looked

REPORT = "GET /reports/{name}"
# What a month's file may be; each is a report of docs/reports.md.
EXPORTS = (
    *("movement", "liability", "charges", "debts"),
    *("usage", "usage-by-day", "usage-by-member", "prices"),
)
ABOUT_MONEY = (
    FindingKind.AMOUNT_DIFFERS,
    FindingKind.PROCESSOR_REFUSED,
    FindingKind.PROCESSOR_STATE,
    FindingKind.PAID_WITHOUT_CHARGE,
    FindingKind.PAYER_DELETED,
    FindingKind.NO_LONGER_PAID,
    FindingKind.PAID_ONLY_HERE,
    FindingKind.REFUND_DIFFERS,
)
FLOWS = ("opening", "cash", "revenue", "breakage", "refunds", "disputes", "closing")
EARNED, BROKEN = "earned, not yet posted", "breakage, not yet posted"


@dataclass(frozen=True, slots=True)
class Month:
    """A month in UTC, as books are kept."""

    first: date

    @property
    def until(self) -> date:
        """The first day that is not in it."""
        return (self.first + timedelta(days=32)).replace(day=1)

    @property
    def days(self) -> dict[str, str]:
        """The month as a report is asked for it."""
        return {"from": self.first.isoformat(), "to": self.until.isoformat()}

    def is_over(self, at: datetime) -> bool:
        """Return whether nothing more can be booked in it."""
        return at.astimezone(UTC).date() >= self.until


@dataclass(frozen=True, slots=True)
class Moved:
    """How deferred revenue of one currency moved, in minor units; `flows` by `FLOWS`."""

    currency: str
    flows: Mapping[str, int]
    earned_minor: int  # due, and not posted at the month's end
    broken_minor: int
    owed_minor: int
    liability_minor: int  # the same closing, from what each grant still is worth
    paid_minor: int = 0
    surcharge_minor: int = 0

    @property
    def adds_up(self) -> bool:
        """Return whether opening and what moved give the closing."""
        opening, cash, *less, closing = (self.flows[name] for name in FLOWS)
        return opening + cash - sum(less) == closing

    @property
    def is_owed(self) -> bool:
        """Return whether the book is what the grants still owe."""
        return self.liability_minor == self.flows["closing"]


@dataclass(frozen=True, slots=True)
class Due:
    """What expires in a month, by currency, in minor units."""

    expires: str
    currency: str
    deferred_minor: int


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show a month; without one, the last that is over."""
    month = month_of(visit.query.get("month", ""), visit.at)
    movement, liability, charges, found, compares = await asyncio.gather(
        _rows(visit, "movement", month),
        _rows(visit, "liability", month),
        _rows(visit, "charges", month),
        asyncio.to_thread(_found, visit, month),
        temporal.compares(visit.services.temporal),
    )
    moved = [_moved(one, liability, charges) for one in movement]
    still = [one for one in found if one.settled_at is None]
    return {
        "month": month,
        "is_over": month.is_over(visit.at),
        "moved": moved,
        "due": _due(liability),
        "charges": [_charged(one) for one in charges],
        "found": found,
        "open": len(still),
        "compares": compares,
        "agrees": all(one.adds_up and one.is_owed for one in moved) and not still,
        "exports": EXPORTS,
    }


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
        first = date.fromisoformat(f"{written}-01")
    except ValueError as error:
        raise Problem("invalid_parameter", "a month is written as 2027-01") from error
    if not 2000 <= first.year < 9000:  # noqa: PLR2004 - years in which nothing was sold
        raise Problem("invalid_parameter", "a month is written as 2027-01")
    return Month(first)


async def _rows(visit: Visit, name: str, month: Month) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = (await visit.ask(REPORT, query=month.days, name=name))[
        "rows"
    ]
    return found


def _found(visit: Visit, month: Month) -> list[Looked]:
    begin, end = (
        datetime(one.year, one.month, 1, tzinfo=UTC) for one in (month.first, month.until)
    )
    with visit.services.engine.connect() as connection:
        return findings.looked_at(connection, ABOUT_MONEY, begin, end)


def _moved(
    row: Mapping[str, str],
    liability: Iterable[Mapping[str, str]],
    charges: Iterable[Mapping[str, str]],
) -> Moved:
    currency = row["currency"]
    paid = [one for one in charges if one["currency"] == currency]
    return Moved(
        currency=currency,
        flows={name: _minor(row[name], currency) for name in FLOWS},
        earned_minor=_minor(row[EARNED], currency),
        broken_minor=_minor(row[BROKEN], currency),
        owed_minor=_minor(row["owed"], currency),
        liability_minor=sum(one.deferred_minor for one in _due(liability, currency)),
        paid_minor=sum(_minor(one["paid"], currency) for one in paid),
        surcharge_minor=sum(_minor(one["of it surcharge"], currency) for one in paid),
    )


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
    files={"csv": csv},
    seen_by=frozenset({OperatorRole.FINANCE, OperatorRole.ADMIN}),
)
