"""Usage, reported or asked for."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
    from domain.messages.holds import parse_hold
    from domain.messages.usage import Crossing, parse_crossing, parse_event, parse_events
    from domain.subscription_state import SubscriptionState
    from domain.tracing.causes import Cause, now
    from workflows.shape import events_in
from workflows.subscription.mailbox import Answer, Mailbox, payload
from workflows.subscription.messages.message import checked, rejection

AS_IT_CAME = "usage-as-it-came"
HEARD_WHILE_HELD_UP = "heard-while-held-up"


class UsageHandlers:
    """Takes usage events into one queue, in the order of their arrival."""

    _mailbox: Mailbox
    _state: SubscriptionState
    _crossing: Crossing | None  # what debits elsewhere have come to
    _crossing_cause: Cause  # of who said so last

    @workflow.signal(description="Report usage; durable, nobody waits for an answer.")
    def record_usage(self, batch: RawValue) -> None:
        """Queue events; store what cannot be parsed as a refusal with its reason."""
        data = payload(batch)
        # Before the first period nothing is decided, and refusals are stored at once.
        if self._state.period is not None and self._is_light():
            count = events_in(data)
            if count and self._mailbox.add_message(data, count):
                return
        self._queue_events(data)

    def _queue_events(self, data: bytes) -> None:
        try:
            usable, unusable = parse_events(data)
        except InvalidInput as error:
            self._mailbox.refuse_unread("record_usage", data, error)
            return
        for part in unusable:
            self._mailbox.refuse(part.key, part.request, part.reason)
        for event in usable:
            if self._mailbox.full():
                self._mailbox.refuse(event.key, event.action, "too_many_waiting")
            else:
                self._mailbox.add(event)

    def _is_light(self) -> bool:
        """Return whether this run queues raw messages; runs from before that existed do not."""
        light = self._state.light or workflow.patched(AS_IT_CAME)
        return self._state.take_usage_as_it_comes(light=light)

    @workflow.signal(description="A debit elsewhere emptied the wallet, or found it short.")
    def balance_crossed(self, message: RawValue) -> None:
        """Let the ledger decide again whether a purchase is needed."""
        try:
            crossing = parse_crossing(payload(message))
        except InvalidInput as error:
            self._mailbox.refuse_unread("balance_crossed", payload(message), error)
            return
        self._crossing_cause = now()
        known = self._crossing or Crossing()
        self._crossing = Crossing(
            max(known.needed_micro, crossing.needed_micro), known.confirmed or crossing.confirmed
        )

    def _ticket(self) -> int:
        """Return a number to wait on; the loop learns of it though it can decide nothing now.

        Else no timer ends its patience while money is on its way for days.
        """
        alone = not self._mailbox.waiting
        decidable = self._state.period is not None and not self._mailbox.held_up
        if alone and not decidable and workflow.patched(HEARD_WHILE_HELD_UP):
            self._mailbox.unheard = True
        return self._mailbox.ticket()

    @workflow.update(description="Debit one usage event and wait for the outcome.")
    async def consume(self, event: RawValue) -> Answer:
        """Answer `debited`, `repeated`, `pending` or `refused` with a reason."""
        ticket = self._ticket()
        self._mailbox.add(parse_event(payload(event)), ticket)
        return await self._mailbox.answered(ticket)

    @consume.validator
    def _check_consume(self, event: RawValue) -> None:
        checked(parse_event, event)
        if self._mailbox.full():
            raise rejection("too many events are waiting", "too_many_waiting")

    @workflow.update(description="Set credits aside for work in progress.")
    async def hold(self, message: RawValue) -> Answer:
        """Answer `held`, `already_unlocked`, `repeated`, `pending` or `refused` with a reason."""
        parsed = parse_hold(payload(message))
        ticket = self._ticket()
        self._mailbox.add(parsed.event, ticket, parsed.lapses_at)
        return await self._mailbox.answered(ticket)

    @hold.validator
    def _check_hold(self, message: RawValue) -> None:
        checked(parse_hold, message)
        if self._mailbox.full():
            raise rejection("too many events are waiting", "too_many_waiting")
