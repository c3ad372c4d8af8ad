"""What a message consists of: how it is parsed, and what carries it out in its turn.

Each theme lists its messages; `takes` gives the workflow a handler for each.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer, Command, Mailbox, payload

Request = TypeVar("Request")
Taker = TypeVar("Taker", bound=type)


class Receiver:
    """Takes messages: they wait in its mailbox and are carried out with its context."""

    _mailbox: Mailbox
    _context: Context


@dataclass(frozen=True, slots=True)
class Update(Generic[Request]):
    """A message whose sender waits for an answer.

    `carry_out` receives the sender's ticket; None means that the answer comes once its charge is
    settled. Unless `early`, it is refused before the first period is paid.
    """

    name: str
    description: str
    read: Callable[[bytes], Request]
    carry_out: Callable[[Context, Request, int], Awaitable[Answer | None]]
    early: bool = False


@dataclass(frozen=True, slots=True)
class Signal(Generic[Request]):
    """A message that nobody waits for; an unusable one is stored as a refusal.

    A `late` one is heard even after the end, while money may still come.
    """

    name: str
    description: str
    read: Callable[[bytes], Request]
    carry_out: Callable[[Context, Request, int], Awaitable[Answer | None]]
    early: bool = False
    late: bool = False


def takes(*messages: Update[Any] | Signal[Any]) -> Callable[[Taker], Taker]:
    """Give a workflow a handler for each message, under the message's name."""

    def declare(taker: Taker) -> Taker:
        for message in messages:
            handler = _taken(message) if isinstance(message, Update) else _heard(message)
            setattr(taker, message.name, handler)
        return taker

    return declare


def _taken(update: Update[Request]) -> Callable[..., Any]:
    """Return a handler that parses the message, queues it and waits for its answer."""

    class Taking(Receiver):
        @workflow.update(name=update.name, description=update.description)
        async def handle(self, message: RawValue) -> Answer:
            request = update.read(payload(message))
            ticket = self._mailbox.ticket()
            carry_out = partial(update.carry_out, self._context, request)
            self._mailbox.put(
                Command(
                    name=update.name,
                    request=request,
                    carry_out=carry_out,
                    ticket=ticket,
                    early=update.early,
                )
            )
            return await self._mailbox.answered(ticket)

        @handle.validator
        def _check(self, message: RawValue) -> None:
            checked(update.read, message)

    return Taking.handle


def _heard(signal: Signal[Request]) -> Callable[..., Any]:
    """Return a handler that parses the message and queues it."""

    class Hearing(Receiver):
        @workflow.signal(name=signal.name, description=signal.description)
        def handle(self, message: RawValue) -> None:
            try:
                request = signal.read(payload(message))
            except InvalidInput as error:
                self._mailbox.refuse_unread(signal.name, payload(message), error)
                return
            carry_out = partial(signal.carry_out, self._context, request)
            command = Command(
                name=signal.name,
                request=request,
                carry_out=carry_out,
                ticket=0,
                early=signal.early,
                late=signal.late,
            )
            self._mailbox.put(command)

    return Hearing.handle


def checked(read: Callable[[bytes], object], raw: RawValue) -> None:
    """Reject an unusable update before it is accepted; the reason is the failure's type."""
    try:
        read(payload(raw))
    except InvalidInput as error:
        raise rejection(str(error), error.reason) from None


def rejection(message: str, reason: str) -> ApplicationError:
    """Return the failure of a message refused before it is accepted."""
    return ApplicationError(message, type=reason, non_retryable=True)
