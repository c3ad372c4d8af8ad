"""Facts brought about, published and read, for the tests of webhooks out."""

from sqlalchemy import text

from ledger.notifications import webhook_events
from tests.builders import (
    NOON,
)

WRITTEN = text("""
    SELECT type, seq, at, payload FROM webhook_events WHERE account_id = :account ORDER BY number
""")


def written(engine, wallet):
    with engine.connect() as connection:
        return connection.execute(WRITTEN, {"account": wallet.account_id}).all()


def types_of(engine, wallet):
    return [one.type for one in written(engine, wallet)]


def ends(engine, act, *given, **named):
    """Do something in a transaction of its own."""
    with engine.begin() as connection:
        return act(connection, *given, **named)


def read(engine, event=None, limit=100, **wanted):
    with engine.connect() as connection:
        return webhook_events.after(connection, event, limit=limit, **wanted)


def publish(engine, limit=500):
    return ends(engine, webhook_events.publish, NOON, limit)
