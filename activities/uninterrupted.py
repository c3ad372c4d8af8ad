"""How activities are declared: none is interrupted between two lines of it.

The SDK would raise the cancellation of an activity inside its thread, wherever that is: between the
opening of a connection and the line that closes it, it would leave it open. Those that run long ask
whether they are canceled; all others end within seconds.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from temporalio import activity

Method = TypeVar("Method", bound=Callable[..., Any])


def uninterrupted(name: str) -> Callable[[Method], Method]:
    """Declare an activity by its name on the wire."""
    return activity.defn(name=name, no_thread_cancel_exception=True)
