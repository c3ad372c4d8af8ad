"""A month as finance closes it: its figures by currency, and what changed since it was closed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

SOLD = range(2000, 9000)  # years: in others nothing was, and the calendar may end in them


@dataclass(frozen=True, slots=True)
class Month:
    """A month in UTC, as books are kept."""

    first: date

    @classmethod
    def read(cls, written: str) -> Self:
        """Return a month written as 2027-01. Raises `ValueError`.

        >>> Month.read("2027-01").until
        datetime.date(2027, 2, 1)
        """
        first = date.fromisoformat(f"{written}-01")
        if first.year not in SOLD:
            raise ValueError("nothing was sold in that year")
        return cls(first)

    @property
    def until(self) -> date:
        """The first day that is not in it."""
        return (self.first + timedelta(days=32)).replace(day=1)

    @property
    def begins(self) -> datetime:
        """Its first instant."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def ends(self) -> datetime:
        """The first instant that is not in it."""
        return datetime.combine(self.until, time(), UTC)

    @property
    def days(self) -> dict[str, str]:
        """The month as a report is asked for it."""
        return {"from": self.first.isoformat(), "to": self.until.isoformat()}

    def is_over(self, at: datetime) -> bool:
        """Return whether it has ended."""
        return at >= self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How deferred revenue of one currency moved in a month, in minor units.

    `liability`: what the grants that are still to be used have cost, which the closing must be.
    """

    currency: str
    opening: int
    cash: int
    imported: int
    receivable: int
    revenue: int
    breakage: int
    refunds: int
    disputes: int
    closing: int
    earned_not_posted: int
    broken_not_posted: int
    liability: int

    @property
    def adds_up(self) -> bool:
        """Return whether opening and what moved give the closing."""
        less = self.revenue + self.breakage + self.refunds + self.disputes
        more = self.cash + self.imported + self.receivable
        return self.opening + more - less == self.closing

    @property
    def is_covered(self) -> bool:
        """Return whether the book is what the grants still owe."""
        return self.liability == self.closing

    @property
    def owed(self) -> int:
        """The closing once everything due is posted."""
        return self.closing - self.earned_not_posted - self.broken_not_posted


AMOUNTS = tuple(one.name for one in fields(Figures) if one.name != "currency")


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a closed month that is another now, in minor units."""

    currency: str
    figure: str
    closed: int
    now: int

    @property
    def difference(self) -> int:
        """What came since."""
        return self.now - self.closed


def changes(closed: Iterable[Figures], now: Iterable[Figures]) -> list[Change]:
    """Return what differs from what was closed; a currency that one side lacks has zeros there.

    >>> from dataclasses import replace
    >>> zeros = Figures(currency="USD", **dict.fromkeys(AMOUNTS, 0))
    >>> changes([zeros], [replace(zeros, cash=900, closing=900, liability=900)])[0].difference
    900
    """
    before, after = _by_currency(closed), _by_currency(now)
    nothing = dict.fromkeys(AMOUNTS, 0)
    return [
        Change(currency, name, was[name], being[name])
        for currency in sorted(before | after)
        for was in [before.get(currency, nothing)]
        for being in [after.get(currency, nothing)]
        for name in AMOUNTS
        if was[name] != being[name]
    ]


def seal(figures: Iterable[Figures], open_findings: Iterable[str]) -> str:
    """Return what names exactly these figures and open findings: only what was seen is closed."""
    told = [asdict(one) for one in sorted(figures, key=lambda one: one.currency)]
    written = json.dumps([told, sorted(open_findings)], sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


def _by_currency(figures: Iterable[Figures]) -> dict[str, Mapping[str, int]]:
    return {one.currency: {name: getattr(one, name) for name in AMOUNTS} for one in figures}
