"""Debits and holds of requests that their senders named: what they wrote is noted beside it.

In the same statement, so that it is in the same transaction and costs no round trip; where nobody
named a request, that statement is not sent (docs/decisions/0064).
"""

from collections.abc import Sequence
from dataclasses import replace

from ledger.usage.requests import Request

WRITING = ("debited", "held", "captured", "released")  # a repeat wrote nothing


def noting(decided: str) -> str:
    """Return a statement of debits, with two arguments more: their accounts, their requests.

    Both are arrays by the `ord` of the debits' rows; NULL where an event's request has no name.
    """
    return f"""
WITH decided AS MATERIALIZED ({decided}),
noted AS (
    INSERT INTO named_requests (account_id, seq, request_id)
    SELECT u.account_id, d.seq, u.request_id
    FROM decided d
    JOIN unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS u (account_id, request_id, ord)
         ON u.ord = d.ord
    WHERE d.status = 'debited' AND d.seq IS NOT NULL AND u.request_id IS NOT NULL
    ON CONFLICT DO NOTHING)
SELECT * FROM decided
"""  # noqa: S608 - both parts are ours


def named(request: Request, request_id: str | None) -> Request:
    """Return a request about a hold that notes by what name it was sent, if by any."""
    if request_id is None or request.reads:
        return request
    statement = f"""
WITH decided AS MATERIALIZED ({request.statement}),
noted AS (
    INSERT INTO named_requests (account_id, seq, request_id)
    SELECT %s::bigint, d.seq, %s::text FROM decided d
    WHERE d.status = ANY (%s::text[]) AND d.seq IS NOT NULL
    ON CONFLICT DO NOTHING)
SELECT * FROM decided
"""  # noqa: S608 - both parts are ours
    arguments = (*request.arguments, request.account_id, request_id, list(WRITING))
    return replace(request, statement=statement, arguments=arguments)


def names(request_ids: Sequence[str | None]) -> str:
    """Return ids as an array for PostgreSQL; they are fit for logs, and so need no quotes."""
    return "{" + ",".join("NULL" if one is None else f'"{one}"' for one in request_ids) + "}"
