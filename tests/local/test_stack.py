"""The whole stack: side by side, nothing left behind, data kept, emptied on demand."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from temporalio.api.operatorservice.v1 import ListNexusEndpointsRequest
from temporalio.client import Client

from local import state
from local.ports import Ports, choose
from local.processes import StackError, free_port, listens, wait_until
from local.stack import Stack, environment, reset
from nexus.service import NAME
from settings import Settings

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
UP = "import sys; from pathlib import Path; from local.stack import run_forever; "
UP += "sys.exit(run_forever(Path(sys.argv[1])))"
START = 60  # seconds


@pytest.fixture
def home(servers_folder: Path, request: pytest.FixtureRequest) -> Path:
    return servers_folder / request.node.name


@pytest.fixture
def up(home: Path):
    """The command that people type, as a process that a test may end in any way."""
    process = subprocess.Popen(
        [sys.executable, "-c", UP, home], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with process:
        yield process
        process.kill()


def running(home: Path, up: subprocess.Popen[bytes]) -> state.State:
    def written() -> bool:
        assert up.poll() is None, up.stdout.read().decode()
        return (home / state.FILE).exists()

    wait_until(written, START, "the stack")
    return state.read(home)


async def nexus_endpoints(address: str) -> list[str]:
    client = await Client.connect(address)
    found = await client.operator_service.list_nexus_endpoints(ListNexusEndpointsRequest())
    return [one.spec.name for one in found.endpoints]


def all_gone(pids: dict[str, int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids.values())


def test_two_stacks_run_side_by_side_and_one_folder_holds_one(home):
    first = Stack.start(home / "first", Ports(), persistent=False)
    try:
        second = Stack.start(home / "second", Ports(), persistent=False)
        with pytest.raises(StackError, match="a stack runs in") as raised:
            Stack.start(home / "first")
        with pytest.raises(StackError):
            reset(home / "first")
        assert raised.value.reason == "folder_in_use"
        second.stop()
        assert first.temporal.ready()
        assert first.postgres.ready()
    finally:
        first.stop()
    assert all_gone(first.state().pids | second.state().pids)


def test_the_stack_alone_is_all_that_settings_need(home):
    stack = Stack.start(home, Ports(), persistent=False)
    try:
        settings = Settings.from_environment(environment(stack))
        with psycopg.connect(settings.database_url) as connection:
            row = connection.execute("SELECT current_user, version_num FROM alembic_version")
            assert row.fetchone()[0] == "drawdown_app"
    finally:
        stack.stop()


def test_up_runs_until_it_is_asked_to_stop_and_leaves_nothing_behind(home, up):
    where = running(home, up)
    assert listens(int(where.api.rpartition(":")[2]))
    assert {"worker", "API", "PostgreSQL", "Temporal"} <= set(where.pids)
    assert asyncio.run(nexus_endpoints(where.temporal)) == [NAME]
    up.send_signal(signal.SIGTERM)
    assert up.wait() == 0
    assert all_gone(where.pids)
    with pytest.raises(StackError, match="no stack runs in"):
        state.read(home)
    assert (home / "postgres").exists()
    reset(home)
    assert not home.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's own")
def test_up_that_is_killed_leaves_no_process(home, up):
    where = running(home, up)
    up.kill()
    wait_until(lambda: all_gone(where.pids), START, "the end of all processes")


def test_up_ends_with_a_fault_when_a_part_dies(home, up):
    where = running(home, up)
    os.kill(where.pids["API"], signal.SIGKILL)
    assert up.wait() == 1
    assert "the API ended" in up.stdout.read().decode()
    assert all_gone(where.pids)


def test_ports_are_kept_while_free_and_given_ones_must_be(tmp_path):
    first = choose(tmp_path, Ports())
    assert choose(tmp_path, Ports()) == first
    given = free_port()
    assert choose(tmp_path, Ports(api=given)).api == given
    with socket.create_server(("127.0.0.1", given)):
        assert choose(tmp_path, Ports()).api != given
        with pytest.raises(StackError) as raised:
            choose(tmp_path, Ports(api=given))
    assert raised.value.reason == "port_taken"


def test_ports_come_from_the_environment():
    assert Ports.from_environment({"DRAWDOWN_API_PORT": "8000"}) == Ports(api=8000)
    with pytest.raises(StackError, match="DRAWDOWN_API_PORT"):
        Ports.from_environment({"DRAWDOWN_API_PORT": "80000"})


def test_the_home_is_a_folder_of_the_current_one_unless_named(monkeypatch, tmp_path):
    monkeypatch.delenv(state.HOME, raising=False)
    monkeypatch.chdir(tmp_path)
    assert state.home() == tmp_path / ".drawdown"
    monkeypatch.setenv(state.HOME, str(tmp_path / "other"))
    assert state.home() == tmp_path / "other"


def test_a_reset_takes_nothing_that_the_stack_has_not_made(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    reset(tmp_path)
    (tmp_path / "lock").touch()
    (tmp_path / "postgres").mkdir()
    reset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_the_state_is_for_its_owner_alone(tmp_path):
    whole = state.State(*(["x"] * 13), pids={"worker": os.getpid()})
    written = state.write(tmp_path, whole)
    assert written.stat().st_mode & 0o077 == 0
    assert json.loads(written.read_text())["pids"] == {"worker": os.getpid()}
    assert state.read(tmp_path) == whole


def test_another_deployments_variables_do_not_reach_the_children():
    mixed = {"PATH": "/bin", "TEMPORAL_API_KEY": "cloud", "STRIPE_API_KEY": "live", "PGHOST": "db"}
    assert state.clean_environment(mixed) == {"PATH": "/bin"}
