"""Changes of plan that were asked for with a key: the same again gets the first answer again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from models.tables import PlanChangeRow


@dataclass(frozen=True, slots=True)
class KeptChange:
    """What was asked for under a key; `answer` empty: its charge was given up, unpaid."""

    plan_id: str
    answer: dict[str, Any]


def keep(
    connection: Connection,
    account_id: int,
    key: str,
    plan_id: str,
    answer: dict[str, Any],
    at: datetime,
) -> None:
    """Keep an answer in the transaction that makes it true; the first one stays."""
    statement = insert(PlanChangeRow).values(
        account_id=account_id, key=key, plan_id=plan_id, answer=answer, at=at
    )
    connection.execute(statement.on_conflict_do_nothing())


def kept(connection: Connection, account_id: int, key: str, charge_id: str) -> KeptChange | None:
    """Return what a key was used for: a change in force, or the charge of one that was given up."""
    found = connection.execute(
        select(PlanChangeRow.plan_id, PlanChangeRow.answer).where(
            PlanChangeRow.account_id == account_id, PlanChangeRow.key == key
        )
    ).one_or_none()
    if found is not None:
        return KeptChange(found.plan_id, found.answer)
    statement = text("""
        SELECT n.note -> 'plan' ->> 'plan_id' AS plan_id
        FROM charges c JOIN charge_notes n USING (account_id, charge_id)
        WHERE c.account_id = :account AND c.charge_id = :charge AND c.state = 'void'
    """)
    void = connection.scalar(statement, {"account": account_id, "charge": charge_id})
    return KeptChange(void, {}) if void is not None else None
