"""Sends what the file holds: batches in order, again and again until each event is decided."""

import logging
import threading
from collections.abc import Callable, Sequence

from drawdown_client.answers import Debited, Outcome, Pending, Refusal
from drawdown_client.errors import DrawdownError, Refused
from drawdown_client.events import Event
from drawdown_client.reporting.spool import Spool, Stored, Turn

BATCH = 1_000  # events in one request, as many as the engine takes
LOOK = 0.2  # seconds between two looks for what other processes reported or what is due again
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0  # seconds, while nothing can be sent

PASSING = frozenset(
    {"internal_error", "purchase_needed", "purchase_pending", "renewal_pending", "too_many_waiting"}
)
"""Reasons that say: send it again."""

log = logging.getLogger("drawdown_client")

UNFIT = (400, 413, 422)
"""Statuses of a whole request for which one of its events may be to blame."""

Send = Callable[[list[Event]], list[Outcome]]


class Sender(threading.Thread):
    """The background thread of a reporter."""

    def __init__(self, send: Send, spool: Spool, turn: Turn) -> None:
        super().__init__(name="drawdown-reporter", daemon=True)
        self._send = send
        self._spool = spool
        self._turn = turn
        self._over = threading.Event()
        self._news = threading.Event()
        self.trouble: str | None = None

    def wake(self) -> None:
        """Say that something was reported."""
        self._news.set()

    def stop(self) -> None:
        """End after the request that is under way."""
        self._over.set()
        self._news.set()
        self.join()
        self._turn.close()

    def run(self) -> None:
        """Send until stopped."""
        pause = FIRST_PAUSE
        while not self._over.is_set():
            try:
                idle = None if self._round() else LOOK
                pause = FIRST_PAUSE
            except DrawdownError as error:
                idle = max(error.retry_after or 0, pause)
                pause = min(LONGEST_PAUSE, pause * 2)
                self.trouble = f"{type(error).__name__}: {error}"
            except Exception as error:  # the thread must outlive its own faults
                idle = LONGEST_PAUSE
                self.trouble = repr(error)
                log.exception("the reporter could not send")
            if idle is not None:
                self._rest(idle)

    def _rest(self, seconds: float) -> None:
        """Pause; news end it unless something is wrong."""
        if self.trouble:
            self._over.wait(seconds)
        else:
            self._news.wait(seconds)
        self._news.clear()

    def _round(self) -> bool:
        """Send one batch if it is our turn; return whether there was one."""
        if not self._turn.take():
            self.trouble = None
            self._over.wait(LOOK)
            return False
        due = self._spool.due(BATCH)
        if due:
            self._deliver(due)
        self.trouble = None
        return bool(due)

    def _deliver(self, batch: Sequence[Stored]) -> None:
        try:
            outcomes = self._send([one.event for one in batch])
        except Refused as error:
            if error.status not in UNFIT:
                raise
            if len(batch) > 1:
                self._deliver_halves(batch)
                return
            outcomes = [_refusal(batch[0].event, error)]
        self._settle(list(zip(batch, outcomes, strict=True)))

    def _deliver_halves(self, batch: Sequence[Stored]) -> None:
        """Find the event for which a request was refused as a whole: it blocks no others."""
        middle = len(batch) // 2
        self._deliver(batch[:middle])
        self._deliver(batch[middle:])

    def _settle(self, told: Sequence[tuple[Stored, Outcome]]) -> None:
        self._spool.settle(
            done=[one.id for one, outcome in told if isinstance(outcome, Debited)],
            refused=[
                (one.id, outcome)
                for one, outcome in told
                if isinstance(outcome, Refusal) and not _passes(outcome)
            ],
            later=[one.id for one, outcome in told if _passes(outcome)],
        )


def _refusal(event: Event, error: Refused) -> Refusal:
    return Refusal(
        event.customer_id, event.key, error.reason, error.cure, error.missing, error.asked
    )


def _passes(outcome: Outcome) -> bool:
    waits = isinstance(outcome, Pending)
    return waits or (isinstance(outcome, Refusal) and outcome.reason in PASSING)
