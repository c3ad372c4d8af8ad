"""The worker starts only on servers that are ready for it, and says what is missing."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from domain.errors import InvalidInput
from local.postgres import Database, Postgres
from local.temporal import TemporalServer
from models.base import connect
from worker import check_database, check_search_attributes

ROOT = Path(__file__).parents[1]


def run(*args: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    whole = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(  # noqa: PLW1510 - tests read the return code
        [sys.executable, *args], cwd=ROOT, env=whole, capture_output=True, text=True, timeout=90
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

    environment = {
        "DATABASE_URL": session_database.url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "TEMPORAL_NAMESPACE": "bare",
        "STRIPE_API_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "billing@drawdown.test",
        "PUBLIC_URL": "http://127.0.0.1:1",
    }
    for _ in range(2):  # repeating it is harmless
        ended = run("cli.py", "bootstrap", environment=environment)
        assert ended.returncode == 0, ended.stderr
    await check_search_attributes(client)


def test_a_worker_without_settings_names_every_missing_variable() -> None:
    ended = run("worker.py", environment={})

    assert ended.returncode == 2
    for name in ("DATABASE_URL", "TEMPORAL_ADDRESS", "STRIPE_API_KEY", "SMTP_URL", "PUBLIC_URL"):
        assert f"{name} is missing" in ended.stderr
