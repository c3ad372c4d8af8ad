"""What every door does: parse, refuse by name, enqueue. The loop carries things out."""

from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
    from domain.messages import subscription
from workflows.subscription.mailbox import Answer, Mailbox, payload


class Door:
    """Handlers of one theme. The workflow is made of doors, which share its inbox."""

    _mailbox: Mailbox

    async def _ask(self, name: str, wanted: Any) -> Answer:
        ticket = self._mailbox.ticket()
        self._mailbox.command(name, wanted, ticket)
        return await self._mailbox.answered(ticket)

    def _enqueue_reference(self, name: str, field: str, message: RawValue) -> None:
        try:
            self._mailbox.command(name, subscription.parse_reference(payload(message), field))
        except InvalidInput as error:
            self._refuse(name, payload(message), error)

    def _refuse(self, name: str, data: bytes, error: InvalidInput) -> None:
        text = data.decode(errors="replace")
        self._mailbox.refuse(None, f"{name}: {text}", error.reason)


def checked(parse: Callable[[bytes], object], raw: RawValue) -> None:
    """Reject an update before it is accepted; the reason is the failure's type."""
    try:
        parse(payload(raw))
    except InvalidInput as error:
        raise rejection(str(error), error.reason) from None


def rejection(message: str, reason: str) -> ApplicationError:
    """Return the failure of a message that is refused before it is accepted."""
    return ApplicationError(message, type=reason, non_retryable=True)
