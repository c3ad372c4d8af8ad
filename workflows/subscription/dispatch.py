"""Carries out commands from updates and signals, one after another, in the loop."""

from temporalio.exceptions import ActivityError, ApplicationError

from domain.messages.answers import refused
from domain.tracing.causes import since
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Command

UNKNOWN = "internal_error"


class Dispatch:
    """Carries out each command in turn and answers it."""

    def __init__(self, context: Context) -> None:
        self._state = context.state
        self._mailbox = context.mailbox

    async def carry_out(self, command: Command) -> None:
        """Carry one command out, for its sender's request, and answer it."""
        with since(command.cause):
            await self._carry_out(command)

    async def _carry_out(self, command: Command) -> None:
        reason = self._out_of_place(command)
        try:
            answer = refused(reason) if reason else await command.carry_out(command.ticket)
        except ActivityError as error:
            answer = refused(_reason(error))
        if answer is None:
            return
        self._mailbox.answer(command.ticket, answer)
        if not command.ticket and answer["status"] == "refused":
            self._mailbox.refuse(None, f"{command.name}: {command.request}", answer["reason"])

    def _out_of_place(self, command: Command) -> str | None:
        """Return why a message is refused at this point of the subscription's life, or None."""
        hears = command.late and self._state.awaits_money
        if self._state.over and not hears:
            return "subscription_ended"
        if self._state.period is None and not command.early:
            return "no_subscription"
        return None


def _reason(error: ActivityError) -> str:
    cause = error.cause
    return cause.type or UNKNOWN if isinstance(cause, ApplicationError) else UNKNOWN
