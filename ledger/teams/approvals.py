"""Members' requests to admins, decided under the wallet's lock; the answers are statuses."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from domain.errors import InvalidInput
from domain.messages.fields import parse_instant
from domain.teams.approvals import Approval, ApprovalRequest, Decision, Kind, State
from domain.usage import UsageEvent


def ask(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    wish: ApprovalRequest,
    waits: timedelta,
    at: datetime,
) -> str:
    """Store a request until an admin decides, for `waits` at most.

    `waiting`, `repeated`, or why not: `idempotency_conflict`, `unknown_member`, … The key is a
    usage event's: nothing already debited or held under it can be requested.
    """
    statement = text("""
        SELECT ask_approval(:account, :key, :subscription, :kind, :member, CAST(:wish AS jsonb),
                            :type, :amount, :waits, :at)
    """)
    values = {
        "account": account_id,
        "key": wish.key,
        "subscription": subscription_id,
        "kind": wish.kind,
        "member": wish.member_id,
        "wish": json.dumps(_as_json(wish)),
        "type": wish.credit_type,
        "amount": wish.amount_micro,
        "waits": waits,
        "at": at,
    }
    return str(connection.scalar(statement, values))


def may_decide(
    connection: Connection, account_id: int, key: str, decision: Decision, at: datetime
) -> str:
    """Lock the wallet and return whether this person may decide: `decidable`, or why not."""
    return str(
        connection.scalar(
            select(func.may_decide(account_id, key, decision.verdict, decision.by, at))
        )
    )


def settle(
    connection: Connection, account_id: int, key: str, decision: Decision, at: datetime
) -> str:
    """End a request by an admin's decision; return the verdict, or why it does not count.

    An approved operation must already be held in the same transaction. Approved credits are added
    to the member's limit for this window.
    """
    return str(
        connection.scalar(
            select(
                func.settle_approval(
                    account_id, key, decision.verdict, decision.by, decision.reason or None, at
                )
            )
        )
    )


def need(
    connection: Connection, account_id: int, key: str, needed_micro: int | None, at: datetime
) -> None:
    """Store what an approved operation needs that a purchase may cover; None: nothing."""
    connection.execute(select(func.need_for_approval(account_id, key, needed_micro, at)))


def lapse(connection: Connection, account_id: int, key: str, at: datetime) -> State:
    """Record a lapse that is due; return where the request stands."""
    return State(str(connection.scalar(select(func.lapse_approval(account_id, key, at)))))


def named(connection: Connection, subscription_id: str, key: str) -> Approval:
    """Return a request. Raises `InvalidInput` (`unknown_approval`)."""
    row = connection.execute(
        text("""
            SELECT a.account_id, c.customer_id, a.kind, a.member_id, m.name, a.wish, a.credit_type,
                   a.amount, a.state, a.asked_at, a.lapses_at, a.decided_by, a.reason,
                   h.asked_lapse AS held_until
            FROM approvals a
            JOIN customers c ON c.account_id = a.account_id
            JOIN members m ON m.account_id = a.account_id AND m.member_id = a.member_id
            LEFT JOIN holds h ON h.account_id = a.account_id AND h.key = a.key
                             AND a.kind = 'operation' AND a.state = 'approved'
            WHERE a.subscription_id = :subscription AND a.key = :key
        """),
        {"subscription": subscription_id, "key": key},
    ).one_or_none()
    if row is None:
        message = f"no request {key!r:.60} of {subscription_id!r:.60}"
        raise InvalidInput("unknown_approval", message)
    return Approval(
        account_id=row.account_id,
        customer_id=row.customer_id,
        subscription_id=subscription_id,
        wish=_wish(
            key=key,
            kind=Kind(row.kind),
            member_id=row.member_id,
            said=row.wish,
            credit_type=row.credit_type,
            amount=row.amount,
        ),
        member_name=row.name,
        state=State(row.state),
        asked_at=row.asked_at,
        lapses_at=row.lapses_at,
        decided_by=row.decided_by,
        reason=row.reason,
        held_until=row.held_until,
    )


def _as_json(wish: ApprovalRequest) -> dict[str, Any]:
    """Return the sender's own content, which repeats are compared with; it excludes prices."""
    event = wish.event
    if event is None:
        return {"note": wish.note, "credits": wish.amount_micro, "credit_type": wish.credit_type}
    return {
        "note": wish.note,
        "hold_seconds": wish.hold_seconds,
        "action": event.action,
        "quantity": event.quantity_micro,
        "event_at": event.event_at.isoformat(),
        "tags": dict(event.tags),
    }


def _wish(
    key: str, kind: Kind, member_id: str, said: dict[str, Any], credit_type: str, amount: int
) -> ApprovalRequest:
    wish = ApprovalRequest(
        key, kind, member_id, said["note"], credit_type=credit_type, amount_micro=amount
    )
    if kind is Kind.CREDITS:
        return wish
    event = UsageEvent(
        key=key,
        action=said["action"],
        quantity_micro=said["quantity"],
        event_at=parse_instant(said["event_at"]),
        tags=tuple(sorted(said["tags"].items())),
    )
    return replace(wish, event=event, hold_seconds=said["hold_seconds"])
