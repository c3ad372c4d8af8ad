"""Children end with their parent, however it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local import processes
from local.patience import QUIET_SECONDS
from local.processes import (
    StackError,
    check_free,
    free_port,
    listens,
    spawn,
    stop,
    wait_until,
)

ROOT = Path(__file__).parents[2]
PARENT = """
import sys, time
from pathlib import Path
from local.processes import spawn
print(spawn(["sleep", "60"], log=Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")")[-1].split()[0] == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's own")
def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "log"], cwd=ROOT, stdout=subprocess.PIPE
    )
    with parent:
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
    wait_until(lambda: gone(child), QUIET_SECONDS, "the end of the child")


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path):
    started, log = [], tmp_path / "log"
    beats = ["sh", "-c", "while :; do echo lives; sleep 0.05; done"]
    thread = threading.Thread(target=lambda: started.append(spawn(beats, log=log)))
    thread.start()
    thread.join()
    before = log.stat().st_size
    longer = before + len("lives\n") * 3
    wait_until(
        lambda: log.stat().st_size >= longer, QUIET_SECONDS, "its life", process=started[0], log=log
    )
    assert stop(started[0]) == -signal.SIGTERM


def test_a_child_that_ignores_the_request_is_killed_after_its_grace(tmp_path):
    log = tmp_path / "log"
    process = spawn(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], log=log)
    wait_until(lambda: "ready" in log.read_text(), QUIET_SECONDS, "the shell")
    assert stop(process, grace=0.1) == -signal.SIGKILL


def test_stopping_twice_changes_nothing(tmp_path):
    process = spawn(["sleep", "60"], log=tmp_path / "log")
    assert stop(process) == stop(process)


def test_a_part_that_ends_early_says_so_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "log"
    process = spawn(["sh", "-c", "echo no such catalog; exit 3"], log=log)
    with pytest.raises(
        StackError, match=r"the part ended with status 3(?s:.*)no such catalog"
    ) as raised:
        wait_until(lambda: False, QUIET_SECONDS, "the part", process=process, log=log)
    assert raised.value.reason == "exited_early"


def test_a_part_that_is_never_ready_is_given_up():
    with pytest.raises(StackError) as raised:
        wait_until(lambda: False, 0.05, "the part")
    assert raised.value.reason == "not_ready"


def test_a_taken_port_is_refused_by_number():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(port)
        with pytest.raises(StackError, match=str(port)) as raised:
            check_free(port, "PostgreSQL")
    assert raised.value.reason == "port_taken"


def test_no_port_is_given_out_twice():
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)


def test_a_part_that_works_is_waited_for_longer_than_one_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LONGEST", 1_000)  # however little of a core it gets
    work = "sum(range(60_000_000)); print('ready', flush=True); import time; time.sleep(60)"
    log = tmp_path / "log"
    process = spawn([sys.executable, "-c", work], log=log)
    wait_until(lambda: "ready" in log.read_text(), 0.5, "the part", process=process, log=log)
    with pytest.raises(StackError) as raised:
        wait_until(lambda: False, 0.5, "the part", process=process, log=log)
    assert raised.value.reason == "not_ready"
    stop(process)
