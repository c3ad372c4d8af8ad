"""The examples of the README, run in the order in which they stand."""

import re
from decimal import Decimal
from pathlib import Path

from clients.python.tests.conftest import KEY
from clients.python.tests.door import ok, problem
from clients.python.tests.test_client import outcome
from clients.python.tests.test_hold import CAPTURED, STATE

README = Path(__file__).parents[1] / "README.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


BALANCE = {
    "customer_id": "acme",
    "seq": 7,
    "at": "2026-07-01T12:00:00Z",
    "credit_types": {"credits": {"available": "9930", "held": "0", "owed": "0"}},
}
CHECKED = {
    "allowed": False,
    "reason": "insufficient_credits",
    "cure": "buy credits",
    "missing": "9990008.5",
    "available": "9991.5",
    "charged": {},
}
ANSWERS = {
    "/v1/check": ok(CHECKED),
    "/v1/holds": ok(STATE),
    "/v1/holds/job-1/capture": ok(CAPTURED),
    "/v1/customers/acme/balance": ok(BALANCE),
}


def answer(asked):
    if asked.path != "/v1/usage":
        return ANSWERS[asked.path]
    if "events" in asked.body:
        return ok({"outcomes": [outcome(event["key"]) for event in asked.body["events"]]})
    if asked.body["key"] == "call-1":
        return ok(outcome("call-1"))
    return problem(402, "insufficient_credits", missing="9990008.5")


def test_every_example_runs(door, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    door.otherwise = answer
    monkeypatch.setenv("DRAWDOWN_URL", door.url)
    monkeypatch.setenv("DRAWDOWN_API_KEY", KEY)
    names = {}

    for example in EXAMPLE.findall(README.read_text()):
        exec(compile(example, README.name, "exec"), names)  # noqa: S102 - it is what readers do

    names["dd"].close()
    assert names["captured"].taken == {"credits": Decimal(70)}
    assert "insufficient_credits" in capsys.readouterr().out
