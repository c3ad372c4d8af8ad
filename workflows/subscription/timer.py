"""The only timer of a subscription. It is set again only when the due moment changes.

A timer per wait would cost two events of history for every message that arrives; this one costs
them for every change of the due moment.
"""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import workflow

from workflows.options import short


class Due(NamedTuple):
    """Something that happens by itself at a moment; operators read what it is."""

    at: datetime
    what: str


class Timer:
    """Rings once at the moment it was set to."""

    def __init__(self) -> None:
        self._due: Due | None = None
        self._timer: asyncio.Task[None] | None = None

    def set(self, due: Due | None) -> None:
        """Set the timer, or switch it off with None."""
        if due == self._due and self._timer is not None:
            return
        self.cancel()
        self._due = due
        if due is not None:
            wait = max(due.at - workflow.now(), timedelta(0))
            sleep = workflow.sleep(wait, summary=short(f"{due.at:%Y-%m-%d %H:%M}Z: {due.what}"))
            self._timer = asyncio.create_task(sleep)

    def rang(self) -> bool:
        """Say whether the moment has come."""
        if self._timer is not None and self._timer.done():
            self._timer = None
            return True
        return False

    def cancel(self) -> None:
        """Switch the timer off."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
