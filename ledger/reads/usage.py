"""What was used in a time, grouped as a reader asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.reports.scope import Scope, answer

ACTION, DAY, TAG = "action", "day", "tag:"
_LONG = timedelta(days=400)  # beyond it, days are looked for only if they are asked for


@dataclass(frozen=True, slots=True)
class ChosenUsage:
    """Which usage: of one action, as it was served, and with all these tags (as JSON)."""

    action: str | None = None
    tags: str | None = None


ALL = ChosenUsage()
_WHOLE = """
    SELECT NULL::date AS day, m.seqs[1] AS after, m.seqs[2] AS upto, false AS is_kept
    FROM (SELECT seqs_before(:account, ARRAY[:start, :end]::timestamptz[]) AS seqs) m
"""
_BY_DAY = """
    SELECT t.day, t.after, t.upto, d.actions IS NOT NULL AS is_kept
    FROM days_between(:account, :start, :end) t
    LEFT JOIN summed_days d ON d.account_id = :account AND d.upto = t.upto AND d.after = t.after
"""
# Line 0 of an operation carries what was done; what undoes or completes another carries nothing of
# that. Most lines are first ones: each time's are summed up from their own columns, and the others
# by operation (`op`), whose first line is looked up afterwards. So each line is read once, and a
# planner sees so few lines in a day that it sorts none of them. Lines of days whose sums are kept
# are not read: those are the sums of these very entries (`ledger/usage/days.py`).
_USAGE = """
    WITH times AS MATERIALIZED ({times}),
    sums AS MATERIALIZED (
        SELECT t.day, s.* FROM times t CROSS JOIN LATERAL (
            SELECT o.op, {own} e.credit_type,
                   count(*) FILTER (WHERE e.line = 0 AND e.kind <> 'correction') AS events,
                   sum(CASE e.kind WHEN 'correction' THEN -e.quantity ELSE e.quantity END)
                       AS quantity,
                   -sum(e.change) AS credits
            FROM journal e
            CROSS JOIN LATERAL (SELECT CASE WHEN e.line > 0 OR e.corrects IS NOT NULL
                                            THEN coalesce(e.corrects, e.seq) END AS op) o
            WHERE e.account_id = :account AND e.seq > t.after AND e.seq <= t.upto
              AND e.kind IN ('debit', 'capture', 'correction')
              AND (o.op IS NOT NULL OR {chosen})
            GROUP BY {places}) s
        WHERE NOT t.is_kept),
    usage AS (
        SELECT * FROM sums s WHERE s.op IS NULL
        UNION ALL
        SELECT s.day, s.op, {own} s.credit_type, s.events, s.quantity, s.credits
        FROM sums s CROSS JOIN LATERAL first_line(:account, s.op) e
        WHERE s.op IS NOT NULL AND {chosen}
        UNION ALL
        SELECT t.day, NULL, {own} e.credit_type, e.events, e.quantity, e.credits
        FROM times t
        JOIN summed_days d ON d.account_id = :account AND d.upto = t.upto AND d.after = t.after
        CROSS JOIN LATERAL (
            SELECT k.*, NULL AS served_as
            FROM unnest(d.actions, d.tags, d.credit_types, d.events, d.quantities, d.credits)
                k (action, tags, credit_type, events, quantity, credits)) e
        WHERE t.is_kept AND {chosen})
    SELECT {named} u.credit_type, sum(u.events), coalesce(sum(u.quantity), 0), sum(u.credits)
    FROM usage u GROUP BY {groups} ORDER BY {groups}
"""


def grouped(
    connection: Connection, scope: Scope, by: Sequence[str], chosen: ChosenUsage = ALL
) -> list[tuple[Any, ...]]:
    """Return a row for each group and credit type: its values, the type, events, quantity, credits.

    Of the account of `scope`. `by`: `action`, `day` (of the customer's calendar) and `tag:<name>`;
    quantities and credits in millionths. Raises `InvalidInput` (`report_too_large`).
    """
    tags = {f"tag_{n}": one.removeprefix(TAG) for n, one in enumerate(by) if one.startswith(TAG)}
    own = [f"{_own(n, one)} AS g{n}," for n, one in enumerate(by) if one != DAY]
    named = ["u.day," if one == DAY else f"u.g{n}," for n, one in enumerate(by)]
    statement = _USAGE.format(
        times=_BY_DAY if DAY in by or scope.end - scope.start <= _LONG else _WHOLE,
        own=" ".join(own),
        chosen=_chosen(chosen),
        places=_places(len(own) + 2),
        named=" ".join(named),
        groups=_places(len(by) + 1),
    )
    values = scope.parameters | tags | {"action": chosen.action, "tags": chosen.tags}
    return [tuple(row) for row in answer(connection, (statement,), values)]


def _own(number: int, group: str) -> str:
    """Return what the first line of an operation, `e`, says of a group."""
    if group == ACTION:
        return "coalesce(e.served_as, e.action)"
    return f'(e.tags ->> CAST(:tag_{number} AS text)) COLLATE "C"'


def _chosen(chosen: ChosenUsage) -> str:
    """Return whether an operation is chosen by its first line, `e`."""
    asked = []
    if chosen.action is not None:
        asked.append("coalesce(e.served_as, e.action) = :action")
    if chosen.tags is not None:
        asked.append("e.tags @> CAST(:tags AS jsonb)")
    return " AND ".join(asked) if asked else "true"


def _places(count: int) -> str:
    return ", ".join(str(n + 1) for n in range(count))
