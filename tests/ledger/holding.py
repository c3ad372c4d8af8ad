"""Holds as tests ask for them: one of a wallet, under a key that need not be said."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from ledger.usage import holds
from tests.builders import NOON, an_event, micro

MINUTE = timedelta(minutes=1)
LAPSE = NOON + 5 * MINUTE


def hold(connection, wallet, amount, *, key="h", at=NOON, until=None, terms=None, **facts):
    priced = an_event(wallet.account_id, amount, key=key, event_at=at, **facts).priced
    priced = replace(priced, terms=terms)
    return holds.hold(
        connection,
        account_id=wallet.account_id,
        priced=priced,
        lapses_at=until or at + 5 * MINUTE,
        at=at,
    )


def capture(connection, wallet, quantity, *, key="h", at=NOON, confirmed=False):
    return holds.capture(
        connection,
        account_id=wallet.account_id,
        key=key,
        quantity_micro=micro(quantity),
        at=at,
        confirmed=confirmed,
    )


def release(connection, wallet, *, key="h", at=NOON):
    return holds.release(connection, wallet.account_id, key, at)


def extend(connection, wallet, until, *, key="h", at=NOON):
    return holds.extend(connection, account_id=wallet.account_id, key=key, lapses_at=until, at=at)


def took(outcome):
    return dict(outcome.taken).get("credits", 0)


def sources(connection, wallet):
    """What remains in each grant, by source, in the order they were made."""
    rows = connection.execute(
        text("SELECT remaining FROM grants WHERE account_id = :account ORDER BY grant_id"),
        {"account": wallet.account_id},
    )
    return [row.remaining for row in rows]


def counter(connection, wallet, name):
    statement = text("SELECT sum(value) FROM counters WHERE account_id = :a AND counter = :name")
    return connection.scalar(statement, {"a": wallet.account_id, "name": name})
