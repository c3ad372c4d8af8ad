"""What operators do, with who and why; what needs a second person waits for another's decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from models.tables import OperatorAct

WAITING, CONFIRMED, REFUSED, DONE, ASKED = "waiting", "confirmed", "refused", "done", "asked"


@dataclass(frozen=True, slots=True)
class Proposal:
    """An act that needs two people; `content` is the message's, without who and why."""

    account_id: int
    act_id: str
    customer_id: str
    customer: str
    content: Mapping[str, Any]
    made_by: str
    reason: str
    at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None


def propose(
    connection: Connection,
    account_id: int,
    act_id: str,
    content: Mapping[str, Any],
    *,
    by: str,
    reason: str,
    at: datetime,
) -> None:
    """Keep an adjustment that another operator must confirm; a repeat adds nothing."""
    waits = {"act": "adjust", "state": WAITING, "seconded": True}
    author = {"made_by": by, "reason": reason, "at": at}
    _keep(connection, account_id, act_id, content, **waits, **author)


def note(
    connection: Connection,
    account_id: int,
    act_id: str,
    act: str,
    content: Mapping[str, Any],
    *,
    by: str,
    reason: str,
    at: datetime,
) -> None:
    """Keep who asks for an act and why, before it is asked for; a repeat adds nothing."""
    begun = {"act": act, "state": ASKED, "seconded": False}
    author = {"made_by": by, "reason": reason, "at": at}
    _keep(connection, account_id, act_id, content, **begun, **author)


def _keep(
    connection: Connection,
    account_id: int,
    act_id: str,
    content: Mapping[str, Any],
    **values: object,
) -> None:
    connection.execute(
        insert(OperatorAct)
        .values(account_id=account_id, act_id=act_id, content=dict(content), **values)
        .on_conflict_do_nothing()
    )


def settle(connection: Connection, account_id: int, act_id: str) -> None:
    """Keep that an act was done."""
    connection.execute(
        update(OperatorAct)
        .where(
            OperatorAct.account_id == account_id,
            OperatorAct.act_id == act_id,
            OperatorAct.state.in_((ASKED, CONFIRMED)),
        )
        .values(state=DONE)
    )


def is_done(connection: Connection, account_id: int, act_id: str) -> bool:
    """Return whether an act of one person was done."""
    done = select(OperatorAct.act_id).where(
        OperatorAct.account_id == account_id,
        OperatorAct.act_id == act_id,
        OperatorAct.state == DONE,
    )
    return connection.scalar(done) is not None


def decide(
    connection: Connection,
    account_id: int,
    act_id: str,
    *,
    confirmed: bool,
    by: str,
    at: datetime,
) -> Proposal | None:
    """Decide a proposal, once, by another than who made it; return it as it stands then.

    None: there is none. Whoever reads `decided_by` and `state` knows whether it was this decision.
    """
    connection.execute(
        update(OperatorAct)
        .where(
            OperatorAct.account_id == account_id,
            OperatorAct.act_id == act_id,
            OperatorAct.seconded,
            OperatorAct.state == WAITING,
            OperatorAct.made_by != by,
        )
        .values(state=CONFIRMED if confirmed else REFUSED, decided_by=by, decided_at=at)
    )
    mine = "o.account_id = :account AND o.act_id = :act"
    found = _proposals(connection, mine, account=account_id, act=act_id)
    return found[0] if found else None


def proposals(connection: Connection, most: int) -> Sequence[Proposal]:
    """Return proposals: those that wait first, then the newest."""
    return _proposals(connection, "true", most=most)


def waiting(connection: Connection) -> int:
    """Return how many proposals wait for a second person."""
    counted = select(func.count()).where(OperatorAct.seconded, OperatorAct.state == WAITING)
    return connection.scalar(counted) or 0


def _proposals(
    connection: Connection, which: str, most: int = 1, **values: object
) -> list[Proposal]:
    statement = text(f"""
        SELECT o.account_id, o.act_id, c.customer_id, c.name, o.content, o.made_by, o.reason, o.at,
               o.state, o.decided_by, o.decided_at
        FROM operator_acts o JOIN customers c ON c.account_id = o.account_id
        WHERE o.seconded AND {which}
        ORDER BY o.state IN ('waiting', 'confirmed') DESC, o.at DESC, o.act_id LIMIT :most
    """)  # noqa: S608 - of constants
    return [Proposal(*row) for row in connection.execute(statement, {**values, "most": most})]
