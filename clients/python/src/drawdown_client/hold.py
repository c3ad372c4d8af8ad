"""A hold around work in progress: extended while it runs, captured or else released."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self, TypeVar

from drawdown_client import calls
from drawdown_client.amounts import Amount
from drawdown_client.answers import Captured, Held
from drawdown_client.calls import Call
from drawdown_client.errors import DrawdownError, Refused
from drawdown_client.events import Event

T = TypeVar("T")

log = logging.getLogger("drawdown_client")


class Asks(Protocol):
    """What carries a call to the engine, and repeats it for a while."""

    def __call__(self, call: Call[T], deadline: float | None = None) -> T:
        """Return the answer."""


class Hold:
    """Credits set aside, as in `with dd.hold(…) as hold: … hold.capture(n)`."""

    def __init__(
        self, ask: Asks, event: Event, seconds: int, lapses_at: datetime | None = None
    ) -> None:
        self._ask = ask
        self._event = event
        self._seconds = seconds
        self._lapses_at = lapses_at
        self._over = threading.Event()
        self._extender = threading.Thread(target=self._extend, name="drawdown-hold", daemon=True)
        self._ended = False
        self.placed: Held | None = None
        self.captured: Captured | None = None

    @property
    def key(self) -> str:
        """The key that names this hold."""
        return self._event.key

    def place(self) -> Held:
        """Set the credits aside without extending them; `capture` and `release` end it."""
        lapses_at = self._lapses_at or ends_in(self._seconds)
        self.placed = self._ask(calls.hold(self._event, lapses_at))
        return self.placed

    def __enter__(self) -> Self:
        self.place()
        self._extender.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._extender.join()
        if not self._ended:
            self._tell(self.release, "release")

    def capture(self, quantity: Amount, *, confirmed: bool = False) -> Captured:
        """Charge the quantity used, at the rate of the hold; the rest goes back. Final.

        Where no answer came, it is not released: capture it again, with the same quantity.
        """
        call = calls.capture(self._event.customer_id, self.key, quantity, confirmed=confirmed)
        self._ended = True
        try:
            self.captured = self._ask(call)
        except Refused:
            self._ended = False
            raise
        self._over.set()
        return self.captured

    def release(self) -> Held:
        """Give everything back."""
        released = self._ask(calls.release(self._event.customer_id, self.key))
        self._ended = True
        self._over.set()
        return released

    def _extend(self) -> None:
        while not self._over.wait(self._seconds / 3):
            self._tell(self._extend_once, "extend")

    def _extend_once(self) -> Held:
        call = calls.extend(self._event.customer_id, self.key, ends_in(self._seconds))
        return self._ask(call, self._seconds / 3)

    def _tell(self, act: Callable[[], Held], name: str) -> None:
        """Do what nobody waits for: a hold that stays behind lapses by itself."""
        try:
            act()
        except DrawdownError as error:
            tell(self._event, name, error)


def tell(event: Event, act: str, error: DrawdownError) -> None:
    """Log that a hold could not be extended or released."""
    if isinstance(error, Refused) and error.reason.startswith("hold_"):
        return  # it is captured, released or lapsed already
    log.warning("could not %s hold %s of %s: %s", act, event.key, event.customer_id, error)


def ends_in(seconds: int) -> datetime:
    """Return the instant at which a hold of so many seconds ends."""
    return datetime.now(UTC) + timedelta(seconds=seconds)
