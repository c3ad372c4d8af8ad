"""Commands of cli.py, run in the test's own process beside the fleet."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

import cli
from local.postgres import Database
from local.temporal import TemporalServer
from tests.deployment import LINK_SECRET
from tests.fleet import RunningFleet


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


Run = Callable[..., Awaitable[Answer]]


@pytest.fixture
def run(
    fleet: RunningFleet,
    session_database: Database,
    temporal_server: TemporalServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """A function that runs a command as an operator's shell would."""
    variables = {
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
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    async def command(*words: str) -> Answer:
        code = await asyncio.to_thread(cli.main, words)
        return Answer(code, *capsys.readouterr())

    return command


async def a_team(run: Run, customer: str) -> None:
    """Subscribe a customer of Salestools; the command waits until its first period is paid."""
    begun = await run(
        "subscribe", customer, "--email", "ops@team.test", "--catalog", "salestools",
        "--plan", "starter", "--card", "pm_card_visa",
    )  # fmt: skip
    assert begun.code == 0, begun.err


async def send(run: Run, customer: str, name: str, message: dict[str, object]) -> Answer:
    """Send an update by its name."""
    return await run("send", customer, name, json.dumps(message))
