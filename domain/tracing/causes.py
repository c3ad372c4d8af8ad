"""What the work at hand is done for: the request, whose id log lines and the ledger carry.

A context variable of each task. A workflow's loop carries out what its handlers were sent, so that
they note their cause beside it (`now`), and the loop takes it on for as long (`since`).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass

Held = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Cause:
    """A request by its id; None: nobody's, such as a renewal.

    `held` is how to work as a part of what else was being followed there (a trace).
    """

    request_id: str | None = None
    held: Held | None = None


NOBODY = Cause()
_request: ContextVar[str | None] = ContextVar("request", default=None)
_holding: list[Callable[[], Held]] = []


def hold_by(hold: Callable[[], Held] | None) -> None:
    """Let causes hold what `hold` returns where they are noted; None: nothing more."""
    _holding[:] = [] if hold is None else [hold]


def name_request(request_id: str) -> None:
    """Let all further work of this task be done for a request."""
    _request.set(request_id)


def request_id() -> str | None:
    """Return the id of the request that the work at hand is done for."""
    return _request.get()


def now() -> Cause:
    """Return the cause of the work at hand."""
    return Cause(_request.get(), _holding[0]() if _holding else None)


@contextmanager
def since(cause: Cause) -> Iterator[None]:
    """Work for a cause."""
    before = _request.set(cause.request_id)
    try:
        with cause.held() if cause.held else nullcontext():
            yield
    finally:
        with suppress(ValueError):  # a workflow that is put away may end in another context
            _request.reset(before)
