"""A customer's members: their data, limits and usage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from domain.teams.members import Member, Role
from models.tables import MemberRow

_COLUMNS = (
    MemberRow.member_id,
    MemberRow.name,
    MemberRow.email,
    MemberRow.role,
    MemberRow.restricted,
    MemberRow.limits,
)


_NOT_READ = "SELECT NULL::text AS member, 0::numeric AS used WHERE false"
_LINES = """
    SELECT o.tags ->> 'member' AS member, e.change
    FROM journal {lines}
    WHERE e.account_id = :account AND e.kind IN ('debit', 'capture', 'correction')
      AND e.at >= :period AND e.seq > seq_before(:account, :period)
      AND e.credit_type = :type AND o.tags ? 'member' AND {which}
"""
# First lines, which most are, are read apart: looking each up again would cost more than the rest.
_FIRST = _LINES.replace("o.", "e.").format(lines="e", which="e.line = 0 AND e.corrects IS NULL")
_OTHERS = _LINES.format(
    lines="e CROSS JOIN operation_of(:account, e.seq, e.corrects) o",
    which="(e.line > 0 OR e.corrects IS NOT NULL)",
)
_USED = f"""
    SELECT l.member, -sum(l.change) AS used FROM ({_FIRST} UNION ALL {_OTHERS}) l GROUP BY l.member
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class MemberUsage:
    """What a member used of a credit type, in micro-credits.

    `window_micro` is what counts towards the limit, holds too; `period_micro` is what was used
    since the period began. `limit_micro` None: the wallet is the only limit; else it is set `since`
    an instant.
    """

    member_id: str
    window_micro: int
    period_micro: int
    limit_micro: int | None
    since: datetime | None = None

    @property
    def left_micro(self) -> int | None:
        """What the limit leaves, if there is one; a limit below present use leaves nothing."""
        return None if self.limit_micro is None else max(0, self.limit_micro - self.window_micro)


def put(
    connection: Connection,
    account_id: int,
    member: Member,
    credit_types: Sequence[str],
    at: datetime,
) -> None:
    """Add or replace a member with all the values of `member`.

    A limit below present use blocks only further use. Restricting takes back what was added to
    the limit for this window.
    """
    connection.execute(
        text("""
            SELECT set_member(:account, :member, :name, :email, :role, :restricted,
                              CAST(:limits AS jsonb), CAST(:types AS text[]), :at)
        """),
        {
            "account": account_id,
            "member": member.member_id,
            "name": member.name,
            "email": member.email,
            "role": member.role,
            "restricted": member.restricted,
            "limits": json.dumps(dict(member.limits)),
            "types": list(credit_types),
            "at": at,
        },
    )


def remove(
    connection: Connection,
    account_id: int,
    member_id: str,
    credit_types: Sequence[str],
    at: datetime,
) -> str:
    """Remove a member; return `removed`, `member_removed` (already) or `unknown_member`.

    What they used stays in the history.
    """
    statement = select(func.remove_member(account_id, member_id, list(credit_types), at))
    return str(connection.scalar(statement))


def of_account(connection: Connection, account_id: int) -> tuple[Member, ...]:
    """Return the members that were not removed, by id."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(MemberRow.account_id == account_id, MemberRow.removed_at.is_(None))
        .order_by(MemberRow.member_id)
    )
    return tuple(map(_member, rows))


def admins(connection: Connection, account_id: int, *, but: str) -> tuple[Member, ...]:
    """Return the admins who may decide requests of the member `but`."""
    return tuple(
        one
        for one in of_account(connection, account_id)
        if one.role is Role.ADMIN and one.member_id != but
    )


def named(connection: Connection, account_id: int, member_id: str) -> Member | None:
    """Return a member, even a removed one."""
    row = connection.execute(
        select(*_COLUMNS).where(
            MemberRow.account_id == account_id, MemberRow.member_id == member_id
        )
    ).one_or_none()
    return _member(row) if row is not None else None


def standings(
    connection: Connection,
    account_id: int,
    credit_type: str,
    window_start: datetime,
    period_start: datetime | None,
) -> dict[str, MemberUsage]:
    """Return each member's usage of a credit type; members without use and limit are absent.

    Includes removed members and tags that name nobody: their use is history. `period_start` None:
    what the period's lines sum to, which is most of the work, is not read and is 0.
    """
    rows = connection.execute(
        text(f"""
            WITH used AS ({_NOT_READ if period_start is None else _USED}),
            counted AS (
                SELECT substr(c.counter, 8, length(c.counter) - 8 - length(:type)) AS member,
                       c.value
                FROM counters c
                WHERE c.account_id = :account AND c.window_start = :window
                  AND c.counter ^@ 'member:'
                  AND right(c.counter, length(:type) + 1) = '@' || :type),
            limited AS (
                SELECT substr(l.counter, 8) AS member, l.ceiling::numeric + coalesce(c.value, 0)
                       AS ceiling, l.since
                FROM limits l LEFT JOIN counters c
                  ON c.account_id = l.account_id AND c.window_start = :window
                 AND c.counter = 'raised:' || l.counter || '@' || l.credit_type
                WHERE l.account_id = :account AND l.counter ^@ 'member:' AND l.credit_type = :type)
            SELECT member, coalesce(counted.value, 0), coalesce(used.used, 0), limited.ceiling,
                   limited.since
            FROM used FULL JOIN counted USING (member) FULL JOIN limited USING (member)
            ORDER BY member COLLATE "C"
        """),  # noqa: S608 - of constants
        {"account": account_id, "type": credit_type, "window": window_start}
        | ({} if period_start is None else {"period": period_start}),
    )
    found = (
        MemberUsage(
            member_id=who,
            window_micro=int(counted),
            period_micro=int(used),
            limit_micro=None if most is None else int(most),
            since=since,
        )
        for who, counted, used, most, since in rows
    )
    return {one.member_id: one for one in found}


def _member(row: Row[Any]) -> Member:
    return Member(
        member_id=row.member_id,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        restricted=row.restricted,
        limits=tuple(sorted(row.limits.items())),
    )
