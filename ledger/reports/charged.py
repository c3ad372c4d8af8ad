"""What charges that were paid came to, by what they pay for."""

from dataclasses import dataclass

from sqlalchemy import Connection

from domain.payments.charges import ChargeKind
from ledger.reports.scope import Scope, answer


@dataclass(frozen=True, slots=True)
class Charged:
    """Charges of a kind and currency that were paid in the scope, in minor units.

    `surcharge_minor` is the part of `amount_minor` above the price of the credits.
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
