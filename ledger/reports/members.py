"""Members and events: who used how much, against which limit, and filtered usage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from ledger.reports.movement import TICK
from ledger.reports.scope import Scope, answer
from ledger.reports.usage import USAGE
from models.tables import Wallet


@dataclass(frozen=True, slots=True)
class MemberUsage:
    """What one member used of a credit type, in micro-credits; None: usage without a member.

    `credits_micro` is of the scope; `limit_micro`, and what is left of it, of the wallet's current
    window. A limit below present use leaves nothing. None: no limit; no credit type: nothing of it.
    `since` is when it was set; `refusal` what it stands for: `user_limit`, `member_removed`, …
    """

    customer_id: str
    member: str | None
    credit_type: str | None
    events: int
    credits_micro: int
    limit_micro: int | None
    left_micro: int | None
    since: datetime | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class UsedEvent:
    """One usage event as it was booked, one line for each credit type; credits in micro-credits."""

    customer_id: str
    at: datetime
    action: str
    quantity_micro: int | None
    credit_type: str
    credits_micro: int
    late: bool
    tags: Mapping[str, str]


# Limits count in the current window; members without usage are listed too.
BY_MEMBER = """
, used AS (
    SELECT account_id, tags ->> 'member' AS member, credit_type, sum(event) AS events,
           sum(credits) AS credits
    FROM usage GROUP BY 1, 2, 3),
limited AS (
    SELECT l.account_id, substr(l.counter, 8) AS member, l.credit_type,
           l.ceiling + coalesce(r.value, 0) AS ceiling, coalesce(c.value, 0) AS counted,
           l.since, l.refusal
    FROM limits l JOIN wallets w ON w.account_id = l.account_id
    LEFT JOIN counters c ON c.account_id = l.account_id AND c.window_start = w.window_start
                        AND c.counter = l.counter || '@' || l.credit_type
    LEFT JOIN counters r ON r.account_id = l.account_id AND r.window_start = w.window_start
                        AND r.counter = 'raised:' || l.counter || '@' || l.credit_type
    WHERE l.counter ^@ 'member:'
      AND l.account_id = coalesce(CAST(:account AS bigint), l.account_id)),
team AS (
    SELECT account_id, member, credit_type FROM used
    UNION SELECT account_id, member, credit_type FROM limited
    UNION SELECT m.account_id, m.member_id, NULL FROM members m
    WHERE m.removed_at IS NULL AND m.account_id = coalesce(CAST(:account AS bigint), m.account_id)
      AND NOT EXISTS (SELECT FROM used u
                      WHERE (u.account_id, u.member) = (m.account_id, m.member_id))
      AND NOT EXISTS (SELECT FROM limited l
                      WHERE (l.account_id, l.member) = (m.account_id, m.member_id)))
SELECT c.customer_id, t.member COLLATE "C" AS member, t.credit_type COLLATE "C" AS credit_type,
       coalesce(u.events, 0), coalesce(u.credits, 0), l.ceiling,
       CASE WHEN l.ceiling IS NOT NULL THEN greatest(l.ceiling - l.counted, 0) END,
       l.since, l.refusal
FROM team t JOIN customers c ON c.account_id = t.account_id
LEFT JOIN used u ON (u.account_id, u.credit_type) = (t.account_id, t.credit_type)
                AND u.member IS NOT DISTINCT FROM t.member
LEFT JOIN limited l ON (l.account_id, l.member, l.credit_type)
                     = (t.account_id, t.member, t.credit_type)
ORDER BY c.customer_id COLLATE "C", member NULLS LAST, credit_type
"""

EVENTS = """
SELECT c.customer_id, min(u.at) AS at, u.action, sum(u.quantity) AS quantity_micro,
       u.credit_type, sum(u.credits) AS credits_micro, bool_or(u.late) AS late,
       coalesce(u.tags, '{}') AS tags
FROM usage u JOIN customers c ON c.account_id = u.account_id
WHERE u.action = coalesce(CAST(:action AS text), u.action)
  AND coalesce(u.tags, '{}') @> CAST(:tags AS jsonb)
GROUP BY c.customer_id, u.seq, u.action, u.credit_type, u.tags
ORDER BY c.customer_id COLLATE "C", u.seq, u.credit_type COLLATE "C"
"""


def usage_by_member(connection: Connection, scope: Scope) -> tuple[MemberUsage, ...]:
    """Return each member's usage, limited members without usage included; last: no member."""
    rows = answer(connection, (USAGE, BY_MEMBER), scope.parameters)
    return tuple(MemberUsage(*row) for row in rows)


def limits_of(connection: Connection, account_id: int, member: str) -> tuple[MemberUsage, ...]:
    """Return a member's limits in the current window; none: not limited, or unknown."""
    window = select(Wallet.window_start).where(Wallet.account_id == account_id)
    end = datetime.max.replace(tzinfo=UTC)
    scope = Scope(connection.scalar(window) or end - TICK, end, account_id)
    own = (one for one in usage_by_member(connection, scope) if one.member == member)
    return tuple(one for one in own if one.limit_micro is not None)


def events(
    connection: Connection, scope: Scope, action: str | None, tags_json: str
) -> tuple[UsedEvent, ...]:
    """Return the usage of an action (None: all) whose tags include those of a JSON object."""
    values = scope.parameters | {"action": action, "tags": tags_json}
    rows = answer(connection, (USAGE, EVENTS), values)
    return tuple(UsedEvent(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's own name
