"""Changes of plan, and the end."""

from dataclasses import replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans.changes import ChangeActivities, ScheduledChange
    from activities.plans.upgrades import Keyed, Quoted, Upgrade, WantedVersion, charge_of_key
    from domain.messages.plans import (
        Cancel,
        ChangePlan,
        MigratePlan,
        parse_cancel,
        parse_change_plan,
        parse_migrate_plan,
    )
    from domain.payments.charges import ChargeKind
    from domain.pricing.proration import ChangeKind
    from domain.subscription import LeftBehind, OpenCharge, Step
from workflows.options import LEDGER, short
from workflows.previews import preview_of
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer, credit_text, refused
from workflows.subscription.messages.message import Update
from workflows.subscription.processing import processing_answer

NOTHING_LEFT = LeftBehind(())  # of a subscription that has not begun


async def _change_plan(context: Context, request: ChangePlan, ticket: int) -> Answer | None:
    """Change the plan; a key that was used before gets its first answer again."""
    if not request.key or request.preview:
        return await _change(context, request, ticket)
    charge_id = charge_of_key(context.state.subscription_id, request.key)
    if (under_way := context.state.charge_named(charge_id)) is not None:
        return _join(context, under_way, request, ticket)
    return await _before(context, request, charge_id) or await _change(context, request, ticket)


async def _change(context: Context, request: ChangePlan, ticket: int) -> Answer | None:
    state = context.state
    if (reason := _between_periods(context)) is not None:
        return refused(reason)
    quoted = await workflow.execute_activity_method(
        ChangeActivities.quote,
        context.plan_request(request.plan_id),
        summary=short(f"quote {request.plan_id}"),
        **LEDGER,
    )
    preview = preview_of(quoted)
    if request.preview:
        return {"status": "preview", **preview}
    if state.cancel_at_end or state.charge_of(ChargeKind.UPGRADE) is not None:
        return refused("already_canceled" if state.cancel_at_end else "change_under_way")
    if quoted.quote.kind is ChangeKind.UPGRADE:
        return await _upgrade(context, quoted, request.key, ticket)
    if quoted.quote.kind is ChangeKind.NONE and state.next_plan is None:
        return refused("same_plan")
    scheduled = quoted.quote.kind is ChangeKind.DOWNGRADE
    answer = {"status": "scheduled" if scheduled else "unscheduled", **preview}
    await _schedule(context, quoted, _keyed(request.key, quoted, answer))
    return answer


def _join(context: Context, charge: OpenCharge, request: ChangePlan, ticket: int) -> Answer | None:
    """Let a repeat wait for the charge that the first message opened."""
    if charge.plan is None or charge.plan.plan_id != request.plan_id:
        return refused("idempotency_conflict")
    if charge.step is Step.PROCESSING:
        return processing_answer(charge)
    context.settler.await_answer(charge.charge.charge_id, ticket)
    return None


async def _before(context: Context, request: ChangePlan, charge_id: str) -> Answer | None:
    """Return the first answer to a message that is repeated; None: it is the first."""
    found = await workflow.execute_activity_method(
        ChangeActivities.find,
        args=[context.settler.buyer(), Keyed(request.key, request.plan_id)],
        summary=short(f"look for an earlier change {request.key}"),
        **LEDGER,
    )
    if found.status == "new":
        return None
    if found.status == "void":
        return {"status": "declined", "reason": "declined", "charge_id": charge_id}
    return found.answer if found.status == "kept" else refused(found.status)


async def _schedule(context: Context, quoted: Quoted, keyed: Keyed | None = None) -> None:
    """Let a plan take over with the next period, or call off what was to."""
    state = context.state
    await context.drop_renewal()
    state.schedule_plan(quoted.plan if quoted.quote.kind is ChangeKind.DOWNGRADE else None)
    await workflow.execute_activity_method(
        ChangeActivities.schedule,
        ScheduledChange(context.settler.buyer(), state.next_plan, quoted.quote.effective_at, keyed),
        summary=short(f"schedule {quoted.plan.plan_id}"),
        **LEDGER,
    )


