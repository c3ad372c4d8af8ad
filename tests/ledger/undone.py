"""A connection whose changes are rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """Lend a connection, and roll back what was done unless it was committed."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()
