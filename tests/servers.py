"""The servers that tests share: real ones, started once for each test process on free ports."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from local.mail_catcher.process import MailCatcher
from local.postgres import Database, Postgres
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from tests.scratch import scratch

# Losing the test server's data in a power cut costs nothing; everywhere else fsync stays on.
FORGETFUL = {"fsync": "off", "full_page_writes": "off"}
TEMPLATE = "template_drawdown"

# Random on purpose: `print_blob` and pytest-randomly's seed in the header reproduce a failure.
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Not pytest's own: its folders are closed to the account that PostgreSQL runs as."""
    with scratch() as folder:
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[Postgres]:
    server = Postgres.start(servers_folder / "postgres", settings=FORGETFUL)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def temporal_server(servers_folder: Path) -> Iterator[TemporalServer]:
    server = TemporalServer.start(servers_folder / "temporal")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def standin(servers_folder: Path) -> Iterator[StandIn]:
    """One stand-in for all tests: each makes customers of its own and cancels its faults."""
    server = StandIn.start(servers_folder / "stripe")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mail_catcher(servers_folder: Path) -> Iterator[MailCatcher]:
    """One catcher for all tests: each reads the mails of its own addresses."""
    server = MailCatcher.start(servers_folder / "mail")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_database(postgres: Postgres) -> Callable[[], Database]:
    """A function that clones the migrated template under a new name."""
    postgres.create_database(TEMPLATE)
    postgres.migrate(TEMPLATE)
    numbers = count(1)

    def clone() -> Database:
        name = f"drawdown_{next(numbers)}"
        postgres.create_database(name, TEMPLATE)
        return postgres.database(name)

    return clone


@pytest.fixture(scope="session")
def session_database(new_database: Callable[[], Database]) -> Database:
    """One migrated database for tests that keep apart by their own keys."""
    return new_database()


@pytest.fixture
def unguarded_database(
    new_database: Callable[[], Database], postgres: Postgres
) -> Iterator[Database]:
    """A migrated database of the test's own, for tests that break its laws on purpose."""
    fresh = new_database()
    yield fresh
    postgres.drop_database(fresh.name)


@pytest.fixture
def database(unguarded_database: Database) -> Iterator[Database]:
    """A migrated database of the test's own; after the test no law of the ledger is broken."""
    yield unguarded_database
    with psycopg.connect(unguarded_database.owner_url) as connection:
        assert connection.execute("SELECT * FROM violations").fetchall() == []
