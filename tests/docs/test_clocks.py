"""Business time is an argument everywhere: what decides reads no clock."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
INNER = ("domain", "catalogs", "models", "ledger", "activities")
# A stopwatch (`time.monotonic`) measures work and knows no date.
CLOCKS = re.compile(r"\.(?:now|utcnow|today)\(|\btime\.time\(")
# When the database wrote something down, or when a message of ours was delivered: decides nothing.
RECORDED = re.compile(r"(?:recorded_at\s+timestamptz NOT NULL DEFAULT|delivered_at =) now\(\)")
SQL_CLOCKS = re.compile(r"\b(?:now|clock_timestamp|statement_timestamp)\(\)|\bcurrent_timestamp\b")


def found_in(text: str, clocks: re.Pattern[str]) -> list[str]:
    return [line.strip() for line in text.splitlines() if clocks.search(line)]


def test_no_rule_ledger_or_activity_reads_a_clock():
    files = [path for folder in INNER for path in (ROOT / folder).rglob("*.py")]
    found = {path.name: found_in(path.read_text(), CLOCKS) for path in files}

    assert len(files) > 50
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_databases_clock_is_only_written_down():
    files = [*(ROOT / "migrations/sql").rglob("*.sql"), *(ROOT / "ledger/sql").glob("*.sql")]
    lines = [line for path in files for line in found_in(path.read_text(), SQL_CLOCKS)]

    assert len(lines) > 5
    assert [line for line in lines if not RECORDED.search(line)] == []
