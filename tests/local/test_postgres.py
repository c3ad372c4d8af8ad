"""The embedded PostgreSQL: durable, one process on a folder, never root, nothing opened."""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from local import accounts
from local.accounts import Account, fallback_for
from local.patience import QUIET_SECONDS
from local.postgres import APP, OWNER, Postgres
from local.processes import StackError, wait_until

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to drop to")


@pytest.fixture
def folder(servers_folder: Path):
    """A folder that the account of PostgreSQL can reach."""
    path = Path(tempfile.mkdtemp(dir=servers_folder))
    path.chmod(0o755)
    return path


@pytest.fixture
def start():
    """Start servers that are stopped after the test."""
    started = []

    def begin(folder: Path, **options) -> Postgres:
        started.append(Postgres.start(folder, **options))
        return started[-1]

    yield begin
    for server in started:
        server.stop()


def ask(dsn: str, question: str):
    with psycopg.connect(dsn) as connection:
        return connection.execute(question).fetchone()


def test_data_survive_a_restart_and_stay_durable(folder, start):
    first = start(folder / "server")
    first.create_database("kept")
    with psycopg.connect(first.dsn("kept", OWNER)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    first.stop()
    again = start(folder / "server")
    assert ask(again.dsn("kept", OWNER), "SELECT number FROM kept") == (7,)
    durable = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
    assert ask(again.dsn("kept", OWNER), durable) == ("on", "on")


def test_the_data_survive_a_kill(folder, start):
    first = start(folder / "server")
    first.create_database("kept")
    first.process.kill()
    first.process.wait()
    again = wait_for_start(folder / "server", start)
    assert ask(again.dsn("kept", OWNER), "SELECT 1") == (1,)


def wait_for_start(folder: Path, start) -> Postgres:
    """Children of a killed server take a moment to see that it is gone."""
    started = []

    def attempt() -> bool:
        try:
            started.append(start(folder))
        except StackError:
            return False
        return True

    wait_until(attempt, QUIET_SECONDS, "a start after a kill")
    return started[0]


def test_a_second_server_on_the_same_folder_is_refused_and_the_first_lives(folder, start):
    first = start(folder / "server")
    with pytest.raises(StackError, match="another PostgreSQL runs on") as raised:
        start(folder / "server")
    assert raised.value.reason == "folder_in_use"
    assert first.ready()


def test_a_chosen_port_is_kept_and_a_taken_one_refused(postgres, folder, start):
    with pytest.raises(StackError) as raised:
        start(folder / "server", port=postgres.port)
    assert raised.value.reason == "port_taken"


def test_only_loopback_and_no_socket_file(postgres):
    row = ask(
        postgres.dsn("postgres", "postgres"),
        "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')",
    )
    assert row == ("127.0.0.1", "")


def test_text_is_utf8_sorted_by_code_point(postgres):
    row = ask(
        postgres.dsn("postgres", "postgres"),
        "SELECT pg_encoding_to_char(encoding), datlocale FROM pg_database"
        " WHERE datname = current_database()",
    )
    assert row == ("UTF8", "C.UTF-8")


def test_the_application_owns_nothing_and_cannot_create(session_database):
    with (
        psycopg.connect(session_database.url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE mine (id int)")
    roles = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = "
    assert ask(session_database.owner_url, f"{roles}'{APP}'") == (False,)
    assert ask(session_database.owner_url, f"{roles}'{OWNER}'") == (False,)


def test_a_clone_holds_what_the_template_held(postgres, start):
    postgres.create_database("pattern")
    with psycopg.connect(postgres.dsn("pattern", OWNER)) as connection:
        connection.execute("CREATE TABLE marks AS SELECT 1 AS mark")
    postgres.create_database("copy", "pattern")
    assert ask(postgres.dsn("copy", OWNER), "SELECT mark FROM marks") == (1,)
    postgres.drop_database("copy")
    postgres.drop_database("copy")
    postgres.drop_database("pattern")


def test_the_benchmarks_find_pgbench(postgres):
    subprocess.run([postgres.bin_dir / "pgbench", "--version"], capture_output=True, check=True)


@AS_ROOT
def test_root_is_never_whom_the_server_runs_as(postgres):
    assert (postgres.folder / "data").stat().st_uid != 0
    status = Path(f"/proc/{postgres.process.pid}/status").read_text()
    assert "\nUid:\t0" not in status


@AS_ROOT
def test_a_closed_parent_stays_closed_and_a_named_folder_stands_in(folder, start):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = start(closed / "server")
    stand_in = fallback_for(closed / "server")
    assert server.folder == stand_in
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    server.stop()
    assert start(closed / "server").folder == stand_in
    shutil.rmtree(stand_in)


@AS_ROOT
def test_programs_out_of_reach_are_copied_once_with_open_modes(folder, monkeypatch):
    monkeypatch.setattr(accounts, "FALLBACK", folder / "fallback")
    tree = folder / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/program").write_text("#!/bin/sh\n")
    (tree / "bin/program").chmod(0o700)
    nobody = Account(65534, 65534)
    for _ in range(2):
        found = accounts.reachable_tree(
            account=nobody, tree=tree, program="bin/program", parts=("bin",), name="copy-1"
        )
        assert found == folder / "fallback/copy-1"
        assert accounts.can_reach(nobody, found / "bin/program")
    assert stat.S_IMODE((tree / "bin/program").stat().st_mode) == 0o700
