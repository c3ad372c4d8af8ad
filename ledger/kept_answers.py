"""Updates requested with a key: a repeat gets the first answer again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from models.tables import ChargeNote, KeptAnswer


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key asked for; `answer` empty: its charge was voided before there was one."""

    request: str
    answer: dict[str, Any]


def keep(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    key: str,
    request: str,
    answer: dict[str, Any],
    at: datetime,
) -> None:
    """Store an answer in the transaction that makes it true; the first one stays."""
    statement = insert(KeptAnswer).values(
        account_id=account_id,
        subscription_id=subscription_id,
        key=key,
        request=request,
        answer=answer,
        at=at,
    )
    connection.execute(statement.on_conflict_do_nothing())


def kept(
    connection: Connection, account_id: int, subscription_id: str, key: str, charge_id: str
) -> Kept | None:
    """Return what a key led to: its answer, or the charge that was voided."""
    found = connection.execute(
        select(KeptAnswer.request, KeptAnswer.answer).where(
            KeptAnswer.account_id == account_id,
            KeptAnswer.subscription_id == subscription_id,
            KeptAnswer.key == key,
        )
    ).one_or_none()
    if found is not None:
        return Kept(found.request, found.answer)
    statement = text("""
        SELECT n.note -> 'plan' ->> 'plan_id' AS plan_id, coalesce(n.note -> 'answer', '{}') AS told
        FROM charges c JOIN charge_notes n USING (account_id, charge_id)
        WHERE c.account_id = :account AND c.charge_id = :charge
          AND (c.state = 'void' OR n.note ? 'answer')
    """)
    void = connection.execute(statement, {"account": account_id, "charge": charge_id}).one_or_none()
    return Kept(f"change_plan {void.plan_id}", void.told) if void is not None else None


def of_charge(connection: Connection, account_id: int, charge_id: str) -> dict[str, Any]:
    """Return the answer given for a charge, or {} if it is not settled."""
    found: dict[str, Any] | None = connection.scalar(
        select(ChargeNote.note["answer"]).where(
            ChargeNote.account_id == account_id, ChargeNote.charge_id == charge_id
        )
    )
    return found or {}
