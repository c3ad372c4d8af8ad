"""Every test closes what it opens: what it left open fails it, and none that comes after it.

Python tells of a connection or a file that nobody closed when it frees it, and what is part of a
cycle is freed at some time, in the midst of any test. So it is freed at the end of each one.
`PYTHONTRACEMALLOC=20` says where it was opened.
"""

import gc
from collections.abc import Iterator
from itertools import count

import pytest

# What imports and a collection make stays: whoever looks through it for garbage, as often as it
# grows, finds none. It was a fifth of the CPU that a collection takes.
gc.disable()

# Between two looks through everything; what lives longer than a test may become a cycle later.
TESTS_BETWEEN = 1_000
_ended = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage again once tests begin, and in the process that only hands them out."""
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Set apart what imports have made: no end of a test looks through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def everything_closed() -> Iterator[None]:
    """Free what the test has left; the warnings of that are errors of this test.

    What outlives it is set apart, else each test would look through all that those before it made:
    in a process of thousands of tests that came to most of its time.
    """
    yield
    if next(_ended) % TESTS_BETWEEN == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
