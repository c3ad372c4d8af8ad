"""One request is one trace, through the workflow to the processor; spans tell ids and no more."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from local.patience import until
from local.processes import spawn, stop, wait_until
from models.base import connect
from tests.api.arrangements import api, environment, own_namespace
from tests.collector import Collector, collecting
from tests.fleet import Customer, RunningFleet

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
OFF = """
import sys
import worker
from api.main import create_app
from gateways.telemetry import tracing
assert tracing.tracer() is None
with tracing.span("x") as span:
    span.tell("a", 1)
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exp"))])
"""


LOGGED = """
import logging, os
from gateways.telemetry import logs, tracing
tracing.start("http://127.0.0.1:1", "test")
logs.configure("json")
with tracing.span("x", "server", sent={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}):
    logging.getLogger("drawdown").warning("within")
logging.getLogger("drawdown").warning("without")
os._exit(0)
"""


async def test_a_purchase_through_the_door_is_one_trace(
    session_database, temporal_server, standin, mail_catcher, catalogs, servers_folder, api_key
):
    client = await own_namespace(temporal_server.address)
    engine = connect(session_database.url)
    with collecting() as collector:
        variables = environment(
            session_database.url,
            client,
            standin,
            DRAWDOWN_CATALOGS=str(catalogs),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            PUBLIC_URL="http://127.0.0.1:1",
            LOG_FORMAT="json",
        )
        worker = serving(variables, servers_folder / "traced-worker.log")
        try:
            fleet = RunningFleet(client, engine, standin, mail_catcher)
            customer = await fleet.subscribe("core_10k", auto=True)
            with api(variables, servers_folder) as url:
                await used_beyond_what_there_is(url, api_key, customer)
            await until(
                lambda: _spans(collector),
                lambda names: any("/pay" in name for name in names),
                "the call that pays",
            )
        finally:
            stop(worker, grace=40)
    engine.dispose()

    request = collector.named("POST /usage")[-1]
    mine = collector.of(request)
    names = [one["name"] for one in mine]
    for wanted in (
        "POST /usage",
        "debit",
        "SignalWorkflow:balance_crossed",
        "signal balance_crossed",
        "StartActivity:reserve",
        "RunActivity:reserve",
        "POST /v1/invoices/{id}/pay",
    ):
        assert any(name.startswith(wanted) for name in names), (wanted, names)
    known = {one["spanId"] for one in mine}
    assert [one["name"] for one in mine if one.get("parentSpanId", "") not in known] == [
        "POST /usage"
    ]
    told = collector.raw
    for secret in (api_key, standin.api_key, "Ada Example", f"{customer.name}@example.com"):
        assert secret not in told
    assert "exception" not in told
    assert not collector.named("GET /health")


def serving(variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a worker and wait until it serves."""
    env = variables | {"PATH": os.environ["PATH"]}
    worker = spawn([sys.executable, str(ROOT / "worker.py")], log=log, env=env)
    served = partial(_says, log, "serving")
    wait_until(served, 60, "the worker", process=worker, log=log)
    return worker


def _says(log: Path, word: str) -> bool:
    return word in log.read_text(encoding="utf-8")


async def used_beyond_what_there_is(url: str, api_key: str, customer: Customer) -> None:
    """Use all credits but three, and then five."""
    headers = {"Authorization": f"Bearer {api_key}", "Prefer": "wait=30"}
    async with httpx.AsyncClient(base_url=f"{url}/v1", headers=headers, timeout=None) as door:
        for quantity in ("9997", "5"):
            event = await customer.event(quantity) | {"customer_id": customer.name}
            answer = await door.post("/usage", json=event)
            assert answer.status_code == 200, answer.text
        await door.get(f"{url}/health")  # of FastAPI, whose own spans nobody asked for


async def _spans(collector: Collector) -> list[str]:
    return [one["name"] for one in collector.spans]


def ran(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )


def test_nothing_is_loaded_where_nobody_collects():
    assert ran(OFF).stdout.strip() == "[]"


def test_a_line_of_the_log_names_its_trace():
    lines = [json.loads(line) for line in ran(LOGGED).stderr.splitlines()]
    told = {line["message"]: line.get("trace") for line in lines}
    assert (told["within"], told["without"]) == ("a" * 32, None)
