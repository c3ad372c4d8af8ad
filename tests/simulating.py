"""Simulations that tests ask for, and the processes that run them."""

from contextlib import suppress
from datetime import date
from pathlib import Path

from domain.pricing.simulation import SimulationOrder, Tried

MAKE = (Path(__file__).parents[1] / "catalogs" / "make.yaml").read_text()
MARK = "DRAWDOWN_TEST_SIMULATION"  # in the environment of every process of a test


def order(*sources: str, **how: object) -> SimulationOrder:
    facts = {"begins": date(2027, 1, 1), "months": 2, "customers": 1, "shape": "steady", "seed": 7}
    return SimulationOrder(tuple(Tried(one, "core_10k") for one in sources), **(facts | how))


def processes(mark: str) -> list[bytes]:
    """Return the environments of the processes that have the mark in theirs."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            environment = (process / "environ").read_bytes()
            if f"{MARK}={mark}".encode() in environment.split(b"\0"):
                found.append(environment)
    return found
