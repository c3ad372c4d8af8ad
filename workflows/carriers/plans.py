"""Changes of plan, and the end."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities, ScheduledChange
    from activities.upgrades import Quoted, Upgrade, WantedVersion
    from domain.messages import Cancel, ChangePlan, MigratePlan
    from domain.payments import ChargeKind
    from domain.proration import ChangeKind
    from domain.subscription import LeftBehind, OpenCharge, Step
from workflows.carriers.parts import Carrier, Parts
from workflows.inbox import Answer, credit_text, refused
from workflows.options import LEDGER, short
from workflows.previews import preview_of

NOTHING_LEFT = LeftBehind(())  # of a subscription that has not begun


class PlanCarriers:
    """Carries out changes of plan and cancellations."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._state = parts.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "change_plan": self._change_plan,
            "cancel": self._cancel,
            "migrate_plan": self._migrate_plan,
        }

    async def _change_plan(self, wanted: ChangePlan, ticket: int) -> Answer | None:
        state = self._state
        if (reason := self._between_periods()) is not None:
            return refused(reason)
        quoted = await workflow.execute_activity_method(
            ChangeActivities.quote,
            self._parts.wanted(wanted.plan_id),
            summary=short(f"quote {wanted.plan_id}"),
            **LEDGER,
        )
        preview = preview_of(quoted)
        if wanted.preview:
            return {"status": "preview", **preview}
        if state.cancel_at_end or state.charge_of(ChargeKind.UPGRADE) is not None:
            return refused("already_canceled" if state.cancel_at_end else "change_under_way")
        if quoted.quote.kind is ChangeKind.UPGRADE:
            return await self._upgrade(quoted, ticket)
        if quoted.quote.kind is ChangeKind.NONE and state.next_plan is None:
            return refused("same_plan")
        await self._schedule(quoted)
        return {"status": "scheduled" if state.next_plan else "unscheduled", **preview}

    async def _schedule(self, quoted: Quoted) -> None:
        """Let a plan take over with the next period, or call off what was to."""
        state = self._state
        await self._parts.drop_renewal()
        state.next_plan = quoted.plan if quoted.quote.kind is ChangeKind.DOWNGRADE else None
        await workflow.execute_activity_method(
            ChangeActivities.schedule,
            ScheduledChange(
                self._parts.settler.buyer(), state.next_plan, quoted.quote.effective_at
            ),
            summary=short(f"schedule {quoted.plan.plan_id}"),
            **LEDGER,
        )

    async def _migrate_plan(self, wanted: MigratePlan, _ticket: int) -> Answer:
        """Move to another version of the plan, as an operator asks: nobody is charged for it."""
        state = self._state
        if (reason := self._between_periods()) is not None:
            return refused(reason)
        quoted = await workflow.execute_activity_method(
            ChangeActivities.quote_version,
            WantedVersion(
                self._parts.wanted(state.plan_in_force().plan_id),
                state.next_plan,
                wanted.version,
                now=wanted.when == "now",
            ),
            summary=f"quote version {wanted.version or 'newest'}",
            **LEDGER,
        )
        preview = {**preview_of(quoted), "version": quoted.plan.version}
        if wanted.preview:
            return {"status": "preview", **preview}
        if state.cancel_at_end or state.charge_of(ChargeKind.UPGRADE) is not None:
            return refused("already_canceled" if state.cancel_at_end else "change_under_way")
        if quoted.quote.kind is ChangeKind.NONE:
            return {"status": "unchanged", **preview}
        if quoted.quote.kind is ChangeKind.DOWNGRADE:
            await self._schedule(quoted)
            return {"status": "scheduled", **preview}
        await self._parts.drop_renewal()
        await self._parts.settler.complete_upgrade(self._next_upgrade(quoted))
        return {"status": "changed", "available": credit_text(state.available_micro), **preview}

    def _next_upgrade(self, quoted: Quoted) -> Upgrade:
        state, moment = self._state, self._parts.moment()
        state.upgrades += 1
        return Upgrade(
            self._parts.settler.buyer(),
            quoted.plan,
            quoted.quote,
            f"{state.subscription_id}:upgrade:{state.upgrades}",
            moment.anchor,
            moment.time_zone,
        )

    def _between_periods(self) -> str | None:
        """Return why no plan can be quoted at this moment, or None."""
        state = self._state
        if state.period is None or state.period.end > workflow.now():
            return None
        # The renewal under way decides which plan the new period has.
        return f"paused:{state.pauses[0].value}" if state.pauses else "renewal_pending"

    async def _upgrade(self, quoted: Quoted, ticket: int) -> Answer | None:
        state = self._state
        if state.pauses:
            return refused(f"paused:{state.pauses[0].value}")
        if state.period is None:
            return refused("no_subscription")
        await self._parts.drop_renewal()
        upgrade = self._next_upgrade(quoted)
        if quoted.quote.amount_minor == 0:
            await self._parts.settler.complete_upgrade(upgrade)
            return {
                "status": "changed",
                "available": credit_text(state.available_micro),
                **preview_of(quoted),
            }
        opened = await workflow.execute_activity_method(
            ChangeActivities.open_upgrade,
            upgrade,
            summary=f"open the upgrade to {quoted.plan.plan_id}",
            **LEDGER,
        )
        if opened.charge is None or opened.status not in ("opened", "repeated"):
            return refused(opened.status)
        self._parts.settler.await_answer(upgrade.charge_id, ticket)
        self._parts.collector.collect(
            OpenCharge(
                opened.charge,
                Step.PREPARING,
                workflow.now(),
                plan=quoted.plan,
                quote=quoted.quote,
                window_end=state.period.end,
            )
        )
        return None

    async def _cancel(self, wanted: Cancel, _ticket: int) -> Answer:
        state = self._state
        renewal = state.charge_of(ChargeKind.PERIOD)
        over = state.period is None or state.period.end <= workflow.now()
        if wanted.when == "now" or (over and (renewal is None or renewal.step is Step.DECLINED)):
            return await self._cancel_now(preview=wanted.preview)
        if state.cancel_at_end:
            return refused("already_canceled")
        if state.period is None or over:
            return refused("renewal_pending")
        if wanted.preview:
            left = await self._parts.write_cancel(state.period.end, preview=True)
            return {"status": "preview", **_ending(state.period.end, left)}
        await self._parts.drop_renewal()
        state.cancel_at_end, state.next_plan = True, None
        left = await self._parts.write_cancel(state.period.end)
        return {"status": "canceled", **_ending(state.period.end, left)}

    async def _cancel_now(self, *, preview: bool) -> Answer:
        state, now = self._state, workflow.now()
        left = NOTHING_LEFT
        if state.period is not None:
            left = await self._parts.write_cancel(now, preview=preview)
        if not preview:
            state.cancel_at_end = state.ends_now = True
        return {"status": "preview" if preview else "ended", **_ending(now, left)}


def _ending(ends_at: datetime, left: LeftBehind) -> Answer:
    """Return when it ends, what is lost with it and what is kept until the next paid plan."""
    return {
        "effective_at": ends_at.isoformat(),
        "lost_credits": {one.credit_type: credit_text(one.lost_micro) for one in left.credits},
        "kept_credits": {one.credit_type: credit_text(one.kept_micro) for one in left.credits},
    }
