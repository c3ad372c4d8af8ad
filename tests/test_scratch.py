"""What the servers of tests keep is gone with them, and that of a killed run with the next one."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import scratch

ROOT = Path(__file__).parents[1]
LIVES = """
import sys, time
from pathlib import Path
from tests import scratch
scratch.MEMORY, scratch.PLENTY = Path(sys.argv[1]), 0
with scratch.scratch() as folder:
    (folder / "kept").write_text("kept")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def memory(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    monkeypatch.setattr(scratch, "PLENTY", 0)
    return tmp_path


def left_by_a_killed_run(memory):
    words = [sys.executable, "-c", LIVES, str(memory)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        folder = Path(run.stdout.readline().strip())
        with scratch.scratch() as mine:
            assert {folder, mine} <= set(memory.iterdir())  # it lives: its folder is its own
        run.send_signal(signal.SIGKILL)
    return folder


def test_a_folder_is_gone_with_its_run_and_that_of_a_killed_one_with_the_next(memory):
    left = left_by_a_killed_run(memory)
    assert (left / "kept").exists()
    with scratch.scratch() as mine:
        assert list(memory.iterdir()) == [mine]
    assert list(memory.iterdir()) == []


def test_where_memory_is_scarce_the_folder_is_on_the_disk(memory, monkeypatch):
    monkeypatch.setattr(scratch, "PLENTY", shutil.disk_usage(memory).total + 1)
    with scratch.scratch() as mine:
        assert mine.parent != memory
    assert not mine.exists()
