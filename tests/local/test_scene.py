"""What fails on the local stack leaves its logs and says where they are."""

import shutil
from pathlib import Path

import pytest

from local.demo.scene import _home


def failing() -> Path:
    """Fail in a folder; return it."""
    with _home() as home:
        (home / "worker.log").write_text("the reason\n")
        raise RuntimeError(home)


def test_what_fails_leaves_its_logs_and_says_where():
    with pytest.raises(RuntimeError) as failed:
        failing()
    (home,) = failed.value.args
    assert (home / "worker.log").read_text() == "the reason\n"
    assert str(home) in failed.value.__notes__[0]
    shutil.rmtree(home)


def test_what_succeeds_leaves_nothing():
    with _home() as home:
        (home / "worker.log").write_text("all is well\n")
    assert not home.exists()
