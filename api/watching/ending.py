"""The end of a process, told before the server waits for answers that go on."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def told_of_the_end(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` when the process is asked to stop, beside what the server does then.

    The server ends what the application has started only after its last answer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are not ours
        return
    loop = asyncio.get_running_loop()
    before = {which: signal.getsignal(which) for which in ENDS}

    def hear(which: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(tell)
        server = before[signal.Signals(which)]
        if callable(server):
            server(which, frame)

    for which in ENDS:
        signal.signal(which, hear)
    try:
        yield
    finally:
        for which in ENDS:
            signal.signal(which, before[which])
