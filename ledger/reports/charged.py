"""What charges that were paid came to, by what they pay for; their coupons and their taxes."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from domain.money import allocate
from domain.payments.charges import ChargeKind
from domain.payments.taxes import Taxed, TaxLine
from ledger.payments.taxes import as_taxed
from ledger.reports.scope import Scope, answer


@dataclass(frozen=True, slots=True)
class Charged:
    """Charges of a kind and currency that were paid in the scope, in minor units.

    `surcharge_minor` is the part of `amount_minor` above the price of the credits. Both are without
    tax.
    """

    kind: ChargeKind
    currency: str
    number: int
    amount_minor: int
    surcharge_minor: int


PAID = """
SELECT kind, currency, count(*), sum(amount_minor), sum(surcharge_minor)
FROM charges
WHERE state = 'paid' AND settled_at >= :start AND settled_at < :end
  AND account_id = coalesce(CAST(:account AS bigint), account_id)
GROUP BY kind, currency ORDER BY currency COLLATE "C", kind
"""


def charged(connection: Connection, scope: Scope) -> tuple[Charged, ...]:
    """Return what was paid, by currency and kind."""
    rows = answer(connection, (PAID,), scope.parameters)
    return tuple(Charged(ChargeKind(row[0]), *row[1:]) for row in rows)


@dataclass(frozen=True, slots=True)
class Discounted:
    """Paid charges of a kind and currency with one coupon (`list` and `code`), in minor units.

    `price_minor` less `discount_minor` is what was charged, without a tax that was added.
    """

    catalog: str
    code: str
    kind: ChargeKind
    currency: str
    charges: int
    customers: int
    price_minor: int
    discount_minor: int

    @property
    def charged_minor(self) -> int:
        """What was left of the prices."""
        return self.price_minor - self.discount_minor


DISCOUNTS = """
SELECT split_part(c.coupon, ':', 1) AS catalog, coupon_code(c.coupon) AS code, c.kind, c.currency,
       count(*), count(DISTINCT c.account_id), sum(price_of(c) + c.discount_minor),
       sum(c.discount_minor)
FROM charges c
WHERE c.state = 'paid' AND c.coupon IS NOT NULL
  AND c.settled_at >= :start AND c.settled_at < :end
  AND c.account_id = coalesce(CAST(:account AS bigint), c.account_id)
GROUP BY 1, 2, c.kind, c.currency ORDER BY 1, 2, c.currency COLLATE "C", c.kind
"""


def discounts(connection: Connection, scope: Scope) -> tuple[Discounted, ...]:
    """Return what each coupon took off, by kind of charge and currency."""
    rows = answer(connection, (DISCOUNTS,), scope.parameters)
    return tuple(Discounted(row[0], row[1], ChargeKind(row[2]), *row[3:]) for row in rows)


@dataclass(frozen=True, slots=True)
class TaxOfMonth:
    """One tax of one place in a month (its first day, UTC) and currency, in minor units.

    `taxable_minor` is what the processor computed `charged_minor` of; `returned_minor` went back
    with refunds and disputes, less what came again.
    """

    month: date
    currency: str
    place: str
    name: str
    percent: str
    charges: int
    taxable_minor: int
    charged_minor: int
    returned_minor: int

    @property
    def kept_minor(self) -> int:
        """What is owed to the place for the month."""
        return self.charged_minor - self.returned_minor


# Taxed charges that were paid, also where no tax was due: those alike are one row. Then what was
# posted of their tax since, with what had gone back before.
TAXES = """
SELECT count(*) AS charges,
       date_trunc('month', c.settled_at AT TIME ZONE 'UTC')::date AS month, c.currency,
       c.tax_minor, c.tax, 0::bigint AS back, 0::bigint AS before
FROM charges c
WHERE c.state = 'paid' AND c.tax IS NOT NULL
  AND c.settled_at >= :start AND c.settled_at < :end
  AND c.account_id = coalesce(CAST(:account AS bigint), c.account_id)
GROUP BY 2, c.currency, c.tax_minor, c.tax
UNION ALL
SELECT 0, r.month, r.currency, c.tax_minor, c.tax, r.back, r.so_far - r.back
FROM (SELECT p.account_id, p.charge_id, p.currency, p.at >= :start AS asked,
             date_trunc('month', p.at AT TIME ZONE 'UTC')::date AS month,
             sum(p.amount_minor)::bigint AS back,
             (sum(sum(p.amount_minor)) OVER (
                 PARTITION BY p.account_id, p.charge_id
                 ORDER BY date_trunc('month', p.at AT TIME ZONE 'UTC')::date, p.at >= :start
             ))::bigint AS so_far
      FROM postings p
      WHERE p.book = 'tax' AND p.cause IN ('refund', 'chargeback') AND p.at < :end
        AND p.account_id = coalesce(CAST(:account AS bigint), p.account_id)
      GROUP BY p.account_id, p.charge_id, p.currency, 4, 5) r
JOIN charges c USING (account_id, charge_id)
WHERE r.asked
"""


def taxes(connection: Connection, scope: Scope) -> tuple[TaxOfMonth, ...]:
    """Return each tax by month, currency and place; what is kept is the book of taxes."""
    sums: dict[tuple[date, str, str, str, str], list[int]] = defaultdict(lambda: [0] * 4)
    for number, month, currency, tax_minor, told, back, before in answer(
        connection, (TAXES,), scope.parameters
    ):
        taxed = as_taxed(tax_minor, told)
        for line, part in _parts(taxed, before, back) if taxed else ():
            found = sums[month, currency, line.place, line.name, line.percent]
            new = (number, number * line.taxable_minor, number * line.tax_minor, part)
            found[:] = map(sum, zip(found, new, strict=True))
    return tuple(TaxOfMonth(*key, *found) for key, found in sorted(sums.items()))


def _parts(taxed: Taxed, before: int, back: int) -> Iterator[tuple[TaxLine, int]]:
    """Yield each tax of a charge with its part of what went back.

    It is a function of all that went back so far, so that a charge that went back whole, in
    however many months, leaves nothing of any tax.
    """
    weights = [line.tax_minor for line in taxed.lines]
    earlier, now = (_shares(total, weights) for total in (before, before + back))
    for line, share, was in zip(taxed.lines, now, earlier, strict=True):
        yield line, share - was


def _shares(total: int, weights: list[int]) -> tuple[int, ...]:
    return allocate(total, weights) if total else (0,) * len(weights)
