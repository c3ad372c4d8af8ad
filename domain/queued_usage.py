"""Usage that waits for a decision, as one run of a workflow passes it to the next."""

from dataclasses import dataclass
from datetime import datetime

from domain.usage import UsageEvent


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """A usage event awaiting a decision; `ticket` names the update waiting for the answer, or 0.

    With `lapses_at` its credits are held until then, not debited: the work is not done yet.
    """

    event: UsageEvent
    ticket: int
    since: datetime
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message of usage kept as raw JSON; its events are parsed when they are decided.

    `name` is the message name that its refusals are listed under. `left` holds the positions of the
    events not decided yet; None means all `count` of them.
    """

    name: str
    data: str
    count: int
    left: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """One entry of the queue passed to the next run: an event or a message, never both."""

    event: QueuedEvent | None = None
    message: QueuedMessage | None = None
