"""A database of their own: reports of all accounts must see no other test's customers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import Connection, Engine

from local.postgres import Database
from models.base import connect

Books = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture(scope="session")
def reports_engine(new_database: Callable[[], Database]) -> Iterator[Engine]:
    made = connect(new_database().url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def books(reports_engine: Engine) -> Books:
    """A function that opens a transaction of one example and rolls it back."""

    @contextmanager
    def opened() -> Iterator[Connection]:
        with reports_engine.connect() as connection:
            yield connection
            connection.rollback()

    return opened
