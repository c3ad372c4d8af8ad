"""Balances that customers bring along: booked against the opening book, granted once per key."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from domain.burn import tie_keys
from domain.credits import MICRO, MOST
from domain.errors import IdempotencyConflict, InvalidInput
from domain.outcomes import Outcome
from domain.payments.imports import Brought
from domain.pricing.catalog import Plan
from ledger import accounts, grants
from ledger.grants import GrantOrder


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose credits they are, with the plan whose order of burning they take their place in."""

    customer_id: str
    account_id: int
    subscription_id: str
    plan: Plan


def charge_of(owner: Owner, row: Brought) -> str:
    """Return the id of the charge that a row is booked as: the customer's, whatever its plan."""
    return f"{owner.customer_id}:import:{row.key}"


def book(connection: Connection, owner: Owner, row: Brought, at: datetime) -> bool:
    """Book and grant what a row says; return whether this call did. A repeated key does nothing.

    What cost nothing is a grant alone. Raises `IdempotencyConflict`, and `InvalidInput`:
    `invalid_time` for what is over, `invalid_quantity` for more than a wallet holds.
    """
    accounts.lock(connection, owner.account_id, at)
    at = accounts.not_before(connection, owner.account_id, at)
    key = f"import:{row.key}"
    known = grants.given(connection, owner.account_id, key)
    if not known and row.expires_at is not None and row.expires_at <= max(row.begins_at or at, at):
        raise InvalidInput("invalid_time", "these credits have expired: leave them out")
    charge = _booked(connection, owner, row, at) if row.cost_minor else None
    order = GrantOrder(
        key=key,
        source=row.source,
        credit_type=row.credit_type,
        quantity_micro=row.quantity_micro,
        priority=_priority(owner.plan, row.source),
        effective_at=max(row.begins_at or at, at),
        expires_at=row.expires_at,
        ties=tie_keys(
            owner.plan.tie_break, row.cost_minor, row.quantity_micro, row.bought_at or at
        ),
        currency=row.currency,
        cost_minor=row.cost_minor,
        charge_id=charge,
        part=None if charge is None else 0,
        tags=_content(row),
    )
    if not known and _booked_micro(connection, owner, row) + row.quantity_micro > MOST * MICRO:
        raise InvalidInput("invalid_quantity", f"a wallet holds at most {MOST} credits of a type")
    grants.give(connection, owner.account_id, order, at)
    return not known


def _booked(connection: Connection, owner: Owner, row: Brought, at: datetime) -> str:
    charge = charge_of(owner, row)
    status = connection.scalar(
        select(
            func.book_import(
                owner.account_id,
                owner.subscription_id,
                charge,
                row.currency,
                row.cost_minor,
                row.quantity_micro,
                at,
            )
        )
    )
    if status not in ("paid", Outcome.REPEATED):
        raise IdempotencyConflict(row.key)
    return charge


def _priority(plan: Plan, source: str) -> int:
    found = {"allowance": plan.priorities.allowance, "bonus": plan.priorities.bonus}
    return found.get(source, plan.priorities.pack)


def _content(row: Brought) -> str:
    """Return what the journal keeps of a row, so that a repeat with another end is a conflict."""
    facts = {"reason": "imported", "currency": row.currency}
    ends = {
        "expires_at": row.expires_at,
        "bought_at": row.bought_at,
        "begins_at": row.begins_at,
    }
    return json.dumps(facts | {name: at.isoformat() for name, at in ends.items() if at})


def _booked_micro(connection: Connection, owner: Owner, row: Brought) -> int:
    statement = text(
        "SELECT coalesce(sum(remaining), 0) FROM grants"
        " WHERE account_id = :account AND credit_type = :type AND is_open"
    )
    values = {"account": owner.account_id, "type": row.credit_type}
    return int(connection.scalar(statement, values) or 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger has of the keys of a file, of one kind; micro-credits and minor units.

    `cost_minor` is what the grants cost, `opening_minor` what the opening book was debited for
    them; the rest is what has become of it: they sum to the cost.
    """

    source: str
    credit_type: str
    currency: str
    rows: int
    customers: int
    granted_micro: int
    remaining_micro: int
    cost_minor: int
    opening_minor: int
    deferred_minor: int
    revenue_minor: int
    breakage_minor: int
    refunded_minor: int


_PROOF = text("""
WITH file AS (
    SELECT * FROM unnest(CAST(:accounts AS bigint[]), CAST(:keys AS text[]))
        AS f (account_id, key)),
brought AS (
    SELECT g.*, coalesce((SELECT sum(p.amount_minor) FROM postings p
                          WHERE p.account_id = g.account_id AND p.charge_id = g.charge_id
                            AND p.book = 'opening' AND p.cause = 'imported'), 0) AS opening
    FROM file f JOIN journal e ON e.account_id = f.account_id AND e.key = f.key AND e.kind = 'grant'
    JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.seq)
SELECT b.source::text, b.credit_type, b.currency, count(*), count(DISTINCT b.account_id),
       sum(b.granted), sum(b.remaining), sum(b.cost_minor), sum(b.opening),
       sum(b.cost_minor - b.recognised_minor - b.broken_minor - b.refunded_minor - b.rolled_minor),
       sum(b.recognised_minor), sum(b.broken_minor), sum(b.refunded_minor)
FROM brought b GROUP BY b.source, b.credit_type, b.currency
ORDER BY b.currency COLLATE "C", b.credit_type COLLATE "C", b.source::text
""")


def proof(connection: Connection, keys: Sequence[tuple[int, str]]) -> tuple[Standing, ...]:
    """Return what journal, grants and postings have of rows, by their accounts and keys."""
    values = {
        "accounts": [account for account, _ in keys],
        "keys": [f"ledger:import:{key}" for _, key in keys],
    }
    rows = connection.execute(_PROOF, values)
    return tuple(Standing(*row[:3], *map(int, row[3:])) for row in rows)
