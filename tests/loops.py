"""The loop that tests and their workers run on: uvicorn's, where there is one."""

import asyncio
from collections.abc import Callable
from importlib.util import find_spec


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the one loop of the session; Python's own takes more CPU for the same."""
    if find_spec("uvloop") is None:
        return {"asyncio": asyncio.new_event_loop}
    import uvloop  # noqa: PLC0415 - not on every platform

    return {"uvloop": uvloop.new_event_loop}
