"""The only timer of a subscription, restarted only when the due moment changes.

A timer per wait would add two history events for every message; this one adds them only for every
change of the due moment.
"""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import workflow

from workflows.options import short


class Due(NamedTuple):
    """What the subscription does on its own at a moment; operators read the description."""

    at: datetime
    what: str


class Timer:
    """Fires once at the moment it was set to."""

    def __init__(self) -> None:
        self._due: Due | None = None
        self._timer: asyncio.Task[None] | None = None

    def set(self, due: Due | None) -> None:
        """Set the timer; None turns it off."""
        if due == self._due and self._timer is not None:
            return
        self.cancel()
        self._due = due
        if due is not None:
            wait = max(due.at - workflow.now(), timedelta(0))
            sleep = workflow.sleep(wait, summary=short(f"{due.at:%Y-%m-%d %H:%M}Z: {due.what}"))
            self._timer = asyncio.create_task(sleep)

    def rang(self) -> bool:
        """Return whether the moment has come."""
        if self._timer is not None and self._timer.done():
            self._timer = None
            return True
        return False

    def cancel(self) -> None:
        """Turn the timer off."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
