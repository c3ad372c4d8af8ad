"""Real usage: the requests of a code-completion service (ATTRIBUTION.md)."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TRACE = Path(__file__).with_name("azure_llm_code_trace.csv.gz")
TOKENS_PER_CREDIT = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was traced and how many tokens it took."""

    number: int
    traced_at: str
    tokens: int


def requests(path: Path = TRACE) -> tuple[Request, ...]:
    """Read a trace of TIMESTAMP, ContextTokens, GeneratedTokens, plain or gzipped."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as lines:
        return tuple(
            Request(
                number, row["TIMESTAMP"], int(row["ContextTokens"]) + int(row["GeneratedTokens"])
            )
            for number, row in enumerate(csv.DictReader(lines), 1)
        )


def credits_micro(usage: tuple[Request, ...]) -> int:
    """Return what usage costs, in micro-credits."""
    return sum(request.tokens for request in usage) * 1_000_000 // TOKENS_PER_CREDIT


def batches(usage: tuple[Request, ...], size: int) -> Iterator[tuple[Request, ...]]:
    """Return usage in batches of a size."""
    for start in range(0, len(usage), size):
        yield usage[start : start + size]
