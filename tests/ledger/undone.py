"""A connection to try things on: what is done on it is undone."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """Lend a connection, and roll back what was done unless it was committed."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()
