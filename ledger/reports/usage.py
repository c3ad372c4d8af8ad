"""Usage: what debits took, by action, by day and by the value of a tag."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from ledger.reports.scope import Scope, answer

# What was used, one row per draw and per free line. Line 0 of an operation carries its quantity
# and tags; whatever undoes or completes another operation carries that one's action and tags. The
# action is the one served, if a cheaper one replaced the one asked for.
# `seq_before` (0 of no account) finds a customer's first line of the time by halving: a month costs
# the same however many years came before it. First lines, which most are, are read apart: to look
# each up again by its number would cost several times as much as reading it.
_LINES = """
    SELECT e.account_id, e.seq, e.line, e.at, e.late, e.grant_id, e.credit_type,
           coalesce(o.served_as, o.action) AS action, o.tags,
           -e.change AS credits,
           CASE e.kind WHEN 'correction' THEN -e.quantity ELSE e.quantity END AS quantity,
           (e.line = 0 AND e.kind <> 'correction')::integer AS event
    FROM journal {lines}
    WHERE e.kind IN ('debit', 'capture', 'correction')
      AND e.at >= :start AND e.at < :end
      AND e.account_id = coalesce(CAST(:account AS bigint), e.account_id)
      AND e.seq > seq_before(CAST(:account AS bigint), :start)
      AND {which}
"""
_FIRST = _LINES.replace("o.", "e.").format(lines="e", which="e.line = 0 AND e.corrects IS NULL")
_OTHERS = _LINES.format(
    lines="e CROSS JOIN operation_of("
    "coalesce(CAST(:account AS bigint), e.account_id), e.seq, e.corrects) o",
    which="(e.line > 0 OR e.corrects IS NOT NULL)",
)
USAGE = f"WITH usage AS ({_FIRST} UNION ALL {_OTHERS})"


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used of one credit type, in micro-credits; `late` and `free` are parts of it."""

    credit_type: str
    events: int
    free_events: int
    credits_micro: int
    late_micro: int


@dataclass(frozen=True, slots=True)
class ActionUsage:
    """Usage of one action; its quantity in millionths."""

    action: str
    quantity_micro: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class DayUsage:
    """Usage decided on one day of the customer's calendar."""

    day: date
    usage: Usage


@dataclass(frozen=True, slots=True)
class TagUsage:
    """Usage of one customer with one value of a tag; None: without the tag."""

    customer_id: str
    value: str | None
    usage: Usage


BY_ACTION = """
SELECT action, coalesce(sum(quantity), 0), credit_type, sum(event),
       (sum(event) FILTER (WHERE grant_id IS NULL)), sum(credits),
       (sum(credits) FILTER (WHERE late))
FROM usage
GROUP BY action, credit_type
ORDER BY action COLLATE "C", credit_type COLLATE "C"
"""

BY_DAY = """
SELECT (u.at AT TIME ZONE c.time_zone)::date AS day, u.credit_type, sum(u.event),
       (sum(u.event) FILTER (WHERE u.grant_id IS NULL)), sum(u.credits),
       (sum(u.credits) FILTER (WHERE u.late))
FROM usage u JOIN customers c ON c.account_id = u.account_id
GROUP BY day, u.credit_type
ORDER BY day, u.credit_type COLLATE "C"
"""

BY_TAG = """
SELECT c.customer_id, (u.tags ->> :tag) COLLATE "C" AS value, u.credit_type, sum(u.event),
       (sum(u.event) FILTER (WHERE u.grant_id IS NULL)), sum(u.credits),
       (sum(u.credits) FILTER (WHERE u.late))
FROM usage u JOIN customers c ON c.account_id = u.account_id
GROUP BY c.customer_id, value, u.credit_type
ORDER BY c.customer_id COLLATE "C", value NULLS LAST, u.credit_type COLLATE "C"
"""


def usage_by_action(connection: Connection, scope: Scope) -> tuple[ActionUsage, ...]:
    """Return what each action used; an event of two credit types counts on its first one."""
    rows = answer(connection, (USAGE, BY_ACTION), scope.parameters)
    return tuple(ActionUsage(row[0], int(row[1]), _usage(*row[2:])) for row in rows)


def usage_by_day(connection: Connection, scope: Scope) -> tuple[DayUsage, ...]:
    """Return what each day used; a day is one of the customer's time zone."""
    rows = answer(connection, (USAGE, BY_DAY), scope.parameters)
    return tuple(DayUsage(row[0], _usage(*row[1:])) for row in rows)


def usage_by_tag(connection: Connection, scope: Scope, tag: str) -> tuple[TagUsage, ...]:
    """Return what each value of a tag used, and last the usage without it."""
    rows = answer(connection, (USAGE, BY_TAG), scope.parameters | {"tag": tag})
    return tuple(TagUsage(row[0], row[1], _usage(*row[2:])) for row in rows)


def _usage(
    credit_type: str, events: int, free: int | None, taken: Decimal, late: Decimal | None
) -> Usage:
    # Sums of BIGINT values may not fit a BIGINT, so they come as numeric.
    return Usage(
        credit_type=credit_type,
        events=events,
        free_events=free or 0,
        credits_micro=int(taken),
        late_micro=int(late or 0),
    )
