"""Engines for the application's role and for the owner, and a connection that rolls back."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine

from local.postgres import Database
from models.base import connect


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """The application's role, on a database whose laws are checked after the test."""
    made = connect(database.url, pool_size=20)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def session_database(new_database: Callable[[], Database]) -> Database:
    """One that nothing is committed to: what asks all accounts takes longer with each that stays.

    The laws are asked of all of them hundreds of times in one test.
    """
    return new_database()


@pytest.fixture(scope="session")
def session_engine(session_database: Database) -> Iterator[Engine]:
    made = connect(session_database.url)
    yield made
    made.dispose()


@pytest.fixture
def ledger(session_engine: Engine) -> Iterator[Connection]:
    """One transaction as the application, rolled back: tests share its database."""
    with session_engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def owner(session_database: Database) -> Iterator[Connection]:
    """One transaction as the owner of the tables, rolled back."""
    made = connect(session_database.owner_url)
    with made.connect() as connection:
        yield connection
        connection.rollback()
    made.dispose()
