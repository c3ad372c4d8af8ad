"""The deployable shape: what `docker compose` will not tell until it is too late."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.fleet import API, SERVED
from local.temporal import TemporalServer, search_attributes
from settings import NAMES, Settings

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
JOBS = {"temporal-schema", "temporal-bootstrap", "migrate"}
OURS = {"api", "worker-billing", "worker-stripe", "worker-mail"}
WORKER_GRACE = 30  # seconds that a worker gives what it runs
SECRETS = re.compile(r"PASSWORD|SECRET|_PWD$|_KEY$|DATABASE_URL")
VARIABLE = re.compile(r"\$\{(\w+)(:[?-])?")


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    return SERVICES[request.param] | {"name": request.param}


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(text) for name, text in service.get("environment", {}).items()}


def test_every_image_is_pinned_to_a_version(service):
    tag = service["image"].partition(":")[2]
    assert re.search(r"\d+\.\d+", tag), service["image"]


def test_the_image_of_our_own_is_pinned_too():
    source = (ROOT / "deploy/Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)$", source, re.MULTILINE)
    for image in re.findall(r"^FROM (\S+)$", source, re.MULTILINE):
        assert re.search(r":\d+\.\d+\.\d+-", image)


def test_every_server_has_a_health_check_and_every_job_ends(service):
    if service["name"] in JOBS:
        assert service["restart"].startswith("on-failure")
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"]


def test_whoever_waits_waits_for_health_or_for_success(service):
    for name, wish in service.get("depends_on", {}).items():
        done = "service_completed_successfully" if name in JOBS else "service_healthy"
        assert wish["condition"] == done


@pytest.mark.parametrize("name", sorted(OURS))
def test_ours_start_after_migration_and_bootstrap(name):
    assert {"migrate", "temporal-bootstrap"} <= set(SERVICES[name]["depends_on"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_ours_have_longer_to_stop_than_the_workers_grace(name):
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > WORKER_GRACE


def test_the_api_is_served_as_everywhere_else():
    assert SERVICES["api"]["command"][-len(SERVED) - 1 :] == [*SERVED, API]


def test_no_secret_has_a_default(service):
    for name, text in environment(service).items():
        if SECRETS.search(name) and text != f"${{{name}:-}}":  # one that may be left out
            assert {sign for _, sign in VARIABLE.findall(text)} == {":?"}, name


def test_the_example_names_every_required_variable_and_gives_none_a_value():
    required = {name for name, sign in VARIABLE.findall(FILE.read_text()) if sign == ":?"}
    lines = (ROOT / "deploy/example.env").read_text().splitlines()
    named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert named == dict.fromkeys(required, "")


@pytest.mark.parametrize("name", sorted(OURS))
def test_ours_get_variables_that_settings_know_and_all_they_need(name):
    given = environment(SERVICES[name])
    assert set(given) <= set(NAMES)
    filled = {"LEDGER_APP_PASSWORD": "word", "STRIPE_API_KEY": "sk_live_x"}
    filled |= {"STRIPE_WEBHOOK_SECRET": "whsec_x", "MAIL_FROM": "a@b.example"}
    filled |= {"LINK_SECRETS": "x" * 32}
    filled |= {"PUBLIC_URL": "https://billing.example", "SMTP_URL": "smtp://mailpit:1025"}
    filled |= {"STRIPE_API_BASE": "https://api.stripe.com", "STRIPE_CALLS_PER_SECOND": "20"}
    filled |= {"LINK_DAYS": "90"}
    filled |= {"RENEWAL_SPREAD_SECONDS": "0", "WEBHOOK_PRIVATE_ADDRESSES": "off"}
    filled |= {"EMBED_ORIGINS": "https://app.example", "TEMPORAL_UI_URL": "https://ui.example"}
    filled |= {"INVITATIONS": "zaplify/referral=https://app.example"}
    filled |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example"}
    filled |= {"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "drawdown"}
    filled |= {"OIDC_CLIENT_SECRET": "x", "OIDC_SCOPES": "openid", "OIDC_ROLE_CLAIM": "groups"}
    filled |= {"OIDC_ROLES": "admin=root", "OIDC_BREAK_GLASS": "off"}
    resolved = {
        variable: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: filled[found[1]], text)
        for variable, text in given.items()
    }
    assert Settings.from_environment(resolved).temporal_address == "temporal:7233"


def test_no_port_is_open_to_the_network(service):
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_every_file_that_is_mounted_exists(service):
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists()


def test_the_search_attributes_are_those_of_the_workflows():
    listed = environment(SERVICES["temporal-bootstrap"])["SEARCH_ATTRIBUTES"].split()
    assert dict(pair.split("=") for pair in listed) == search_attributes()


def test_prometheus_scrapes_each_process_where_it_listens():
    scraped = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"]
    targets = {
        target for job in scraped for group in job["static_configs"] for target in group["targets"]
    }
    for name in OURS:
        port = environment(SERVICES[name])["METRICS_ADDRESS"].rpartition(":")[2]
        assert f"{name}:{port}" in targets


def test_bootstrap_makes_a_namespace_ready_and_may_run_twice(temporal_server: TemporalServer):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = environment(SERVICES["temporal-bootstrap"]) | {"PATH": path}
    variables["TEMPORAL_ADDRESS"] = temporal_server.address
    for _ in range(2):
        result = subprocess.run(
            ["sh", ROOT / "deploy/temporal/bootstrap.sh"],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.endswith("namespace drawdown is ready\n")


def test_compose_itself_accepts_the_file():
    docker = shutil.which("docker")
    version = [docker or "docker", "compose", "version"]
    if docker is None or subprocess.run(version, capture_output=True, check=False).returncode:
        pytest.skip("the compose plugin of docker is not installed here")
    required = {name for name, sign in VARIABLE.findall(FILE.read_text()) if sign == ":?"}
    result = subprocess.run(
        [docker, "compose", "--file", FILE, "config", "--quiet"],
        env=os.environ | dict.fromkeys(required, "word"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
