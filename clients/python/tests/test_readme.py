"""The examples of the README, run against the real API in the order in which they stand."""

import re
from decimal import Decimal
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_example_runs(api_url, api_key, acme, live, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRAWDOWN_URL", api_url)
    monkeypatch.setenv("DRAWDOWN_API_KEY", api_key)
    names = {}

    for example in EXAMPLE.findall(README.read_text()):
        text = example.replace('"acme"', f'"{acme}"')
        exec(compile(text, README.name, "exec"), names)  # noqa: S102 - it is what readers do

    names["dd"].close()
    assert names["captured"].taken == {"credits": Decimal(70)}
    assert "insufficient_credits" in capsys.readouterr().out
    # 2.5, then 70, 1 and 0.5, then 5, then 1 and 2.
    assert live.check(acme, "operation", Decimal(9918)).allowed
    assert not live.check(acme, "operation", Decimal("9918.000001")).allowed
