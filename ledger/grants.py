"""Credits granted, expired and taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from domain.credits import MOST
from domain.errors import IdempotencyConflict, InvalidInput
from domain.money import Ratio
from domain.outcomes import Refusal
from domain.pricing.proration import ExtraCredits
from domain.pricing.restarts import Unused


@dataclass(frozen=True, slots=True)
class RollTerms:
    """How unused credits roll over: how often, which share, at most how much.

    `share` is a fraction of what is unused; `priority` is what the moved credits burn at.
    """

    times: int
    share: Ratio
    cap_micro: int | None
    priority: int


@dataclass(frozen=True, slots=True)
class GrantOrder:
    """A block of credits to grant once per key.

    `cost_minor` is the whole grant's share of its charge; `part` counts the grants of a charge.
    `expires_at` None means never. `ties` are the sort keys of domain/burn.py: tie_keys.
    """

    key: str
    source: str
    credit_type: str
    quantity_micro: int
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    ties: tuple[int, int]
    currency: str
    cost_minor: int = 0
    charge_id: str | None = None
    part: int | None = None
    scope: tuple[str, ...] | None = None
    tags: str | None = None
    rolls: RollTerms | None = None


_GRANT = text("""
SELECT status, grant_id, available FROM grant_credits(
    :account, :key, :source, :credit_type, :scope, CAST(:priority AS smallint), :effective_at,
    coalesce(CAST(:expires_at AS timestamptz), 'infinity'), :tie_1, :tie_2, :quantity, :cost_minor,
    :currency, :charge_id, :part, CAST(:tags AS jsonb), :at, :rolls, :roll_num, :roll_den,
    CAST(:roll_cap AS bigint), :roll_priority)
""")


def give(connection: Connection, account_id: int, order: GrantOrder, at: datetime) -> int:
    """Grant credits; return what is available afterwards. A repeated key grants nothing.

    Raises `IdempotencyConflict` and `InvalidInput`: `unknown_customer`; `invalid_quantity` for an
    adjustment that would bring a wallet above 10^12 credits of its type.
    """
    row = connection.execute(
        _GRANT,
        {
            "account": account_id,
            "key": order.key,
            "source": order.source,
            "credit_type": order.credit_type,
            "scope": list(order.scope) if order.scope is not None else None,
            "priority": order.priority,
            "effective_at": order.effective_at,
            "expires_at": order.expires_at,
            "tie_1": order.ties[0],
            "tie_2": order.ties[1],
            "quantity": order.quantity_micro,
            "cost_minor": order.cost_minor,
            "currency": order.currency,
            "charge_id": order.charge_id,
            "part": order.part,
            "tags": order.tags,
            "at": at,
            **_rolling(order.rolls),
        },
    ).one()
    if row.status == Refusal.IDEMPOTENCY_CONFLICT:
        raise IdempotencyConflict(order.key)
    if row.status == Refusal.UNKNOWN_CUSTOMER:
        raise InvalidInput("unknown_customer", f"there is no account {account_id}")
    if row.status == Refusal.INVALID_QUANTITY:
        most = MOST if order.source == "adjustment" else 9 * MOST
        raise InvalidInput("invalid_quantity", f"a wallet holds at most {most} credits of a type")
    return int(row.available)


def _rolling(rolls: RollTerms | None) -> dict[str, int | None]:
    terms = rolls or RollTerms(0, Ratio(1, 1), None, 0)
    return {
        "rolls": terms.times,
        "roll_num": terms.share.num,
        "roll_den": terms.share.den,
        "roll_cap": terms.cap_micro,
        "roll_priority": terms.priority,
    }


def given(connection: Connection, account_id: int, key: str) -> int:
    """Return the micro-credits granted under a key, or 0."""
    statement = text(
        "SELECT change FROM journal"
        " WHERE account_id = :account AND key = 'ledger:' || :key AND kind = 'grant'"
    )
    return int(connection.scalar(statement, {"account": account_id, "key": key}) or 0)


def is_content(connection: Connection, account_id: int, order: GrantOrder) -> bool:
    """Return whether the grant under an order's key was made with the same tags."""
    statement = text(
        "SELECT tags IS NOT DISTINCT FROM CAST(:tags AS jsonb) FROM journal"
        " WHERE account_id = :account AND key = 'ledger:' || :key AND kind = 'grant'"
    )
    values = {"account": account_id, "key": order.key, "tags": order.tags}
    return bool(connection.scalar(statement, values))


