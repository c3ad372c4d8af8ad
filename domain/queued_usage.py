"""Usage that waits to be decided, as it is handed on from one run of a workflow to the next."""

from dataclasses import dataclass
from datetime import datetime

from domain.usage import UsageEvent


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """A usage event that waits to be decided; `ticket` is the update that waits for it, or 0.

    With `lapses_at` its credits are held until then and not debited: the work is yet to be done.
    """

    event: UsageEvent
    ticket: int
    since: datetime
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message of usage as it came: JSON, whose events are read where they are decided.

    `name` is that of its refusals. `left` are the places of its events that are not decided yet;
    None: all `count` of them.
    """

    name: str
    data: str
    count: int
    left: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """What waits to be decided, one or the other, as it is handed on to the next run."""

    event: QueuedEvent | None = None
    message: QueuedMessage | None = None
