"""Messages with a name that no handler knows."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from workflows.subscription.mailbox import Answer, Mailbox
from workflows.subscription.messages.message import rejection


class UnknownHandlers:
    """Refuses messages without a handler."""

    _mailbox: Mailbox

    @workflow.signal(dynamic=True)
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Store an unknown signal as a refusal."""
        known = workflow.get_signal_handler(name) is not None
        reason = "malformed" if known else "unknown_message"
        self._mailbox.refuse(None, f"{name} with {len(args)} arguments", reason)

    @workflow.update(dynamic=True)
    async def unknown_update(self, name: str, _args: Sequence[RawValue]) -> Answer:
        """Never runs: the validator has already refused the update."""
        raise rejection(f"there is no update {name!a:.60}", "unknown_message")

    @unknown_update.validator
    def _check_unknown_update(self, name: str, _args: Sequence[RawValue]) -> None:
        raise rejection(f"there is no update {name!a:.60}", "unknown_message")
