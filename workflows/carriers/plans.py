"""Changes of plan, and the end."""

from dataclasses import replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans.changes import ChangeActivities, ScheduledChange
    from activities.plans.upgrades import Keyed, Quoted, Upgrade, WantedVersion, charge_of_key
    from domain.messages.subscription import Cancel, ChangePlan, MigratePlan
    from domain.payments.charges import ChargeKind
    from domain.pricing.proration import ChangeKind
    from domain.subscription import LeftBehind, OpenCharge, Step
from workflows.options import LEDGER, short
from workflows.previews import preview_of
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, credit_text, refused
from workflows.subscription.processing import processing_answer

NOTHING_LEFT = LeftBehind(())  # of a subscription that has not begun


class PlanCarriers:
    """Carries out changes of plan and cancellations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "change_plan": self._change_plan,
            "cancel": self._cancel,
            "migrate_plan": self._migrate_plan,
        }

    async def _change_plan(self, wanted: ChangePlan, ticket: int) -> Answer | None:
        """Change the plan; a key that was used before gets its first answer again."""
        if not wanted.key or wanted.preview:
            return await self._change(wanted, ticket)
        charge_id = charge_of_key(self._state.subscription_id, wanted.key)
        if (under_way := self._state.charge_named(charge_id)) is not None:
            return self._join(under_way, wanted, ticket)
        return await self._before(wanted, charge_id) or await self._change(wanted, ticket)

    async def _change(self, wanted: ChangePlan, ticket: int) -> Answer | None:
        state = self._state
        if (reason := self._between_periods()) is not None:
            return refused(reason)
        quoted = await workflow.execute_activity_method(
            ChangeActivities.quote,
            self._context.wanted(wanted.plan_id),
            summary=short(f"quote {wanted.plan_id}"),
            **LEDGER,
        )
        preview = preview_of(quoted)
        if wanted.preview:
            return {"status": "preview", **preview}
        if state.cancel_at_end or state.charge_of(ChargeKind.UPGRADE) is not None:
            return refused("already_canceled" if state.cancel_at_end else "change_under_way")
        if quoted.quote.kind is ChangeKind.UPGRADE:
            return await self._upgrade(quoted, wanted.key, ticket)
        if quoted.quote.kind is ChangeKind.NONE and state.next_plan is None:
            return refused("same_plan")
        scheduled = quoted.quote.kind is ChangeKind.DOWNGRADE
        answer = {"status": "scheduled" if scheduled else "unscheduled", **preview}
        await self._schedule(quoted, _keyed(wanted.key, quoted, answer))
        return answer

    def _join(self, charge: OpenCharge, wanted: ChangePlan, ticket: int) -> Answer | None:
        """Let a repeat wait for the charge that the first message opened."""
        if charge.plan is None or charge.plan.plan_id != wanted.plan_id:
            return refused("idempotency_conflict")
        if charge.step is Step.PROCESSING:
            return processing_answer(charge)
        self._context.settler.await_answer(charge.charge.charge_id, ticket)
        return None

    async def _before(self, wanted: ChangePlan, charge_id: str) -> Answer | None:
        """Return the first answer to a message that is repeated; None: it is the first."""
        found = await workflow.execute_activity_method(
            ChangeActivities.find,
            args=[self._context.settler.buyer(), Keyed(wanted.key, wanted.plan_id)],
            summary=short(f"look for an earlier change {wanted.key}"),
            **LEDGER,
        )
        if found.status == "new":
            return None
        if found.status == "void":
            return {"status": "declined", "reason": "declined", "charge_id": charge_id}
        return found.answer if found.status == "kept" else refused(found.status)

    async def _schedule(self, quoted: Quoted, keyed: Keyed | None = None) -> None:
        """Let a plan take over with the next period, or call off what was to."""
        state = self._state
        await self._context.drop_renewal()
        state.next_plan = quoted.plan if quoted.quote.kind is ChangeKind.DOWNGRADE else None
        await workflow.execute_activity_method(
            ChangeActivities.schedule,
            ScheduledChange(
                self._context.settler.buyer(), state.next_plan, quoted.quote.effective_at, keyed
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
                self._context.wanted(state.plan_in_force().plan_id),
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
        await self._context.drop_renewal()
        await self._context.settler.complete_upgrade(self._next_upgrade(quoted))
        return {"status": "changed", "available": credit_text(state.available_micro), **preview}

    def _next_upgrade(self, quoted: Quoted, key: str = "") -> Upgrade:
        state, moment = self._state, self._context.moment()
        name = charge_of_key(state.subscription_id, key)
        if not key:
            state.upgrades += 1
            name = f"{state.subscription_id}:upgrade:{state.upgrades}"
        return Upgrade(
            self._context.settler.buyer(),
            quoted.plan,
            quoted.quote,
            name,
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

    async def _upgrade(self, quoted: Quoted, key: str, ticket: int) -> Answer | None:
        state = self._state
        if state.pauses:
            return refused(f"paused:{state.pauses[0].value}")
        if state.period is None:
            return refused("no_subscription")
        await self._context.drop_renewal()
        upgrade = self._next_upgrade(quoted, key)
        if quoted.quote.amount_minor == 0:
            answer = {"status": "changed", **preview_of(quoted)}
            upgrade = replace(upgrade, keyed=_keyed(key, quoted, answer))
            await self._context.settler.complete_upgrade(upgrade)
            return {**answer, "available": credit_text(state.available_micro)}
        opened = await workflow.execute_activity_method(
            ChangeActivities.open_upgrade,
            upgrade,
            summary=f"open the upgrade to {quoted.plan.plan_id}",
            **LEDGER,
        )
        if opened.charge is None or opened.status not in ("opened", "repeated"):
            return refused(opened.status)
        self._context.settler.await_answer(upgrade.charge_id, ticket)
        self._context.collector.collect(
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
            left = await self._context.write_cancel(state.period.end, preview=True)
            return {"status": "preview", **_ending(state.period.end, left)}
        await self._context.drop_renewal()
        state.cancel_at_end, state.next_plan = True, None
        left = await self._context.write_cancel(state.period.end)
        return {"status": "canceled", **_ending(state.period.end, left)}

    async def _cancel_now(self, *, preview: bool) -> Answer:
        state, now = self._state, workflow.now()
        left = NOTHING_LEFT
        if state.period is not None:
            left = await self._context.write_cancel(now, preview=preview)
        if not preview:
            state.cancel_at_end = state.ends_now = True
        return {"status": "preview" if preview else "ended", **_ending(now, left)}


def _keyed(key: str, quoted: Quoted, answer: Answer) -> Keyed | None:
    return Keyed(key, quoted.plan.plan_id, answer) if key else None


def _ending(ends_at: datetime, left: LeftBehind) -> Answer:
    """Return when it ends, what is lost with it and what is kept until the next paid plan."""
    return {
        "effective_at": ends_at.isoformat(),
        "lost_credits": {one.credit_type: credit_text(one.lost_micro) for one in left.credits},
        "kept_credits": {one.credit_type: credit_text(one.kept_micro) for one in left.credits},
    }
