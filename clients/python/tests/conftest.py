"""A door that answers as a test wrote it down."""

from collections.abc import Iterator

import pytest
from drawdown_client import Drawdown

from clients.python.tests.door import Door, opened

KEY = "dd_abcdefghijkl_" + "s" * 43


@pytest.fixture
def door() -> Iterator[Door]:
    with opened() as door:
        yield door


@pytest.fixture
def dd(door: Door) -> Iterator[Drawdown]:
    with Drawdown(door.url, KEY) as dd:
        yield dd
