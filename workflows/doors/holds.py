"""Holds: credits set aside for work in progress."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.messages import holds
from workflows.doors.door import Door, checked, rejection
from workflows.subscription.mailbox import Answer, payload


class HoldDoor(Door):
    """Takes what products ask of holds."""

    @workflow.update(description="Set credits aside for work in progress.")
    async def hold(self, wanted: RawValue) -> Answer:
        """Answer `held`, `already_unlocked`, `repeated`, `pending` or `refused` with a reason."""
        parsed = holds.parse_hold(payload(wanted))
        ticket = self._mailbox.ticket()
        self._mailbox.add(parsed.event, ticket, parsed.lapses_at)
        return await self._mailbox.answered(ticket)

    @hold.validator
    def _check_hold(self, wanted: RawValue) -> None:
        checked(holds.parse_hold, wanted)
        if self._mailbox.full():
            raise rejection("too many events wait", "too_many_waiting")

    @workflow.update(description="Take what held work came to; the rest goes back.")
    async def capture(self, wanted: RawValue) -> Answer:
        """Answer `captured`, `already_unlocked`, `repeated` or `refused` with a reason."""
        return await self._ask("capture", holds.parse_capture(payload(wanted)))

    @capture.validator
    def _check_capture(self, wanted: RawValue) -> None:
        checked(holds.parse_capture, wanted)

    @workflow.update(description="Let a hold live longer.")
    async def extend(self, wanted: RawValue) -> Answer:
        """Answer `extended`, `repeated` or `refused` with a reason."""
        return await self._ask("extend", holds.parse_extend(payload(wanted)))

    @extend.validator
    def _check_extend(self, wanted: RawValue) -> None:
        checked(holds.parse_extend, wanted)

    @workflow.update(description="Give back what a hold set aside.")
    async def release(self, wanted: RawValue) -> Answer:
        """Answer `released`, `repeated` or `refused` with a reason."""
        return await self._ask("release", holds.parse_release(payload(wanted)))

    @release.validator
    def _check_release(self, wanted: RawValue) -> None:
        checked(holds.parse_release, wanted)
