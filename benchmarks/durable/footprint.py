"""CPU time and memory of processes with all their children, as Linux counts them."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(*pids: int) -> float:
    """Return the CPU time of processes, of their children and of those that have ended."""
    ticks = sum(sum(map(int, fields[11:15])) for fields in _family(set(pids)))
    return ticks / TICKS


def resident_bytes(*pids: int) -> int:
    """Return the memory that processes and their children hold, shared pages counted in each."""
    return sum(int(fields[21]) * PAGE for fields in _family(set(pids)))


def _family(pids: set[int]) -> Iterator[list[str]]:
    """Yield the fields of /proc/PID/stat after the name, of processes and all their children."""
    found = dict(_processes())
    for pid, fields in found.items():
        ancestor = pid
        while ancestor in found and ancestor not in pids:
            ancestor = int(found[ancestor][1])
        if ancestor in pids:
            yield fields


def _processes() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                text = (folder / "stat").read_text()
            except OSError:  # it has just ended
                continue
            yield int(folder.name), text.rsplit(")", 1)[-1].split()
