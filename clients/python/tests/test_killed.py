"""A reporting process that is killed again and again."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from clients.python.tests.charging import Charging
from clients.python.tests.conftest import KEY
from clients.python.tests.door import CUT

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "clients/python/tests/reporting.py"


def start(url, key, path, customer, first, last):
    words = [sys.executable, PROGRAM, url, key, path, customer, first, last]
    environment = {"PYTHONPATH": str(ROOT / "clients/python/src")}
    return subprocess.Popen(map(str, words), env=environment, stdout=subprocess.PIPE, text=True)


def live(url, key, path, customer, events, kills):
    """Report `events` events in processes of which `kills` are killed; return how many were."""
    stored, killed = 0, 0
    while True:
        last = events if killed == kills else stored + 2 * events // kills
        with start(url, key, path, customer, stored, min(last, events)) as process:
            lines = random.randint(1, events // kills // 10)  # noqa: S311 - a place to die
            for line in process.stdout:
                stored = int(line)
                lines -= 1
                if killed < kills and not lines:
                    break
            else:
                assert process.wait() == 0
                if stored == events:
                    return killed
                continue
            process.kill()
            killed += 1


def on_a_bad_line(answer, losses):
    """Lose a request in so many on its way there, and as many answers on their way back."""

    def lossy(asked):
        where = random.randrange(losses)  # noqa: S311 - where it is lost
        told = CUT if where == 0 else answer(asked)
        return CUT if where == 1 else told

    return lossy


@pytest.mark.long
def test_each_event_is_charged_once_though_its_process_is_killed_fifty_times(door, tmp_path):
    charging = Charging()
    door.otherwise = on_a_bad_line(charging, 10)

    killed = live(door.url, KEY, tmp_path / "usage.sqlite3", "acme", 100_000, 50)

    assert killed == 50
    assert set(charging.debits) == {f"e-{n}" for n in range(100_000)}
    assert charging.conflicts == []
