"""A test that leaves something open fails itself."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEAKY = """
import socket

class Cycle:
    def __init__(self):
        self.me, self.socket = self, socket.socket()

def test_leaks():
    Cycle()

def test_is_innocent():
    [[] for _ in range(100_000)]
"""


def test_the_test_that_leaks_fails_and_the_next_one_does_not(tmp_path):
    (tmp_path / "test_leaky.py").write_text(LEAKY)
    words = ["-q", "-rA", "-c", "pyproject.toml", "-p", "tests.closing", "-p", "no:randomly"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *words, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    ends = re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", ran.stdout, re.MULTILINE)

    assert ("ERROR", "test_leaks") in ends, ran.stdout
    assert [end for end, name in ends if name == "test_is_innocent"] == ["PASSED"]
