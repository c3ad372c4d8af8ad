"""Refunds and disputes, and what they do to credits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from domain.payments.charges import DisputeState
from models.tables import DisputeRow


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """A refund an operator requests, once per `refund_id`; `amount_minor` None: all."""

    refund_id: str
    charge_id: str
    amount_minor: int | None
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """The outcome of a request; money in minor units.

    `status`: `refunded`, `repeated`, or the reason why nothing moved. `most_minor` is the most that
    could be refunded before this. `state`: `asked` until the processor has confirmed, `made`,
    `failed`.
    """

    status: str
    amount_minor: int = 0
    most_minor: int = 0
    currency: str = ""
    invoice: str = ""
    state: str = ""


_REFUND = text("""
SELECT status, amount_minor, most_minor, currency, invoice, refund_state FROM refund_charge(
    :account, :refund, :charge, CAST(:amount AS bigint), :reason, :by, :at)
""")


def refund(
    connection: Connection, account_id: int, order: RefundOrder, at: datetime
) -> RefundOutcome:
    """Take a refund's credits and book its money before the processor sends it."""
    row = connection.execute(
        _REFUND,
        {
            "account": account_id,
            "refund": order.refund_id,
            "charge": order.charge_id,
            "amount": order.amount_minor,
            "reason": order.reason,
            "by": order.by,
            "at": at,
        },
    ).one()
    return RefundOutcome(
        status=row.status,
        amount_minor=row.amount_minor or 0,
        most_minor=row.most_minor or 0,
        currency=row.currency or "",
        invoice=row.invoice or "",
        state=row.refund_state or "",
    )


def note_refund(
    connection: Connection,
    account_id: int,
    refund_id: str,
    charge_id: str,
    amount_minor: int,
    state: str,
    at: datetime,
) -> str:
    """Book what the processor reports of a refund (`made`, `failed`), whoever asked for it.

    Returns `noted`, `repeated`, `idempotency_conflict` or `unknown_charge`.
    """
    call = func.note_refund(account_id, refund_id, charge_id, amount_minor, state, at)
    return str(connection.scalar(select(call)))


def note_dispute(
    connection: Connection,
    account_id: int,
    dispute_id: str,
    charge_id: str,
    amount_minor: int,
    state: str,
    at: datetime,
) -> str:
    """Book the state of a dispute (`open`, `lost`, `won`); reports may come in any order.

    Returns `noted`, `repeated`, `idempotency_conflict` or `unknown_charge`.
    """
    call = func.note_dispute(account_id, dispute_id, charge_id, amount_minor, state, at)
    return str(connection.scalar(select(call)))


def has_open_dispute(connection: Connection, account_id: int) -> bool:
    """Return whether a bank is still deciding about one of the account's charges."""
    found = select(DisputeRow.dispute_id).where(
        DisputeRow.account_id == account_id, DisputeRow.state == DisputeState.OPEN
    )
    return connection.scalar(found.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Returned:
    """What a charge's refunds and disputes took, in micro-credits: taken back, and owed."""

    taken_micro: int
    owed_micro: int


def returned(connection: Connection, account_id: int, charge_id: str) -> Returned:
    """Return what refunds and disputes of a charge did to its credits."""
    row = connection.execute(
        text("""
            SELECT coalesce(sum(refunded), 0), coalesce(sum(owed), 0) FROM grants
            WHERE account_id = :account AND charge_id = :charge AND cost_minor > 0
        """),
        {"account": account_id, "charge": charge_id},
    ).one()
    return Returned(int(row[0]), int(row[1]))


def tax_of(connection: Connection, account_id: int, refund_id: str) -> int | None:
    """Return the tax in a refund, in minor units; None: its charge was not taxed.

    What went back before it decides how the last unit is rounded.
    """
    tax: int | None = connection.scalar(
        text("""
            SELECT tax_in(c, b.before + r.amount_minor) - tax_in(c, b.before)
            FROM refunds r JOIN charges c USING (account_id, charge_id)
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(o.amount_minor), 0)::bigint AS before
                FROM (SELECT at, refund_id AS name, amount_minor FROM refunds
                      WHERE (account_id, charge_id) = (c.account_id, c.charge_id)
                        AND state <> 'failed'
                      UNION ALL SELECT at, dispute_id, amount_minor FROM disputes
                      WHERE (account_id, charge_id) = (c.account_id, c.charge_id)
                        AND state <> 'won') o
                WHERE (o.at, o.name) < (r.at, r.refund_id)) b
            WHERE r.account_id = :account AND r.refund_id = :refund AND c.tax IS NOT NULL
        """),
        {"account": account_id, "refund": refund_id},
    )
    return tax


def taken_by(connection: Connection, account_id: int, cause: str, name: str) -> int:
    """Return the micro-credits that a `refund` or a `dispute` took, as the journal has it.

    Excludes what another refund or dispute had taken before, and companion credits.
    """
    return int(
        connection.scalar(
            text("""
                SELECT coalesce(-sum(e.change), 0)
                FROM journal e JOIN grants g USING (account_id, grant_id)
                WHERE e.account_id = :account AND e.kind IN ('refund', 'chargeback')
                  AND e.tags ->> :cause = :name AND g.cost_minor > 0
            """),
            {"account": account_id, "cause": cause, "name": name},
        )
        or 0
    )