def allowance_of(connection: Connection, account_id: int, credit_type: str, since: datetime) -> int:
    """Return the micro-credits of allowances that take effect from `since` on, used or not."""
    statement = text("""
        SELECT coalesce(sum(granted), 0) FROM grants
        WHERE account_id = :account AND source = 'allowance' AND credit_type = :type
          AND effective_at >= :since
    """)
    values = {"account": account_id, "type": credit_type, "since": since}
    return int(connection.scalar(statement, values) or 0)


def unused_allowance(connection: Connection, account_id: int, at: datetime) -> Unused:
    """Return what is left of the allowances under way: credits of now, the cost of all to come.

    What is held is not left: it is paid for by whoever holds it.
    """
    statement = text("""
        SELECT credit_type, sum(remaining - held) FILTER (WHERE effective_at <= :at) AS now,
               sum(remaining - held) AS unused,
               sum(div((remaining - held + refunded)::numeric * cost_minor, granted)
                   - refunded_minor) AS cost
        FROM grants
        WHERE account_id = :account AND is_open AND source = 'allowance' AND expires_at > :at
          AND expires_at < 'infinity'
        GROUP BY credit_type ORDER BY credit_type
    """)
    taken_off = text("""
        SELECT coalesce(sum(c.discount_minor), 0) FROM charges c
        WHERE c.account_id = :account AND c.kind = 'period' AND c.state = 'paid'
          AND EXISTS (SELECT FROM grants g
                      WHERE g.account_id = c.account_id AND g.charge_id = c.charge_id
                        AND g.source = 'allowance' AND g.expires_at > :at)
    """)
    values = {"account": account_id, "at": at}
    rows = connection.execute(statement, values).all()
    discount_minor = int(connection.scalar(taken_off, values) or 0)
    return Unused(
        credits=tuple(ExtraCredits(row.credit_type, int(row.now)) for row in rows if row.now),
        left=tuple(ExtraCredits(row.credit_type, int(row.unused)) for row in rows),
        cost_minor=sum(int(row.cost) for row in rows),
        discount_minor=discount_minor,
    )


def cut_windows(connection: Connection, account_id: int, at: datetime, *, kept: bool) -> None:
    """Give up the rest of the windows: a new period begins at `at`.

    Of their allowances, too, unless they are `kept` until their own end.
    """
    connection.execute(select(func.cut_windows(account_id, at, kept)))


def expire_due(connection: Connection, account_id: int, at: datetime) -> int:
    """Book expired credits and the revenue they earn; return the micro-credits."""
    return int(connection.scalar(select(func.expire_due(account_id, at))) or 0)


def remove(
    connection: Connection,
    account_id: int,
    key: str,
    credit_type: str,
    quantity_micro: int,
    tags: str,
    at: datetime,
) -> str:
    """Take credits away, all or nothing; return `debited`, `repeated` or a reason."""
    statement = text(
        "SELECT status FROM remove_credits("
        ":account, :key, :type, :quantity, CAST(:tags AS jsonb), :at)"
    )
    values = {
        "account": account_id,
        "key": key,
        "type": credit_type,
        "quantity": quantity_micro,
        "tags": tags,
        "at": at,
    }
    return str(connection.scalar(statement, values))


def set_frozen(connection: Connection, account_id: int, at: datetime, *, frozen: bool) -> bool:
    """Freeze or unfreeze purchased credits; return whether that changed anything."""
    return bool(connection.scalar(select(func.set_frozen(account_id, frozen, at))))


def open_windows(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    windows: Sequence[tuple[datetime, datetime]],
    at: datetime,
) -> None:
    """Add paid allowance windows, in order, and open the current one."""
    connection.execute(
        select(
            func.open_windows(
                account_id,
                subscription_id,
                [start for start, _ in windows],
                [end for _, end in windows],
                at,
            )
        )
    )
