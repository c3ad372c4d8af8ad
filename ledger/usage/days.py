"""Days that are over are summed up once, so that sums of a month need not read each of its lines.

The sums are those of certain entries, which never change: `ledger/sql/summing.sql`.
"""

import logging
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

LEAST = 500  # entries of a day: fewer are as soon read as found
FEWER = 4  # entries for each sum of a day: where tags name each event, sums are no shorter

_SUM_UP = text("SELECT sum_up_days(:account, :least, :fewer)")
_WITH_DAYS = text("""
    SELECT w.account_id FROM wallets w
    WHERE w.seq >= :least + coalesce(
        (SELECT max(d.upto) FROM summed_days d WHERE d.account_id = w.account_id), 0)
    ORDER BY w.account_id
""")


def sum_up(
    connection: Connection, account_id: int, *, least: int = LEAST, fewer: int = FEWER
) -> int:
    """Sum up the oldest days of a wallet that are over; return how many rows were written.

    0: nothing is left. The running day and days that were looked at before are left alone.
    """
    values = {"account": account_id, "least": least, "fewer": fewer}
    return int(connection.scalar(_SUM_UP, values) or 0)


def sum_up_all(engine: Engine) -> Iterator[int]:
    """Sum up what is over of all wallets with enough entries, in one transaction after another.

    Yield the rows of each. Stopped anywhere, it goes on where it was when it is run again. Raises
    the first error of the database, a lost connection at once, else when all others are done.
    """
    with engine.connect() as connection:
        accounts = list(connection.scalars(_WITH_DAYS, {"least": LEAST}))
    failed = []
    for account in accounts:
        try:
            yield from _sum_up_one(engine, account)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            log.warning("days of account %s were not summed up", account)
            failed.append(error)
    if failed:
        raise failed[0]


def _sum_up_one(engine: Engine, account_id: int) -> Iterator[int]:
    written = -1
    while written:
        with engine.begin() as connection:
            # The first look at a customer of millions of entries takes longer than others may.
            connection.execute(text("SET LOCAL statement_timeout = '10min'"))
            written = sum_up(connection, account_id)
        if written:
            yield written
