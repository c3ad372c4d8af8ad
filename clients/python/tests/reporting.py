"""A program that reports events `first` to `last` of a file and says which are stored."""

import sys
from datetime import UTC, datetime

from drawdown_client import Drawdown, Event, Reporter

TOGETHER = 50
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)  # part of the content: the same whoever reports it


def main(url: str, key: str, path: str, customer: str, first: int, last: int) -> None:
    """Report them, a line on standard output for each commit; end once everything is sent."""
    with Drawdown(url, key) as dd, Reporter(dd, path) as reporter:
        for start in range(first, last, TOGETHER):
            end = min(start + TOGETHER, last)
            numbers = range(start, end)
            reporter.report(*(Event(customer, f"e-{n}", "operation", 1, AT) for n in numbers))
            print(end, flush=True)  # noqa: T201 - it is how the test is told
        while reporter.lag().waiting:
            reporter.flush(1.0)


if __name__ == "__main__":
    main(*sys.argv[1:5], *map(int, sys.argv[5:]))
