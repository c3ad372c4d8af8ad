"""Measure how long the simulator takes for two years of usage on terms: once-per-object unlocks.

The command as people run it, the start of its servers included.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.load.machine import ratio

ROOT = Path(__file__).parents[1]
AIM = 20.0  # seconds
UNLOCKS = "700"  # a month, each of another prospect
COMMAND = ("simulate", "zaplify", "--plan", "team_1000", "--volume", UNLOCKS, "--months", "24")


def simulate(folder: Path) -> float:
    """Run the command; return the seconds that it took."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, ROOT / "cli.py", *COMMAND, "--out", folder / "simulation"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the simulator ended with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - begun


def measure(rounds: int) -> int:
    """Print each round and the median; return 1 when the aim is missed."""
    print(f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.2f}), {platform.python_version()}")
    taken = []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(rounds):
            taken.append(simulate(Path(name)))
            print(f"24 months, {UNLOCKS} unlocks a month: {taken[-1]:.1f} s", flush=True)
    median = statistics.median(taken)
    print(ratio("simulate_terms_seconds", median))
    return 1 if median > AIM else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    sys.exit(measure(parser.parse_args().rounds))
