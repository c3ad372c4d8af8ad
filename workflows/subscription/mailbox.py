"""What has arrived and is not decided yet: usage events in order, and updates' commands."""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
    from domain.queued_usage import Queued, QueuedEvent, QueuedMessage
    from domain.reasons import CURES
    from domain.tracing.causes import Cause, now
    from domain.usage import RefusedEvent, UsageEvent
    from workflows.converter import written

Answer = dict[str, Any]

Waiting = QueuedEvent | QueuedMessage

MOST_WAITING = 5_000
LARGEST_BATCH = 500
MOST_WAITING_BYTES = 16_000_000  # a run's history may hold 50 MB
# An activity's argument, or the next run's, may hold 2 MiB; refusals and plans need the rest.
LARGEST_BATCH_BYTES = 1_000_000
LARGEST_MESSAGE_BYTES = 500_000  # larger ones are queued event by event
MOST_HANDED_ON_BYTES = 1_500_000
MOST_REFUSALS = 100
# An update never waits for a person or a slow processor: after this it answers `pending`.
PATIENCE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Command:
    """A message for the loop to carry out; `ticket` 0 means nobody waits.

    `carry_out` is bound to the request and receives the ticket. If it returns None, the answer
    comes when the charge it opened is settled.
    """

    name: str
    request: object
    carry_out: Callable[[int], Awaitable[Answer | None]]
    ticket: int = 0
    early: bool = False  # allowed before the first period is paid
    late: bool = False  # heard even after the end, while money may still come
    cause: Cause = field(default_factory=now)  # of the handler that makes it


