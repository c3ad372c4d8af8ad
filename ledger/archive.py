"""Old lines of the journal move into the archive, wallet by wallet."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Engine, text

AT_ONCE = 5_000  # operations of one transaction: so long a wallet may wait for its lock

# The running window's lines stay: reports and corrections ask for them most.
_MOVE = text("""
    SELECT archive_entries(w.account_id, least(:before, w.window_start), :most)
    FROM wallets w WHERE w.account_id = :account
""")
_WITH_LINES = text("""
    SELECT account_id FROM wallets
    WHERE seq > archived_seq AND account_id = coalesce(CAST(:account AS bigint), account_id)
    ORDER BY account_id
""")


def move(connection: Connection, account_id: int, before: datetime, *, most: int = AT_ONCE) -> int:
    """Archive the oldest lines decided before an instant and before the running window.

    Return how many moved, those of `most` operations in the end; 0: nothing is left to move.
    """
    values = {"account": account_id, "before": before, "most": most}
    return int(connection.scalar(_MOVE, values) or 0)


def archive(engine: Engine, before: datetime, account_id: int | None = None) -> Iterator[int]:
    """Archive what was decided before an instant, of a wallet or of all, in short transactions.

    Yield the lines of each. Stopped anywhere, it goes on where it was when it is run again.
    """
    with engine.connect() as connection:
        accounts = list(connection.scalars(_WITH_LINES, {"account": account_id}))
    for account in accounts:
        moved = -1
        while moved:
            with engine.begin() as connection:
                moved = move(connection, account, before)
            if moved:
                yield moved