async def _migrate_plan(context: Context, request: MigratePlan, _ticket: int) -> Answer:
    """Move to another version of the plan, as an operator asks: nobody is charged for it."""
    state = context.state
    if (reason := _between_periods(context)) is not None:
        return refused(reason)
    quoted = await workflow.execute_activity_method(
        ChangeActivities.quote_version,
        WantedVersion(
            context.plan_request(state.plan_in_force().plan_id),
            state.next_plan,
            request.version,
            now=request.when == "now",
        ),
        summary=f"quote version {request.version or 'newest'}",
        **LEDGER,
    )
    preview = {**preview_of(quoted), "version": quoted.plan.version}
    if request.preview:
        return {"status": "preview", **preview}
    if state.cancel_at_end or state.charge_of(ChargeKind.UPGRADE) is not None:
        return refused("already_canceled" if state.cancel_at_end else "change_under_way")
    if quoted.quote.kind is ChangeKind.NONE:
        return {"status": "unchanged", **preview}
    if quoted.quote.kind is ChangeKind.DOWNGRADE:
        await _schedule(context, quoted)
        return {"status": "scheduled", **preview}
    await context.drop_renewal()
    await context.settler.complete_upgrade(_next_upgrade(context, quoted))
    return {"status": "changed", "available": credit_text(state.available_micro), **preview}


def _next_upgrade(context: Context, quoted: Quoted, key: str = "") -> Upgrade:
    state, moment = context.state, context.moment()
    name = charge_of_key(state.subscription_id, key)
    if not key:
        name = f"{state.subscription_id}:upgrade:{state.next_upgrade()}"
    return Upgrade(
        context.settler.buyer(),
        quoted.plan,
        quoted.quote,
        name,
        moment.anchor,
        moment.time_zone,
    )


def _between_periods(context: Context) -> str | None:
    """Return why no plan can be quoted at this moment, or None."""
    state = context.state
    if state.period is None or state.period.end > workflow.now():
        return None
    # The renewal under way decides which plan the new period has.
    return f"paused:{state.pauses[0].value}" if state.pauses else "renewal_pending"


async def _upgrade(context: Context, quoted: Quoted, key: str, ticket: int) -> Answer | None:
    state = context.state
    if state.pauses:
        return refused(f"paused:{state.pauses[0].value}")
    if state.period is None:
        return refused("no_subscription")
    await context.drop_renewal()
    upgrade = _next_upgrade(context, quoted, key)
    if quoted.quote.amount_minor == 0:
        answer = {"status": "changed", **preview_of(quoted)}
        upgrade = replace(upgrade, keyed=_keyed(key, quoted, answer))
        await context.settler.complete_upgrade(upgrade)
        return {**answer, "available": credit_text(state.available_micro)}
    opened = await workflow.execute_activity_method(
        ChangeActivities.open_upgrade,
        upgrade,
        summary=f"open the upgrade to {quoted.plan.plan_id}",
        **LEDGER,
    )
    if opened.charge is None or opened.status not in ("opened", "repeated"):
        return refused(opened.status)
    context.settler.await_answer(upgrade.charge_id, ticket)
    context.collector.collect(
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


async def _cancel(context: Context, request: Cancel, _ticket: int) -> Answer:
    """Answer `preview`, `canceled`, `ended` or `refused`."""
    state = context.state
    renewal = state.charge_of(ChargeKind.PERIOD)
    over = state.period is None or state.period.end <= workflow.now()
    if request.when == "now" or (over and (renewal is None or renewal.step is Step.DECLINED)):
        return await _cancel_now(context, preview=request.preview)
    if state.cancel_at_end:
        return refused("already_canceled")
    if state.period is None or over:
        return refused("renewal_pending")
    if request.preview:
        left = await context.write_cancel(state.period.end, preview=True)
        return {"status": "preview", **_ending(state.period.end, left)}
    await context.drop_renewal()
    state.cancel_at_period_end()
    left = await context.write_cancel(state.period.end)
    return {"status": "canceled", **_ending(state.period.end, left)}


async def _cancel_now(context: Context, *, preview: bool) -> Answer:
    state, now = context.state, workflow.now()
    left = NOTHING_LEFT
    if state.period is not None:
        left = await context.write_cancel(now, preview=preview)
    if not preview:
        state.end_now()
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


MESSAGES = (
    Update(
        "change_plan",
        "Change the plan; a preview moves nothing.",
        parse_change_plan,
        _change_plan,
    ),
    Update(
        "cancel",
        "End at the period's end, or now; a preview moves nothing.",
        parse_cancel,
        _cancel,
        early=True,
    ),
    Update(
        "migrate_plan",
        "Operators: move to another version of the plan.",
        parse_migrate_plan,
        _migrate_plan,
    ),
)
