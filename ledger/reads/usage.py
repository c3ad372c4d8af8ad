"""What was used in a time, grouped as a reader asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.reports.scope import Scope, answer
from ledger.reports.usage import USAGE

ACTION, DAY, TAG = "action", "day", "tag:"
EXPRESSIONS = {ACTION: "u.action", DAY: "(u.at AT TIME ZONE c.time_zone)::date"}


@dataclass(frozen=True, slots=True)
class ChosenUsage:
    """Which usage: of one action, as it was served, and with all these tags (as JSON)."""

    action: str | None = None
    tags: str | None = None


ALL = ChosenUsage()


def grouped(
    connection: Connection, scope: Scope, by: Sequence[str], chosen: ChosenUsage = ALL
) -> list[tuple[Any, ...]]:
    """Return a row for each group and credit type: its values, the type, events, quantity, credits.

    `by`: `action`, `day` (of the customer's calendar) and `tag:<name>`; quantities and credits in
    millionths. Raises `InvalidInput` (`report_too_large`).
    """
    tags = {f"tag_{n}": one.removeprefix(TAG) for n, one in enumerate(by) if one.startswith(TAG)}
    named = [
        f'(u.tags ->> CAST(:tag_{n} AS text)) COLLATE "C"'
        if f"tag_{n}" in tags
        else EXPRESSIONS[one]
        for n, one in enumerate(by)
    ]
    places = ", ".join(str(n + 1) for n in range(len(by) + 1))
    statement = f"""
        SELECT {", ".join([*named, "u.credit_type"])}, sum(u.event), coalesce(sum(u.quantity), 0),
               sum(u.credits)
        FROM usage u JOIN customers c ON c.account_id = u.account_id
        WHERE (CAST(:action AS text) IS NULL OR u.action = :action)
          AND (CAST(:tags AS jsonb) IS NULL OR u.tags @> CAST(:tags AS jsonb))
        GROUP BY {places} ORDER BY {places}
    """  # noqa: S608 - of constants: what a reader names is an argument
    values = scope.parameters | tags | {"action": chosen.action, "tags": chosen.tags}
    return [tuple(row) for row in answer(connection, (USAGE, statement), values)]
