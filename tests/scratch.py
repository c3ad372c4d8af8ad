"""Where the servers of tests keep what nobody needs afterwards: in memory, where there is plenty.

Each test that has a database of its own clones some three hundred files and drops them. A disk's
file system looks at every file that was just dropped for each one it makes: most of a clone's CPU.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folders in it are made by mkdtemp
PLENTY = 8 * 2**30  # bytes: several times what all processes of a run keep
PREFIX = "drawdown-tests-"


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder that is gone afterwards, with those of runs that were killed."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= PLENTY
    made = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}", dir=MEMORY if in_memory else None))
    held = _held(made)
    # Only now under a name that others look for: nobody finds it unheld.
    folder = made.rename(made.with_name(made.name.removeprefix("new-")))
    try:
        _sweep(folder.parent)
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(held)


def _held(folder: Path) -> int:
    """Lock a folder for as long as its process lives; BlockingIOError: another's does."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise
    return opened


def _sweep(parent: Path) -> None:
    """Give back the memory of runs that could not."""
    if parent != MEMORY:
        return
    for left in parent.glob(f"{PREFIX}*"):
        try:
            held = _held(left)
        except OSError:  # somebody's who lives, or gone meanwhile
            continue
        shutil.rmtree(left, ignore_errors=True)
        os.close(held)
