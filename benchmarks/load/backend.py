"""What a way to use the ledger costs the database: CPU time of its backend.

A rate depends on what else the machine does, the CPU time of a backend far less. Needs Linux: it
reads /proc.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.load.accounts import CREDIT
from domain.usage import PricedEvent, Terms, UsageEvent
from ledger.usage.debits import Demand, statement

CHUNK = 40  # events of a way before it is the next one's turn
WARM_UP = 5  # rounds that only fill caches

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do something by a backend of its own, `each` events a call."""

    name: str
    pid: int
    call: Callable[[], None]
    each: int = 1

    def microseconds(self, events: int) -> float:
        """Do so many events; return the backend's CPU time for one of them."""
        before = cpu_of(self.pid)
        calls = max(1, events // self.each)
        for _ in range(calls):
            self.call()
        return (cpu_of(self.pid) - before) / (calls * self.each) / 1_000


def way(
    name: str, connection: Connection, call: Callable[[Connection], None], each: int = 1
) -> Way:
    """Return what a call does on a connection of its own."""
    return Way(name, connection.info.backend_pid, lambda: call(connection), each)


def cpu_of(pid: int) -> int:
    """Return the nanoseconds that a backend has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def measure(compared: Sequence[Way], rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of each way, round by round, in small chunks and in turn."""
    taken: dict[str, list[float]] = {way.name: [] for way in compared}
    for number in range(-WARM_UP, rounds):
        start = number % len(compared)
        for way in (*compared[start:], *compared[:start]):
            cost = way.microseconds(CHUNK)
            if number >= 0:
                taken[way.name].append(cost)
    return taken


def debiting(
    accounts: Sequence[int],
    each: int = 1,
    terms: Terms | None = None,
    at: datetime | None = None,
) -> Callable[[Connection], None]:
    """Return a call that debits `each` events of random accounts, decided at `at` (None: now)."""

    def call(connection: Connection) -> None:
        now = at or datetime.now(UTC)
        event = UsageEvent("", "operation", CREDIT, now)
        priced = PricedEvent(event, "credits", CREDIT, terms)
        demands = [
            Demand(
                random.choice(accounts),
                replace(priced, event=replace(event, key=str(uuid.uuid4()))),
            )
            for _ in range(each)
        ]
        connection.execute(*statement(demands, now))

    return call
