"""Imports of balances: who they are of, all or nothing, and the proof that they arrived."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from domain.errors import BillingError
from domain.payments.import_files import Fault, InvalidImport
from domain.payments.imports import Brought
from domain.pricing.catalog import Catalog, Plan
from domain.subscription import Status
from ledger.payments import import_marks, imports
from ledger.payments.import_marks import Kind, Mark
from ledger.payments.imports import Owner, Standing
from models.tables import Customer, Subscription

Sums = dict[tuple[str, str, str], tuple[int, int, int]]

AT_ONCE = 1_000  # customers that one statement looks up
COLUMN_OF = {
    "idempotency_conflict": "key",
    "invalid_quantity": "credits",
    "invalid_time": "expires_at",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to: rows that this run booked, rows known before, what the ledger has."""

    new: tuple[Brought, ...]
    repeated: tuple[Brought, ...]
    standing: tuple[Standing, ...]
    subscriptions: tuple[str, ...]  # whose balances it is about

    @property
    def rows(self) -> tuple[Brought, ...]:
        """All rows of the file."""
        return self.new + self.repeated

    def ties(self) -> bool:
        """Return whether the ledger has of the file's keys what the file says, and booked it."""
        said = sums(self.rows)
        found = {
            (one.source, one.credit_type, one.currency): (
                one.rows,
                one.granted_micro,
                one.cost_minor,
            )
            for one in self.standing
        }
        return said == found and all(one.cost_minor == one.opening_minor for one in self.standing)


def sums(rows: Iterable[Brought]) -> Sums:
    """Return rows, micro-credits and minor units by source, credit type and currency."""
    found: Sums = {}
    for row in rows:
        kind = (row.source, row.credit_type, row.currency)
        count, micro, minor = found.get(kind, (0, 0, 0))
        found[kind] = (count + 1, micro + row.quantity_micro, minor + row.cost_minor)
    return found


def carry_out(
    connection: Connection,
    catalogs: Mapping[str, Catalog],
    rows: Sequence[Brought],
    at: datetime,
    *,
    by: str,
) -> Imported:
    """Book every row in the caller's transaction, wallets in their order; read back what stands.

    `by` imports them, which is kept.

    Raises `InvalidImport` with all faults: `unknown_customer`, `no_subscription`,
    `unknown_credit_type`, `unknown_currency`, `invalid_time`, `idempotency_conflict`,
    `invalid_quantity`. The caller rolls back then, as after a preview.
    """
    owners = _owners(connection, {row.customer_id for row in rows})
    faults = [fault for row in rows for fault in _faults(row, owners, catalogs)]
    if faults:
        raise InvalidImport(faults)
    found = {name: one for name, one in owners.items() if one is not None}
    new: list[Brought] = []
    repeated: list[Brought] = []
    for row in sorted(rows, key=lambda row: found[row.customer_id].account_id):
        try:
            is_new = imports.book(connection, found[row.customer_id], row, at)
        except BillingError as error:
            faults.append(Fault(row.line, COLUMN_OF[error.reason], error.reason, str(error)))
        else:
            (new if is_new else repeated).append(row)
            if is_new:
                import_marks.keep(connection, _mark(found[row.customer_id], row, at=at, by=by))
    if faults:
        raise InvalidImport(sorted(faults, key=lambda fault: fault.line))
    keys = [(found[row.customer_id].account_id, row.key) for row in rows]
    changed = sorted({found[row.customer_id].subscription_id for row in rows})
    return Imported(tuple(new), tuple(repeated), imports.proof(connection, keys), tuple(changed))


def _mark(owner: Owner, row: Brought, *, at: datetime, by: str) -> Mark:
    content = {
        "credit_type": row.credit_type,
        "credits_micro": row.quantity_micro,
        "source": row.source,
        "cost_minor": row.cost_minor,
        "currency": row.currency,
    }
    return Mark(owner.account_id, Kind.BALANCE, row.key, content, by=by, at=at)


def _owners(connection: Connection, customers: Iterable[str]) -> dict[str, Owner | None]:
    """Return customers that there are; None: no subscription of theirs has begun and goes on."""
    wanted = sorted(customers)
    found: dict[str, Owner | None] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = connection.execute(
            select(
                Customer.customer_id,
                Customer.account_id,
                Subscription.subscription_id,
                Subscription.plan,
            )
            .outerjoin(
                Subscription,
                (Subscription.account_id == Customer.account_id)
                & (Subscription.status != Status.ENDED)
                & Subscription.period_start.is_not(None),
            )
            .where(Customer.customer_id.in_(wanted[start : start + AT_ONCE]))
        )
        for customer, account, subscription, plan in rows:
            known = subscription is not None
            found[customer] = (
                Owner(customer, account, subscription, msgspec.convert(plan, Plan))
                if known
                else None
            )
    return found


def _faults(
    row: Brought, owners: Mapping[str, Owner | None], catalogs: Mapping[str, Catalog]
) -> Iterable[Fault]:
    if row.customer_id not in owners:
        words = f"there is no customer {row.customer_id!r}: subscribe it first"
        yield Fault(row.line, "customer", "unknown_customer", words)
        return
    owner = owners[row.customer_id]
    if owner is None:
        words = "no subscription of this customer has begun: wait until its first period is paid"
        yield Fault(row.line, "customer", "no_subscription", words)
        return
    plan = owner.plan
    catalog = catalogs.get(plan.catalog)
    types = [] if catalog is None else [one.credit_type for one in catalog.credit_types]
    if row.credit_type not in types:
        words = f"{row.credit_type!r:.60} is none of {plan.catalog}: {', '.join(types)}"
        yield Fault(row.line, "credit_type", "unknown_credit_type", words)
    if row.currency != plan.currency:
        words = f"this customer pays in {plan.currency}: convert the cost, once and for good"
        yield Fault(row.line, "currency", "unknown_currency", words)
