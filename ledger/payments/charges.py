"""Charges: reserved or opened under the wallet's lock, settled once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.errors import InvalidInput
from domain.outcomes import Outcome
from domain.payments.charges import ChargeKind, ChargeState
from domain.payments.taxes import Taxed
from domain.pricing.discounts import Discount
from ledger.payments.coupons import as_discount
from ledger.payments.taxes import as_taxed
from models.tables import ChargeRow


@dataclass(frozen=True, slots=True)
class Reservation:
    """What reserving a purchase led to.

    `status`: `reserved`, `repeated`, `purchase_pending` (another is in flight), `not_needed`, or
    the reason why nothing is bought. Quantity in micro-credits, money in minor units.
    """

    status: str
    charge_id: str | None = None
    quantity_micro: int = 0
    amount_minor: int = 0
    surcharge_minor: int = 0
    currency: str = ""


def reserve_auto_purchase(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    charge_id: str,
    needed_micro: int,
    at: datetime,
    *,
    confirmed: bool = False,
) -> Reservation:
    """Reserve the purchase that lets a debit of `needed_micro` pass (0: the wallet is empty).

    `confirmed`: a person agreed to this purchase, so the switch does not matter.
    """
    statement = text(
        "SELECT status, charge_id, quantity, amount_minor, surcharge_minor, currency"
        " FROM reserve_auto_purchase(:account, :subscription, :charge, :needed, :at, :confirmed)"
    )
    values = {
        "account": account_id,
        "subscription": subscription_id,
        "charge": charge_id,
        "needed": needed_micro,
        "at": at,
        "confirmed": confirmed,
    }
    row = connection.execute(statement, values).one()
    return Reservation(
        status=row.status,
        charge_id=row.charge_id,
        quantity_micro=row.quantity or 0,
        amount_minor=row.amount_minor or 0,
        surcharge_minor=row.surcharge_minor or 0,
        currency=row.currency or "",
    )


def open_charge(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    charge_id: str,
    kind: ChargeKind,
    currency: str,
    amount_minor: int,
    quantity_micro: int | None,
    at: datetime,
    pack: Mapping[str, object] | None = None,
    *,
    takes: Sequence[str] | None = None,
) -> str:
    """Open a charge; return `opened`, `repeated`, `idempotency_conflict` or a reason.

    `takes`: the kinds of payment methods that may pay it; None: any.
    """
    statement = select(
        func.open_charge(
            account_id,
            subscription_id,
            charge_id,
            kind.value,
            currency,
            amount_minor,
            quantity_micro,
            at,
            None if pack is None else cast(dict(pack), JSONB),
            None if takes is None else cast(list(takes), ARRAY(Text)),
        )
    )
    return str(connection.scalar(statement))


def mark_paid(
    connection: Connection,
    account_id: int,
    charge_id: str,
    invoice: str | None,
    amount_minor: int,
    at: datetime,
) -> bool:
    """Book the money of a charge; return whether this call did. Raises `InvalidInput`.

    A charge of zero has no `invoice`.
    """
    status = connection.scalar(
        select(func.mark_paid(account_id, charge_id, invoice, amount_minor, at))
    )
    if status not in (ChargeState.PAID, Outcome.REPEATED):
        raise InvalidInput(str(status), f"charge {charge_id} cannot be booked: {status}")
    return bool(status == ChargeState.PAID)


def mark_declined(
    connection: Connection,
    account_id: int,
    charge_id: str,
    invoice: str,
    attempt: int,
    code: str,
    at: datetime,
) -> str:
    """Record a declined attempt; return `declined`, `repeated` or the charge's state."""
    return str(
        connection.scalar(
            select(func.mark_declined(account_id, charge_id, invoice, attempt, code, at))
        )
    )


def mark_received(
    connection: Connection, account_id: int, charge_id: str, invoice: str, at: datetime
) -> str:
    """Record that money came and waits for a window; return `received` or the charge's state."""
    return str(connection.scalar(select(func.mark_received(account_id, charge_id, invoice, at))))


