"""The worker starts only on servers ready for it, and says what is missing."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

import activities
from domain.errors import InvalidInput
from local.postgres import Database, Postgres
from local.temporal import TemporalServer
from models.base import connect
from settings import Settings
from tests.deployment import LINK_SECRET, environment
from worker import Fleet, check_database, check_search_attributes
from workflows import names

ROOT = Path(__file__).parents[1]


def run(*args: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    whole = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(  # noqa: PLW1510 - tests read the return code
        [sys.executable, *args], cwd=ROOT, env=whole, capture_output=True, text=True
    )


def test_a_worker_refuses_a_database_that_is_not_migrated(postgres: Postgres) -> None:
    postgres.create_database("empty")
    engine = connect(postgres.database("empty").url)

    with pytest.raises(InvalidInput) as refused:
        check_database(engine)

    assert refused.value.reason == "database_not_migrated"
    assert "cli.py migrate" in str(refused.value)
    engine.dispose()
    postgres.drop_database("empty")


async def test_bootstrap_cures_a_namespace_without_our_search_attributes(
    temporal_server: TemporalServer, session_database: Database
) -> None:
    shared = await Client.connect(temporal_server.address)
    kept = Duration()
    kept.FromTimedelta(timedelta(days=1))
    await shared.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace="bare", workflow_execution_retention_period=kept)
    )
    client = await Client.connect(temporal_server.address, namespace="bare")
    with pytest.raises(InvalidInput) as refused:
        await check_search_attributes(client)
    assert refused.value.reason == "search_attributes_missing"
    assert "cli.py bootstrap" in str(refused.value)

    bare = environment(
        session_database.url, TEMPORAL_ADDRESS=temporal_server.address, TEMPORAL_NAMESPACE="bare"
    )
    for _ in range(2):  # repeating it is harmless
        ended = run("cli.py", "bootstrap", "--endpoint", "bare", environment=bare)
        assert ended.returncode == 0, ended.stderr
    await check_search_attributes(client)


def test_a_worker_without_settings_names_every_missing_variable() -> None:
    ended = run("worker.py", environment={})

    assert ended.returncode == 2
    for name in ("DATABASE_URL", "TEMPORAL_ADDRESS", "STRIPE_API_KEY", "SMTP_URL", "PUBLIC_URL"):
        assert f"{name} is missing" in ended.stderr


def defined(package: str, marker: str) -> set[str]:
    """Return the names of what the modules of a package declare to Temporal."""
    found = set()
    folder = importlib.import_module(package)
    for module in pkgutil.walk_packages(folder.__path__, f"{package}."):
        for _, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            marked = [vars(each).get(marker) for each in (one, *methods(one))]
            found |= {definition.name for definition in marked if definition}
    return found


def test_no_activity_is_interrupted_between_two_lines() -> None:
    for module in pkgutil.walk_packages(activities.__path__, "activities."):
        for _, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            for each in methods(one):
                declared = vars(each).get("__temporal_activity_definition")
                assert declared is None or declared.no_thread_cancel_exception, declared.name


def methods(one: type) -> list[Any]:
    return [each for each in vars(one).values() if inspect.isfunction(each)]


async def test_the_fleet_serves_every_workflow_and_activity_there_is(
    session_database: Database, temporal_server: TemporalServer
) -> None:
    settings = Settings.from_environment(
        {
            "DATABASE_URL": session_database.url,
            "TEMPORAL_ADDRESS": temporal_server.address,
            "STRIPE_API_KEY": "sk_test_none",
            "STRIPE_WEBHOOK_SECRET": "whsec_test",
            "LINK_SECRETS": LINK_SECRET,
            "SMTP_URL": "smtp://127.0.0.1:1",
            "MAIL_FROM": "billing@drawdown.test",
            "PUBLIC_URL": "http://127.0.0.1:1",
        }
    )
    fleet = Fleet(
        settings, connect(session_database.url), await Client.connect(temporal_server.address)
    )
    served = [fleet.served(queue) for queue in names.QUEUES]
    fleet.engine.dispose()

    activities = [
        vars(one.__func__)["__temporal_activity_definition"].name
        for _, some in served
        for one in some
    ]
    workflows = {one.__name__ for some, _ in served for one in some}
    assert sorted(activities) == sorted(defined("activities", "__temporal_activity_definition"))
    assert workflows == defined("workflows", "__temporal_workflow_definition")
