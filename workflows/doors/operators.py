"""What operators ask for."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
    from domain.messages import subscription
    from domain.messages.corrections import parse_correct
    from domain.payments.findings import parse_open
from workflows.doors.door import Door, checked
from workflows.subscription.mailbox import Answer, payload


class OperatorDoor(Door):
    """Takes pauses, corrections and the number of open findings."""

    @workflow.update(description="Operators: refuse metered actions for a reason.")
    async def pause(self, note: RawValue) -> Answer:
        """Answer `paused` or `refused`."""
        return await self._ask("pause", subscription.parse_operator_note(payload(note)))

    @pause.validator
    def _check_pause(self, note: RawValue) -> None:
        checked(subscription.parse_operator_note, note)

    @workflow.update(description="Operators: end a pause by an operator.")
    async def resume(self, note: RawValue) -> Answer:
        """Answer the status afterwards, or `refused`."""
        return await self._ask("resume", subscription.parse_resume(payload(note)))

    @resume.validator
    def _check_resume(self, note: RawValue) -> None:
        checked(subscription.parse_resume, note)

    @workflow.update(description="Operators: give or take credits for a reason.")
    async def adjust_credits(self, wanted: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        return await self._ask("adjust_credits", subscription.parse_adjust_credits(payload(wanted)))

    @adjust_credits.validator
    def _check_adjust_credits(self, wanted: RawValue) -> None:
        checked(subscription.parse_adjust_credits, wanted)

    @workflow.update(description="Operators: let an event's quantity be less, for a reason.")
    async def correct(self, wanted: RawValue) -> Answer:
        """Answer `corrected` or `refused`."""
        return await self._ask("correct", parse_correct(payload(wanted)))

    @correct.validator
    def _check_correct(self, wanted: RawValue) -> None:
        checked(parse_correct, wanted)

    @workflow.signal(description="Of ours: how many findings nobody has settled.")
    def findings_changed(self, message: RawValue) -> None:
        """Show the number to whoever looks."""
        try:
            self._mailbox.command("findings_changed", parse_open(payload(message)))
        except InvalidInput as error:
            self._refuse("findings_changed", payload(message), error)
