"""How activities are declared: none is interrupted between two statements.

The SDK would raise a cancellation inside the activity's thread at any point. Raised between opening
a connection and the statement that closes it, it would leak the connection. Long-running activities
check for cancellation themselves; all others end within seconds.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from temporalio import activity

Method = TypeVar("Method", bound=Callable[..., Any])


def uninterrupted(name: str) -> Callable[[Method], Method]:
    """Declare an activity under its name on the wire."""
    return activity.defn(name=name, no_thread_cancel_exception=True)
