"""A line of JSON for each record, with the request or the activity that it belongs to."""

import json
import logging
import os
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from gateways.telemetry import logs

ROOT = Path(__file__).parents[2]
TO_JSON = """
import asyncio, logging, sys
for name in ("uvicorn", "uvicorn.error"):
    logging.getLogger(name).addHandler(logging.StreamHandler(sys.stdout))
from domain.tracing import causes
from gateways.telemetry import logs
logs.configure("json")
log = logging.getLogger("drawdown")
async def request(name):
    causes.name_request(name)
    await asyncio.sleep(0)
    log.warning("two\\nlines of %s", name)
async def main():
    await asyncio.gather(asyncio.create_task(request("a")), asyncio.create_task(request("b")))
asyncio.run(main())
logging.getLogger("uvicorn.error").info("started")
try:
    raise KeyError("lost")
except KeyError:
    log.exception("failed", extra={"customer": "acme", "mail": "ann@acme.example"})
"""


def line(record: logging.LogRecord) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(logs.JsonLines().format(record))
    return told


@pytest.fixture
def record() -> logging.LogRecord:
    return logging.LogRecord("drawdown", logging.INFO, "", 1, "served %s", ("billing",), None)


def test_a_process_writes_one_object_a_line_and_each_task_names_its_own_request():
    ran = subprocess.run(
        [sys.executable, "-c", TO_JSON],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    lines = [json.loads(one) for one in ran.stderr.splitlines()]
    assert [(one["message"], one.get("request")) for one in lines] == [
        ("two\nlines of a", "a"),
        ("two\nlines of b", "b"),
        ("started", None),
        ("failed", None),
    ]
    assert ran.stdout == ""  # servers' own handlers are gone: nothing is told twice
    assert lines[3]["level"] == "error"
    assert "KeyError: 'lost'" in lines[3]["exception"]
    assert lines[3]["customer"] == "acme"
    assert "ann@" not in ran.stderr  # only what is named in FACTS goes along


def test_a_line_has_no_members_without_a_value(record: logging.LogRecord):
    told = copy_context().run(line, record)
    assert set(told) == {"time", "level", "logger", "message"}
    assert told["message"] == "served billing"
    assert told["time"].endswith("+00:00")


def test_a_line_of_an_activity_names_it_and_its_workflow(record: logging.LogRecord):
    environment = ActivityEnvironment()
    told = environment.run(line, record)
    info = environment.info
    assert told["workflow"] == info.workflow_id
    assert (told["activity"], told["attempt"]) == (info.activity_type, info.attempt)