def mark_processing(
    connection: Connection, account_id: int, charge_id: str, invoice: str, at: datetime
) -> str:
    """Record that money is on its way; return `processing`, `repeated` or the charge's state."""
    return str(connection.scalar(select(func.mark_processing(account_id, charge_id, invoice, at))))


def mark_void(
    connection: Connection, account_id: int, charge_id: str, at: datetime, *, gone: bool = False
) -> str:
    """Void a charge; return its state afterwards.

    A charge whose money is on its way stays open unless it is `gone` at the processor too.
    """
    return str(connection.scalar(select(func.mark_void(account_id, charge_id, at, gone))))


@dataclass(frozen=True, slots=True)
class ChargeRecord:
    """A charge as the ledger has it; `amount_minor` is without tax."""

    charge_id: str
    subscription_id: str
    kind: ChargeKind
    state: ChargeState
    currency: str
    amount_minor: int
    surcharge_minor: int
    quantity_micro: int | None
    window_start: datetime | None
    window_end: datetime | None
    pack: dict[str, Any] | None = None
    invoice: str | None = None
    taxed: Taxed | None = None
    discount: Discount | None = None  # already taken off

    @property
    def total_minor(self) -> int:
        """What is or was charged, with tax, in minor units."""
        return self.amount_minor + (self.taxed.tax_minor if self.taxed else 0)

    @property
    def price_minor(self) -> int:
        """The price that was asked for, less its discount, in minor units."""
        added = self.taxed is None or self.taxed.is_added
        return self.amount_minor if added else self.total_minor


def charge(connection: Connection, account_id: int, charge_id: str) -> ChargeRecord:
    """Read a charge. Raises `InvalidInput` (`unknown_charge`)."""
    row = connection.execute(
        select(
            ChargeRow.charge_id,
            ChargeRow.subscription_id,
            ChargeRow.kind,
            ChargeRow.state,
            ChargeRow.currency,
            ChargeRow.amount_minor,
            ChargeRow.surcharge_minor,
            ChargeRow.quantity,
            ChargeRow.window_start,
            ChargeRow.window_end,
            ChargeRow.pack,
            ChargeRow.invoice,
            ChargeRow.tax_minor,
            ChargeRow.tax,
            ChargeRow.coupon,
            ChargeRow.discount_minor,
        ).where(ChargeRow.account_id == account_id, ChargeRow.charge_id == charge_id)
    ).one_or_none()
    if row is None:
        raise InvalidInput("unknown_charge", f"there is no charge {charge_id!r}")
    return ChargeRecord(
        charge_id=row.charge_id,
        subscription_id=row.subscription_id,
        kind=ChargeKind(row.kind),
        state=ChargeState(row.state),
        currency=row.currency,
        amount_minor=row.amount_minor,
        surcharge_minor=row.surcharge_minor,
        quantity_micro=row.quantity,
        window_start=row.window_start,
        window_end=row.window_end,
        pack=row.pack,
        invoice=row.invoice,
        taxed=as_taxed(row.tax_minor, row.tax),
        discount=as_discount(row.coupon, row.discount_minor),
    )


def known(connection: Connection, account_id: int, charge_id: str) -> ChargeRecord | None:
    """Return a charge, or None."""
    try:
        return charge(connection, account_id, charge_id)
    except InvalidInput:
        return None


@dataclass(frozen=True, slots=True)
class ListedCharge:
    """A charge as people list it; money in minor units, with tax. `returned_minor` went back."""

    charge_id: str
    kind: str
    state: str
    currency: str
    amount_minor: int
    opened_at: datetime
    settled_at: datetime | None
    declines: int
    decline_code: str | None
    invoice: str | None
    returned_minor: int
    taxed: Taxed | None = None