@dataclass(slots=True)
class Mailbox:
    """Handlers put in, the loop takes out. Answers go back by ticket."""

    events: deque[Waiting] = field(default_factory=deque)
    commands: deque[Command] = field(default_factory=deque)
    refusals: list[RefusedEvent] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    waiting: dict[int, datetime] = field(default_factory=dict)
    held_up: str = ""  # why events cannot be decided now: purchase | renewal
    unheard: bool = False  # an update came that is not decided now: the timer ends its patience
    events_waiting: int = 0
    bytes_waiting: int = 0
    messages: int = 0
    tickets: int = 0
    refused_so_far: int = 0
    last_refusal: str = ""

    def ready(self) -> bool:
        """Return whether the loop has work."""
        return bool(self.commands or self.refusals or self.decidable())

    def decidable(self) -> bool:
        """Return whether events wait only for their turn."""
        return bool(self.events) and not self.held_up

    def refuse(self, key: str | None, request: str, reason: str) -> None:
        """Store a refused fire-and-forget message for people to read."""
        self.count_refusals(reason, 1)
        refusal_id = f"{workflow.info().run_id}:{self.refused_so_far}"
        refusal = RefusedEvent(refusal_id, _storable(key or "") or None, reason, _storable(request))
        self.refusals.append(refusal)

    def count_refusals(self, reason: str, number: int) -> None:
        """Count messages whose refusals are stored already."""
        self.refused_so_far += number
        counter = workflow.metric_meter().create_counter("drawdown_refused_messages")
        counter.add(number, {"reason": reason})
        self.last_refusal = f"{reason} at {workflow.now():%Y-%m-%d %H:%M}Z"

    def ticket(self) -> int:
        """Return a new number for an update to wait on."""
        self.tickets += 1
        self.waiting[self.tickets] = workflow.now()
        return self.tickets

    def add(self, event: UsageEvent, ticket: int = 0, lapses_at: datetime | None = None) -> None:
        """Queue an event last; with `lapses_at` its credits are held, not debited."""
        self._queue(QueuedEvent(event, ticket, workflow.now(), lapses_at))

    def add_message(self, data: bytes, count: int) -> bool:
        """Queue a raw message of `count` events; return False if it is too large to keep whole."""
        self.messages += 1
        name = f"{workflow.info().run_id}:usage-{self.messages}"
        message = QueuedMessage(name, data.decode(), count)
        fits = self.events_waiting + count <= MOST_WAITING
        if not fits or self.full() or size_of(message) > LARGEST_MESSAGE_BYTES:
            return False
        self._queue(message)
        return True

    def put_back(self, queued: Sequence[Waiting]) -> None:
        """Put events back at the front of the queue, in order."""
        self.events.extendleft(reversed(queued))
        self.events_waiting += sum(map(count_of, queued))
        self.bytes_waiting += sum(map(size_of, queued))

    def _queue(self, one: Waiting) -> None:
        self.events.append(one)
        self.events_waiting += count_of(one)
        self.bytes_waiting += size_of(one)

    def portable(self) -> bool:
        """Return whether what waits may be passed to the next run."""
        return self.bytes_waiting <= MOST_HANDED_ON_BYTES

    def full(self) -> bool:
        """Return whether the queue is full."""
        return self.events_waiting >= MOST_WAITING or self.bytes_waiting >= MOST_WAITING_BYTES

    def refuse_unread(self, name: str, data: bytes, error: InvalidInput) -> None:
        """Store a fire-and-forget message that cannot be parsed, with the reason."""
        self.refuse(None, f"{name}: {data.decode(errors='replace')}", error.reason)

    def put(self, command: Command) -> None:
        """Queue a command."""
        self.commands.append(command)

    def waits(self, ticket: int) -> bool:
        """Return whether an update still waits on a ticket."""
        return ticket in self.waiting

    def keys_asked_for(self, queued: Sequence[Waiting]) -> frozenset[str]:
        """Return the keys of events, in this batch or behind it, that an update waits for."""
        waiting = (one for one in (*queued, *self.events) if isinstance(one, QueuedEvent))
        return frozenset(one.event.key for one in waiting if one.ticket in self.waiting)

    def answer(self, ticket: int, answer: Answer) -> None:
        """Answer an update once; a ticket nobody waits on is ignored."""
        if self.waiting.pop(ticket, None) is not None:
            self.answers[ticket] = answer

    async def answered(self, ticket: int) -> Answer:
        """Wait for a ticket's answer."""
        await workflow.wait_condition(lambda: ticket in self.answers)
        return self.answers.pop(ticket)

    def patience_ends(self) -> datetime | None:
        """Return when the longest-waiting update must be answered."""
        return min(self.waiting.values()) + PATIENCE if self.waiting else None

    def answer_the_impatient(self) -> None:
        """Answer `pending` to updates that have waited long enough; their work continues."""
        limit = workflow.now() - PATIENCE
        for ticket in [one for one, since in self.waiting.items() if since <= limit]:
            self.answer(ticket, {"status": "pending", "cure": CURES["purchase_pending"]})

    def take_events(self, most: int = LARGEST_BATCH) -> list[Waiting]:
        """Take the next batch, unless something must be settled first; a hold goes alone.

        A batch exceeds `most` events only if it consists of one message that does.
        """
        if self.held_up:
            return []
        taken: list[Waiting] = []
        count = size = 0
        while self.events and count < most and size < LARGEST_BATCH_BYTES:
            first = self.events[0]
            if taken and (count + count_of(first) > most or _holds(taken[-1]) or _holds(first)):
                break
            taken.append(self.events.popleft())
            count += count_of(first)
            size += size_of(first)
        self.events_waiting -= count
        self.bytes_waiting -= size
        return taken

    def drop_first(self) -> QueuedEvent | None:
        """Drop the first event; return it unless it belongs to a message."""
        (first,) = self.take_events(1)
        if isinstance(first, QueuedEvent):
            return first
        places = first.left or tuple(range(first.count))
        if rest := places[1:]:
            self.put_back([replace(first, left=rest, count=len(rest))])
        return None

    def take_refusals(self) -> tuple[RefusedEvent, ...]:
        """Take some of the refusals that are not in the ledger yet."""
        taken, self.refusals = self.refusals[:MOST_REFUSALS], self.refusals[MOST_REFUSALS:]
        return tuple(taken)


def payload(raw: RawValue) -> bytes:
    """Return the bytes of a message's only argument."""
    return raw.payload.data


def closed(one: Waiting) -> Queued:
    """Return a waiting entry for the next run; nobody waits for its answer any more."""
    if isinstance(one, QueuedMessage):
        return Queued(message=one)
    return Queued(event=replace(one, ticket=0))


def opened(one: Queued) -> Waiting:
    """Return an entry that the previous run passed on."""
    waiting = one.event or one.message
    if waiting is None:
        raise LookupError("nothing waits in it")
    return waiting


def count_of(one: Waiting) -> int:
    """Return how many events an entry holds."""
    return one.count if isinstance(one, QueuedMessage) else 1


def size_of(one: Waiting) -> int:
    """Return roughly how many bytes of JSON an entry takes, escapes included."""
    if isinstance(one, QueuedMessage):
        return 250 + len(written(one.data))
    event = one.event
    return 250 + len(json.dumps((event.key, event.action, event.tags)))


def _holds(one: Waiting) -> bool:
    return isinstance(one, QueuedEvent) and one.lapses_at is not None


def _storable(text: str) -> str:
    """Return a text PostgreSQL can store: no NUL, no lone surrogates, not too long."""
    return text[:500].encode("utf-8", "replace").decode().replace("\x00", "?")
