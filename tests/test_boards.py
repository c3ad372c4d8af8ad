"""Dashboards and alert rules ask for what processes export, and Prometheus reads them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import temporalio.bridge
import yaml

from local.patience import until
from local.processes import free_port, stop
from tests.api.arrangements import api, environment, own_namespace
from tests.test_traces import serving

ROOT = Path(__file__).parents[1]
BOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
RULES = ROOT / "deploy/alerts.yml"
NAME = re.compile(r"\b(?:drawdown|temporal)_[a-z_]+\b|\bup\b")
SUFFIX = re.compile(r"_(?:bucket|count|sum)$")
RARE = {"drawdown_refused_messages"}  # a workflow counts them, when there are any


def queries() -> Iterator[tuple[str, str]]:
    """Yield where a query stands, and the query."""
    for board in BOARDS:
        for panel in json.loads(board.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{board.stem}: {panel['title']}", target["expr"]
    for rule in rules():
        yield f"alert {rule['alert']}", rule["expr"]


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def of_the_sdk() -> bytes:
    """Return the SDK's library: counters of what fails are exported once something has."""
    folder = Path(temporalio.bridge.__file__).parent
    return next(folder.glob("temporal_sdk_bridge*.so")).read_bytes()


@pytest.mark.long
async def test_every_query_asks_for_what_is_exported(
    session_database, temporal_server, standin, catalogs, servers_folder, api_key
):
    client = await own_namespace(temporal_server.address)
    ports = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    variables = environment(
        session_database.url,
        client,
        standin,
        DRAWDOWN_CATALOGS=str(catalogs),
        PUBLIC_URL="http://127.0.0.1:1",
    )
    worker = serving(
        variables | {"METRICS_ADDRESS": ports[0]}, servers_folder / "measured-worker.log"
    )
    try:
        with api(variables | {"METRICS_ADDRESS": ports[1]}, servers_folder) as url:
            async with httpx.AsyncClient(timeout=None) as http:
                headers = {"Authorization": f"Bearer {api_key}"}
                await http.get(f"{url}/v1/customers/nobody/balance", headers=headers)

                async def told() -> str:
                    answers = [await http.get(f"http://{port}/metrics") for port in ports]
                    return "\n".join(answer.text for answer in answers)

                text = await until(told, complete, "the first figures")
    finally:
        stop(worker, grace=40)

    exported = set(re.findall(r"^([a-z_]+)", text, re.MULTILINE)) | RARE | {"up"}
    library = of_the_sdk()
    for where, query in queries():
        for name in NAME.findall(query):
            stem = SUFFIX.sub("", name).removeprefix("temporal_").encode()
            known = name in exported or (name.startswith("temporal_") and stem in library)
            assert known, f"{where}: {name}"


def complete(text: str) -> bool:
    """Return whether both processes have told what they tell every few seconds."""
    return "drawdown_commit_queue" in text and "temporal_num_pollers" in text


def test_each_part_has_its_board_and_each_panel_says_what_to_see():
    assert [board.stem for board in BOARDS] == ["api", "ledger", "worker"]
    for board in BOARDS:
        parsed = json.loads(board.read_text())
        assert parsed["uid"] == f"drawdown-{board.stem}"
        assert len({panel["id"] for panel in parsed["panels"]}) == len(parsed["panels"])
        for panel in parsed["panels"]:
            assert panel["description"]
            assert panel["targets"]
            assert panel["datasource"]["uid"] == "prometheus"


def test_each_alert_says_what_to_do_and_is_in_the_manual():
    manual = (ROOT / "docs/operations.md").read_text()
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert f"`{rule['alert']}`" in manual, rule["alert"]


def test_prometheus_and_grafana_are_given_the_files():
    scraping = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    assert scraping["rule_files"] == ["alerts.yml"]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert services["grafana"]["profiles"] == ["grafana"]
    assert "./deploy/alerts.yml:/etc/prometheus/alerts.yml:ro" in services["prometheus"]["volumes"]
    mounted = services["grafana"]["volumes"]
    assert "./deploy/grafana/dashboards:/var/lib/grafana/dashboards:ro" in mounted
