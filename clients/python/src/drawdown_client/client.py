"""The client for programs without an event loop."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self, TypeVar

import httpx2

from drawdown_client import calls, http
from drawdown_client.amounts import Amount
from drawdown_client.answers import Captured, Check, Debited, Ending, Held, Outcome, Renewal
from drawdown_client.balances import Balance
from drawdown_client.calls import Call, Many, When
from drawdown_client.errors import DrawdownError
from drawdown_client.events import Event
from drawdown_client.hold import Hold
from drawdown_client.retries import Patience

T = TypeVar("T")

DEADLINE, TIMEOUT, HOLD_SECONDS = 30.0, 10.0, 300


class Drawdown:
    """A product's door to the engine; threads may share one.

    Whatever may do better the second time (a lost connection, 429, 503, credits being bought) is
    repeated with the same key until `deadline` seconds are over; no attempt begins later. Each may
    take `timeout` seconds, and as long as the engine parks it.
    """

    def __init__(
        self, url: str, key: str, *, deadline: float = DEADLINE, timeout: float = TIMEOUT
    ) -> None:
        self._deadline = deadline
        self._timeout = timeout
        self._http = httpx2.Client(**http.settings(url, key))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def use(
        self,
        customer_id: str,
        action: str,
        quantity: Amount = 1,
        *,
        key: str,
        event_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        confirmed: bool = False,
        deadline: float | None = None,
    ) -> Debited:
        """Charge one action that was performed; `key` names it for ever.

        Give `event_at` (default: now) whenever you may come back with the same key yourself.
        Raises `Refused` and its kinds, `StillPending`, `NoAnswer`, `UnexpectedAnswer`.
        """
        event = make_event(customer_id, action, quantity, key, event_at, tags, confirmed=confirmed)
        return self._ask(calls.use(event), deadline)

    def use_many(self, events: Iterable[Event], *, deadline: float | None = None) -> list[Outcome]:
        """Charge 1 to 1,000 events of any customers; return each one's outcome, in their order.

        A refused event is a `Refusal` in its place, one that waits when the deadline comes is
        `Pending`. Raises as `use` if there is no answer for all of them.
        """
        many, patience = Many(events), self._patience(deadline)
        while True:
            many.take(self._run(many.call(), patience))
            pause = patience.next_pause() if many.open else None
            if pause is None:
                return many.outcomes
            time.sleep(pause)

    def check(
        self,
        customer_id: str,
        action: str,
        quantity: Amount = 1,
        *,
        event_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        confirmed: bool = False,
        deadline: float | None = None,
    ) -> Check:
        """Ask whether an action would be allowed, and what it would take. Moves nothing."""
        call = calls.check(
            customer_id, action, quantity, event_at=event_at, tags=tags, confirmed=confirmed
        )
        return self._ask(call, deadline)

    def hold(
        self,
        customer_id: str,
        action: str,
        quantity: Amount = 1,
        *,
        key: str,
        seconds: int = HOLD_SECONDS,
        lapses_at: datetime | None = None,
        event_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        confirmed: bool = False,
    ) -> Hold:
        """Set credits aside for work in progress, as a context manager.

        Inside, the hold is extended again and again by `seconds`; if the process dies, it lapses
        that long after. Left without `capture`, also by an error, it is released.
        Give `event_at` and `lapses_at`, its first end (default: `seconds` from now), whenever you
        may come back with the same key yourself: both are part of the content.
        """
        event = make_event(customer_id, action, quantity, key, event_at, tags, confirmed=confirmed)
        return Hold(self._ask, event, seconds, lapses_at)

    def capture(
        self, customer_id: str, key: str, quantity: Amount, *, confirmed: bool = False
    ) -> Captured:
        """Charge the work of a hold that another process placed."""
        return self._ask(calls.capture(customer_id, key, quantity, confirmed=confirmed))

    def extend(self, customer_id: str, key: str, lapses_at: datetime) -> Held:
        """Move the end of a hold to a later instant."""
        return self._ask(calls.extend(customer_id, key, lapses_at))

    def release(self, customer_id: str, key: str) -> Held:
        """Give back the credits of a hold."""
        return self._ask(calls.release(customer_id, key))

    def cancel(
        self, subscription_id: str, when: When, *, key: str, preview: bool = False
    ) -> Ending:
        """End a subscription with its period, or now; or ask what would be lost and kept.

        `key` names the act for ever, among those of all customers; a preview binds none. Raises
        `Conflict` (`already_canceled`, `subscription_ended`), and as `use`.
        """
        return self._ask(calls.cancel(subscription_id, when, key, preview=preview))

    def uncancel(self, subscription_id: str, *, key: str, preview: bool = False) -> Renewal:
        """Take a cancellation back before it comes, or ask what would be charged next, and when.

        `key` names the act for ever, among those of all customers; a preview binds none. Raises
        `Conflict` (`not_canceled`, `subscription_ended`), and as `use`.
        """
        return self._ask(calls.uncancel(subscription_id, key, preview=preview))

    def balance(self, customer_id: str) -> Balance:
        """Return what a customer has, by credit type."""
        return self._ask(calls.balance(customer_id))

    def _ask(self, call: Call[T], deadline: float | None = None) -> T:
        return self._run(call, self._patience(deadline))

    def _patience(self, deadline: float | None) -> Patience:
        return Patience(self._deadline if deadline is None else deadline)

    def _run(self, call: Call[T], patience: Patience) -> T:
        while True:
            try:
                return self._once(call, patience.wait)
            except DrawdownError as error:
                pause = patience.pause(error)
            time.sleep(pause)

    def _once(self, call: Call[T], wait: int) -> T:
        try:
            response = self._http.request(**http.request(call, wait, self._timeout))
        except httpx2.TransportError as error:
            raise http.broken(error) from error
        return http.read(call, response)


def make_event(
    customer_id: str,
    action: str,
    quantity: Amount,
    key: str,
    event_at: datetime | None,
    tags: Mapping[str, str] | None,
    *,
    confirmed: bool,
) -> Event:
    """Return the event that arguments name."""
    when = {} if event_at is None else {"event_at": event_at}
    return Event(customer_id, key, action, quantity, tags=tags or {}, confirmed=confirmed, **when)
