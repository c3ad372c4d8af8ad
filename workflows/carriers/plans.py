"""Changes of plan, and the end."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities, Quoted, ScheduledChange, Upgrade, Wanted
    from activities.periods import PeriodActivities
    from domain.messages import Cancel, ChangePlan
    from domain.payments import ChargeKind
    from domain.proration import ChangeKind
    from domain.subscription import OpenCharge, Step
from workflows.carriers.parts import Carrier, Parts
from workflows.inbox import Answer, credit_text, refused
from workflows.options import LEDGER, short
from workflows.previews import preview_of


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
        }

    async def _change_plan(self, wanted: ChangePlan, ticket: int) -> Answer | None:
        state = self._state
        if (reason := self._between_periods()) is not None:
            return refused(reason)
        quoted = await workflow.execute_activity_method(
            ChangeActivities.quote,
            Wanted(self._parts.settler.buyer(), wanted.plan_id),
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
        await self._parts.drop_renewal()
        state.next_plan = quoted.plan if quoted.quote.kind is ChangeKind.DOWNGRADE else None
        await workflow.execute_activity_method(
            ChangeActivities.schedule,
            ScheduledChange(
                self._parts.settler.buyer(), state.next_plan, quoted.quote.effective_at
            ),
            summary=f"schedule {wanted.plan_id}",
            **LEDGER,
        )
        return {"status": "scheduled" if state.next_plan else "unscheduled", **preview}

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
        if state.anchor is None or state.period is None:
            return refused("no_subscription")
        await self._parts.drop_renewal()
        state.upgrades += 1
        charge_id = f"{state.subscription_id}:upgrade:{state.upgrades}"
        upgrade = Upgrade(
            self._parts.settler.buyer(),
            quoted.plan,
            quoted.quote,
            charge_id,
            state.anchor,
            state.time_zone,
        )
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
        self._parts.settler.await_answer(charge_id, ticket)
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
            state.cancel_at_end = state.ends_now = True
            await self._write_cancel(now=True)
            return {"status": "ended", "effective_at": workflow.now().isoformat()}
        if state.cancel_at_end:
            return refused("already_canceled")
        if state.period is None or over:
            return refused("renewal_pending")
        await self._parts.drop_renewal()
        state.cancel_at_end, state.next_plan = True, None
        await self._write_cancel(now=False)
        return {"status": "canceled", "effective_at": state.period.end.isoformat()}

    async def _write_cancel(self, *, now: bool) -> None:
        state = self._state
        if state.period is None:
            return
        ends = workflow.now() if now else state.period.end
        await workflow.execute_activity_method(
            PeriodActivities.schedule_cancel,
            args=[self._parts.moment(), ends],
            summary=f"cancel at {ends:%Y-%m-%d %H:%M}",
            **LEDGER,
        )
