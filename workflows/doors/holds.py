"""Holds: credits set aside for work in progress."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain import hold_messages
from workflows.doors.door import Door, checked, rejection
from workflows.inbox import Answer, payload


class HoldDoor(Door):
    """Takes what products ask of holds."""

    @workflow.update(description="Set credits aside for work in progress.")
    async def hold(self, wanted: RawValue) -> Answer:
        """Answer `held`, `already_unlocked`, `repeated`, `pending` or `refused` with a reason."""
        parsed = hold_messages.parse_hold(payload(wanted))
        ticket = self._inbox.ticket()
        self._inbox.add(parsed.event, ticket, parsed.lapses_at)
        return await self._inbox.answered(ticket)

    @hold.validator
    def _check_hold(self, wanted: RawValue) -> None:
        checked(hold_messages.parse_hold, wanted)
        if self._inbox.full():
            raise rejection("too many events wait", "too_many_waiting")

    @workflow.update(description="Take what held work came to; the rest goes back.")
    async def capture(self, wanted: RawValue) -> Answer:
        """Answer `captured`, `already_unlocked`, `repeated` or `refused` with a reason."""
        return await self._ask("capture", hold_messages.parse_capture(payload(wanted)))

    @capture.validator
    def _check_capture(self, wanted: RawValue) -> None:
        checked(hold_messages.parse_capture, wanted)

    @workflow.update(description="Let a hold live longer.")
    async def extend(self, wanted: RawValue) -> Answer:
        """Answer `extended`, `repeated` or `refused` with a reason."""
        return await self._ask("extend", hold_messages.parse_extend(payload(wanted)))

    @extend.validator
    def _check_extend(self, wanted: RawValue) -> None:
        checked(hold_messages.parse_extend, wanted)

    @workflow.update(description="Give back what a hold set aside.")
    async def release(self, wanted: RawValue) -> Answer:
        """Answer `released`, `repeated` or `refused` with a reason."""
        return await self._ask("release", hold_messages.parse_release(payload(wanted)))

    @release.validator
    def _check_release(self, wanted: RawValue) -> None:
        checked(hold_messages.parse_release, wanted)
