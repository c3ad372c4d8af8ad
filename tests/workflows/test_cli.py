"""Operators' commands, run as people run them, against a live fleet."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.payments.findings import Finding, FindingKind
from ledger.payments import findings
from local.postgres import Database
from local.temporal import TemporalServer
from tests.deployment import LINK_SECRET
from tests.fleet import BEGINS, RunningFleet

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(
    fleet: RunningFleet, session_database: Database, temporal_server: TemporalServer
) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": session_database.url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "STRIPE_API_KEY": fleet.standin.api_key,
        "STRIPE_API_BASE": fleet.standin.base_url,
        "STRIPE_WEBHOOK_SECRET": "whsec_test",
        "LINK_SECRETS": LINK_SECRET,
        "SMTP_URL": fleet.mail_catcher.smtp_url,
        "MAIL_FROM": "billing@drawdown.test",
        "PUBLIC_URL": "http://127.0.0.1:1",
    }


async def cli(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command beside the fleet, which lives in this process."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "cli.py", *args],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


async def test_an_operator_can_subscribe_use_buy_and_read_the_history(
    environment: dict[str, str],
) -> None:
    begun = await cli(
        environment, "subscribe", "cli-acme", "--email", "ops@acme.test",
        "--plan", "core_10k", "--card", "pm_card_visa",
    )  # fmt: skip
    assert begun.returncode == 0, begun.stderr
    used = await cli(environment, "use", "cli-acme", "operation", "25", "--key", "job-1")
    bought = await cli(environment, "buy", "cli-acme", "3000", "--key", "more-1")
    history = await cli(environment, "history", "cli-acme")
    status = json.loads((await cli(environment, "status", "cli-acme")).stdout)

    assert json.loads(used.stdout)["available"] == "9975"
    assert json.loads(bought.stdout)["amount_minor"] == 270
    for cause in ("operation x 25 [job-1]", "cli-acme:manual:more-1", "cli-acme:period:"):
        assert cause in history.stdout
    assert status["ledger: credits"] == "12975"


async def test_a_wrong_command_says_its_reason_and_changes_nothing(
    environment: dict[str, str],
) -> None:
    plan = await cli(
        environment, "subscribe", "cli-nobody", "--email", "x@x.test", "--plan", "core_1"
    )
    customer = await cli(environment, "history", "cli-nobody")
    subscription = await cli(environment, "use", "cli-nobody", "operation", "1", "--key", "k")

    assert plan.returncode == customer.returncode == subscription.returncode == 2
    assert plan.stderr.startswith("unknown_plan:")
    assert customer.stderr.startswith("unknown_customer:")
    assert subscription.stderr.startswith("unknown_subscription:")


async def test_an_operator_lists_findings_and_settles_one(
    environment: dict[str, str], fleet: RunningFleet
) -> None:
    kind = FindingKind.PROCESSOR_REFUSED
    found = Finding(
        key="cli:1",
        kind=kind,
        customer_id="cli-found",
        subscription_id=None,
        charge_id=None,
        processor_id="cus_1",
        detail="a balance of [-200.00]",
        at=BEGINS,
    )
    with fleet.engine.begin() as connection:
        findings.record(connection, found)

    listed = await cli(environment, "findings", "--customer", "cli-found")
    nobody = await cli(environment, "findings", "settle", "cli:1", "--by", "ann")
    settled = await cli(
        environment, "findings", "settle", "cli:1", "--by", "ann", "--reason", "cleared"
    )
    left = await cli(environment, "findings", "--customer", "cli-found", "--json")

    assert "processor_refused" in listed.stdout
    assert (nobody.returncode, settled.returncode) == (2, 0), settled.stderr
    assert nobody.stderr.startswith("reason_missing:")
    assert json.loads(left.stdout) == []
