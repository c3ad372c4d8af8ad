"""A reporting process that is killed again and again."""

import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from drawdown_client import Drawdown, Reporter
from sqlalchemy import func, select

from clients.python.tests.door import CUT, passing_on
from clients.python.tests.reporting import TOGETHER
from ledger import balances
from models.credits import Entry
from tests.builders import micro

EVENTS, KILLS = 100_000, 50
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
            lines = random.randint(1, events // kills // TOGETHER)  # noqa: S311 - a place to die
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
def test_each_event_is_charged_once_though_its_process_is_killed_fifty_times(
    door, api_url, api_key, new_customer, engine, tmp_path
):
    wallet, path = new_customer(EVENTS + 1), tmp_path / "usage.sqlite3"
    with passing_on(api_url) as decide:
        door.otherwise = on_a_bad_line(decide, 10)
        killed = live(door.url, api_key, path, wallet.customer_id, EVENTS, KILLS)

    assert killed == KILLS
    with Drawdown(api_url, api_key) as dd, Reporter(dd, path) as reporter:
        assert (reporter.lag().waiting, reporter.refused()) == (0, [])
    with engine.connect() as connection:
        debits = select(Entry.key, func.count()).where(
            Entry.account_id == wallet.account_id, Entry.action == "operation"
        )
        found = dict(connection.execute(debits.group_by(Entry.key)).all())
        now = datetime.now(UTC)
        assert balances.available(connection, wallet.account_id, "credits", now) == micro(1)
    assert found == {f"e-{n}": 1 for n in range(EVENTS)}
