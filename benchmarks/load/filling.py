"""A journal of many millions of entries, written by the ledger's own debits."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import psycopg

from benchmarks.load.accounts import CREDIT

WRITERS = 2  # each has wallets of its own: nobody waits for a lock
TOGETHER = 100  # wallets of one call: rows of a wallet lie scattered, as in life
EACH = 20  # events of a wallet in one call
CALL = TOGETHER * EACH

# The batch path, with arrays made on the server: most of the time goes into the debits.
_FILL = """
SELECT count(*) FILTER (WHERE d.status = 'debited')
FROM (SELECT array_agg(a) AS accounts, array_agg(gen_random_uuid()::text) AS keys
      FROM unnest(%(accounts)s::bigint[]) AS a, generate_series(1, %(each)s::int)) e
CROSS JOIN LATERAL debit(
    e.accounts, e.keys, array_fill('operation'::text, ARRAY[%(events)s::int]),
    array_fill(%(credits)s::bigint, ARRAY[%(events)s::int]),
    array_fill('credits'::text, ARRAY[%(events)s::int]),
    array_fill(%(credits)s::bigint, ARRAY[%(events)s::int]),
    array_fill(%(at)s::timestamptz, ARRAY[%(events)s::int]),
    array_fill(NULL::jsonb, ARRAY[%(events)s::int]), %(at)s) d
"""


@dataclass(frozen=True, slots=True)
class Span:
    """The time in which a filling was decided."""

    first: datetime
    last: datetime

    def instant(self, part: float) -> datetime:
        """Return the instant after this part of the span."""
        return self.first + (self.last - self.first) * part


def fill(url: str, accounts: Sequence[int], events: int, span: Span) -> None:
    """Debit so many events of one credit, spread evenly over the wallets and the span."""
    size = -(-len(accounts) // WRITERS)
    shares = [accounts[start : start + size] for start in range(0, len(accounts), size)]
    with ThreadPoolExecutor(len(shares)) as pool:
        done = [
            pool.submit(_write, url, share, events * len(share) // len(accounts), span)
            for share in shares
        ]
        for one in done:
            one.result()
    sys.stderr.write("\n")


def _write(url: str, accounts: Sequence[int], events: int, span: Span) -> None:
    groups = _groups(accounts)
    calls = max(1, events // CALL)
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(calls):
            chosen = next(groups)
            values = {
                "accounts": list(chosen),
                "each": EACH,
                "events": len(chosen) * EACH,
                "credits": CREDIT,
                "at": span.instant(number / calls),
            }
            row = connection.execute(_FILL, values).fetchone()
            if row != (len(chosen) * EACH,):
                raise SystemExit(f"the filling was refused: {row}")
            if number % 50 == 0:
                sys.stderr.write(f"\r{number / calls:6.1%} filled")


def _groups(accounts: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield all wallets again and again, so many at a time."""
    while True:
        for start in range(0, len(accounts), TOGETHER):
            yield accounts[start : start + TOGETHER]