def listed(connection: Connection, account_id: int, *, limit: int) -> tuple[ListedCharge, ...]:
    """Return a customer's newest charges, of all its subscriptions, the newest first."""
    rows = connection.execute(
        text("""
            SELECT c.charge_id, c.kind, c.state, c.currency, c.amount_minor + c.tax_minor,
                   c.opened_at,
                   c.settled_at, c.declines, c.decline_code, c.invoice,
                   coalesce((SELECT sum(r.amount_minor) FROM refunds r
                             WHERE (r.account_id, r.charge_id) = (c.account_id, c.charge_id)
                               AND r.state <> 'failed'), 0)::bigint
                   + coalesce((SELECT sum(d.amount_minor) FROM disputes d
                               WHERE (d.account_id, d.charge_id) = (c.account_id, c.charge_id)
                                 AND d.state <> 'won'), 0)::bigint,
                   c.tax_minor, c.tax
            FROM charges c WHERE c.account_id = :account
            ORDER BY c.opened_at DESC, c.charge_id LIMIT :limit
        """),
        {"account": account_id, "limit": limit},
    )
    return tuple(replace(ListedCharge(*row[:-2]), taxed=as_taxed(*row[-2:])) for row in rows)


def paid_before(
    connection: Connection, account_id: int, subscription_id: str, charge_id: str
) -> bool:
    """Return whether a subscription has paid for a plan with a charge other than this."""
    statement = text("""
        SELECT EXISTS (
            SELECT FROM charges WHERE account_id = :account AND subscription_id = :subscription
              AND kind IN ('period', 'upgrade') AND state = 'paid' AND charge_id <> :charge)
    """)
    values = {"account": account_id, "subscription": subscription_id, "charge": charge_id}
    return bool(connection.scalar(statement, values))


def given_up_on(
    connection: Connection, account_id: int, subscription_id: str, at: datetime
) -> int | None:
    """Return the unpaid amount that ended a subscription, in minor units, or None."""
    statement = text("""
        SELECT c.amount_minor + c.tax_minor
        FROM charges c JOIN charge_notes n USING (account_id, charge_id)
        WHERE c.account_id = :account AND c.subscription_id = :subscription
          AND c.kind = 'period' AND c.state = 'open' AND c.declines > 0
          AND CAST(n.note ->> 'ends_at' AS timestamptz) <= :at
        ORDER BY c.opened_at DESC LIMIT 1
    """)
    values = {"account": account_id, "subscription": subscription_id, "at": at}
    unpaid: int | None = connection.scalar(statement, values)
    return unpaid


def auto_purchased(connection: Connection, account_id: int) -> tuple[int, int]:
    """Return the paid auto-purchases in the cap's window: micro-credits and minor units."""
    row = connection.execute(
        text("""
            SELECT coalesce(sum(c.quantity), 0), coalesce(sum(c.amount_minor), 0)
            FROM charges c JOIN wallets w ON w.account_id = c.account_id
            JOIN policies p ON p.account_id = c.account_id
            WHERE c.account_id = :account AND c.kind = 'auto_purchase' AND c.state = 'paid'
              AND CASE WHEN p.cap_bounds IS NULL THEN c.window_start = w.window_start
                       ELSE c.settled_at <@ cap_window(
                           w.window_start, w.window_end, p.cap_bounds, w.decided_at) END
        """),
        {"account": account_id},
    ).one()
    return int(row[0]), int(row[1])


def cap_ends(connection: Connection, account_id: int) -> datetime | None:
    """Return when the cap of auto-purchase resets; None: the wallet has no window."""
    ends: datetime | None = connection.scalar(
        text("""
            SELECT upper(cap_window(w.window_start, w.window_end, p.cap_bounds, w.decided_at))
            FROM wallets w JOIN policies p ON p.account_id = w.account_id
            WHERE w.account_id = :account
        """),
        {"account": account_id},
    )
    return ends
