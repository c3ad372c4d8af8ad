"""Usage, reported or asked for."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain import fields, messages
    from domain.errors import InvalidInput
from workflows.doors.door import Door, checked, rejection
from workflows.inbox import Answer, payload


class UsageDoor(Door):
    """Takes usage events."""

    _emptied: bool  # a debit elsewhere left nothing

    @workflow.signal(description="Report usage; durable, nobody waits for an answer.")
    def record_usage(self, batch: RawValue) -> None:
        """Queue events; what cannot be used is kept as a refusal with its reason."""
        try:
            usable, unusable = messages.parse_events(payload(batch))
        except InvalidInput as error:
            self._refuse("record_usage", payload(batch), error)
            return
        for part in unusable:
            self._inbox.refuse(part.key, part.request, part.reason)
        for event in usable:
            if self._inbox.full():
                self._inbox.refuse(event.key, event.action, "too_many_waiting")
            else:
                self._inbox.add(event)

    @workflow.signal(description="A debit elsewhere emptied the wallet.")
    def balance_crossed(self, message: RawValue) -> None:
        """Let the ledger decide again whether a purchase is needed."""
        try:
            fields.parse_object(payload(message))
        except InvalidInput as error:
            self._refuse("balance_crossed", payload(message), error)
            return
        self._emptied = True

    @workflow.update(description="Debit one usage event and wait for the outcome.")
    async def consume(self, event: RawValue) -> Answer:
        """Answer `debited`, `repeated`, `pending` or `refused` with a reason."""
        ticket = self._inbox.ticket()
        self._inbox.add(messages.parse_event(payload(event)), ticket)
        return await self._inbox.answered(ticket)

    @consume.validator
    def _check_consume(self, event: RawValue) -> None:
        checked(messages.parse_event, event)
        if self._inbox.full():
            raise rejection("too many events wait", "too_many_waiting")
