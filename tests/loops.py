"""The loop that tests and their workers run on: the worker's."""

import asyncio
from collections.abc import Callable

from worker import quickest_loop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the one loop of the session."""
    return {"quickest": quickest_loop() or asyncio.new_event_loop}
