"""A worker publishes new items of its price lists and refuses to start on an edited one."""

import os
import shutil
import signal
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import psycopg
import pytest

from catalogs.reader import load_catalogs
from local.postgres import Database
from local.processes import spawn, wait_until
from local.temporal import TemporalServer
from settings import Settings
from tests.api.arrangements import own_namespace
from tests.deployment import environment
from worker import Fleet

ROOT = Path(__file__).parents[1]
LIST = "catalogs/make.yaml"
EDIT = ("quantity: 10000}]", "quantity: 15000}]")


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder of price lists that a test may edit."""
    folder = tmp_path / "lists"
    folder.mkdir()
    shutil.copy(ROOT / LIST, folder)
    return folder


@pytest.fixture
async def variables(
    lists: Path, database: Database, temporal_server: TemporalServer
) -> dict[str, str]:
    client = await own_namespace(temporal_server.address)
    return environment(
        database.url,
        PATH=os.environ["PATH"],
        TEMPORAL_ADDRESS=temporal_server.address,
        TEMPORAL_NAMESPACE=client.namespace,
        DRAWDOWN_CATALOGS=str(lists),
    )


def edit(lists: Path, old: str, new: str) -> int:
    """Replace a text in the price list once; return its line."""
    file = lists / "make.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def serve(variables: dict[str, str], log: Path) -> int:
    """Run a worker until it serves, and end it, or until it refuses; return its exit code."""
    worker = spawn([sys.executable, str(ROOT / "worker.py")], log=log, env=variables)

    def decided() -> bool:
        return worker.poll() is not None or "serving" in log.read_text(encoding="utf-8")

    wait_until(decided, 60, "the worker", log=log)
    if worker.poll() is None:
        worker.send_signal(signal.SIGTERM)
    return worker.wait()


def promised(database: Database) -> list[tuple[str, int]]:
    with psycopg.connect(database.owner_url) as connection:
        query = "SELECT item, revision FROM published WHERE item LIKE 'plan core_10k %' ORDER BY 1"
        return connection.execute(query).fetchall()


def test_a_worker_serves_the_lists_that_it_compared(lists):
    read = load_catalogs(lists)
    edit(lists, *EDIT)
    names = {one.name: "" for one in fields(Settings) if one.default is MISSING}
    settings = Settings(**names | {"drawdown_catalogs": lists})

    served = Fleet(settings, None, None, read)._context().catalogs

    assert tuple(served.values()) == read
    assert tuple(Fleet(settings, None, None)._context().catalogs.values()) != read


def test_a_worker_does_not_start_on_a_plan_that_was_edited_under_its_version(
    variables, lists, database, tmp_path
):
    assert serve(variables, tmp_path / "first.log") == 0
    assert promised(database) == [("plan core_10k 1", 1)]

    line = edit(lists, *EDIT)
    assert serve(variables, tmp_path / "second.log") == 2

    told = (tmp_path / "second.log").read_text(encoding="utf-8")
    assert f"make.yaml:{line}: plans[2].allowances[0].quantity: plan core_10k version 1 was" in told
    assert "published with 10000, not with 15000" in told
    assert "a new version" in told
    assert "catalog rerate FILE --by NAME --reason TEXT" in told
    assert promised(database) == [("plan core_10k 1", 1)]
