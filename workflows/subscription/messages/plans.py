"""Plan changes and cancellation."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.answers import AnswerActivities, Asker, Keyed
    from activities.plans.changes import ChangeActivities, ScheduledChange
    from activities.plans.uncancel import GoingOn, UncancelActivities
    from activities.plans.upgrades import Quoted, Upgrade, VersionRequest, charge_of_key
    from domain.messages.answers import credit_text, refused
    from domain.messages.plans import (
        Cancel,
        ChangePlan,
        MigratePlan,
        Uncancel,
        parse_cancel,
        parse_change_plan,
        parse_migrate_plan,
        parse_uncancel,
    )
    from domain.outcomes import Outcome, Refusal, Undecided
    from domain.payments.charges import ChargeKind
    from domain.payments.taxes import PRICE_CHANGED, is_as_shown
    from domain.pricing.proration import ChangeKind
    from domain.subscription import OWED, LeftBehind, OpenCharge, Step
from workflows.options import LEDGER, short
from workflows.previews import ask_for_tax, preview_of
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Update
from workflows.subscription.payments.plan_changes import no_upgrade
from workflows.subscription.payments.processing import processing_answer

MIGRATED = {
    ChangeKind.NONE: "unchanged",
    ChangeKind.DOWNGRADE: "scheduled",
    ChangeKind.UPGRADE: "changed",
}
NOTHING_LEFT = LeftBehind(())  # for a subscription that has not begun


async def _change_plan(context: Context, request: ChangePlan, ticket: int) -> Answer | None:
    """Change the plan; a repeated key gets its first answer again."""
    if not request.key or request.preview:
        return await _change(context, request, ticket)
    charge_id = charge_of_key(context.state.subscription_id, request.key)
    under_way = context.state.charge_named(charge_id)
    if under_way is not None and under_way.step not in (Step.DECLINED, Step.VOIDING):
        return _join(context, under_way, request, ticket)
    keyed = context.keyed(request.key, f"change_plan {request.plan_id}")
    return await context.first_answer(keyed, charge_id) or await _change(context, request, ticket)


async def _change(context: Context, request: ChangePlan, ticket: int) -> Answer | None:
    state = context.state
    if (reason := _between_periods(context)) is not None:
        return refused(reason)
    quoted = await workflow.execute_activity_method(
        ChangeActivities.quote,
        context.plan_request(request),
        summary=short(f"quote {request.plan_id}"),
        **LEDGER,
    )
    preview = preview_of(context, quoted)
    reason = _unchangeable(context, quoted) or quoted.refused
    if request.at_once and quoted.quote.kind is ChangeKind.DOWNGRADE:
        reason = reason or "needs_next_period"
    if reason:
        return refused(reason)
    if not is_as_shown(quoted.quote.amount_minor, quoted.plan.tax, request.expected_minor):
        return refused(PRICE_CHANGED)
    if request.preview:
        told = {"status": "preview", **quoted.paying(), **preview}
        ask_for_tax(context, quoted, told, ticket, expected_minor=request.expected_minor)
        return None
    if quoted.quote.kind is ChangeKind.UPGRADE:
        return await _upgrade(context, quoted, request, ticket)
    upgrade = state.charge_of(ChargeKind.UPGRADE)
    if upgrade is not None:
        await context.collector.give_up(upgrade)
    scheduled = quoted.quote.kind is ChangeKind.DOWNGRADE
    answer = {"status": "scheduled" if scheduled else "unscheduled", **preview}
    keyed = context.keyed(request.key, f"change_plan {request.plan_id}", answer)
    await _schedule(context, quoted, keyed)
    return answer


def _unchangeable(context: Context, quoted: Quoted) -> str | None:
    """Return why a quoted change is refused, of a preview as of the change itself, or None."""
    state, upgrade = context.state, context.state.charge_of(ChargeKind.UPGRADE)
    if state.cancel_at_end:
        return "already_canceled"
    if not _gives_way(upgrade, quoted):
        return "change_under_way"
    if quoted.quote.kind is ChangeKind.UPGRADE:
        return no_upgrade(state)
    idle = state.next_plan is None and upgrade is None
    return "same_plan" if quoted.quote.kind is ChangeKind.NONE and idle else None


def _gives_way(upgrade: OpenCharge | None, wanted: Quoted) -> bool:
    """Return whether no upgrade is under way, or one that waits for its buyer is taken back."""
    if upgrade is None:
        return True
    waits = upgrade.step in OWED and bool(upgrade.confirm_until or upgrade.sent)
    return waits and wanted.quote.kind is ChangeKind.NONE


def _join(context: Context, charge: OpenCharge, request: ChangePlan, ticket: int) -> Answer | None:
    """Let a repeat wait for the charge that the first message opened."""
    if charge.plan is None or charge.plan.plan_id != request.plan_id:
        return refused(Refusal.IDEMPOTENCY_CONFLICT)
    if charge.step in (Step.PROCESSING, Step.SENT):
        return processing_answer(charge)
    context.settler.await_answer(charge.charge.charge_id, ticket)
    return None


async def _schedule(context: Context, quoted: Quoted, keyed: Keyed | None = None) -> None:
    """Schedule a plan for the next period, or cancel the scheduled change."""
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
    """Move to another version of the plan for an operator; nobody is charged for it."""
    key = "" if request.preview else request.key
    keyed = context.keyed(key, f"migrate_plan {request.version} {request.when}")
    return await context.first_answer(keyed) or await _migrate(context, request, keyed)


async def _migrate(context: Context, request: MigratePlan, keyed: Keyed | None) -> Answer:
    state = context.state
    if (reason := _between_periods(context)) is not None:
        return refused(reason)
    quoted = await workflow.execute_activity_method(
        ChangeActivities.quote_version,
        VersionRequest(
            context.plan_request(ChangePlan(state.plan_in_force().plan_id, preview=False)),
            state.next_plan,
            request.version,
            now=request.when == "now",
        ),
        summary=f"quote version {request.version or 'newest'}",
        **LEDGER,
    )
    preview = {**preview_of(context, quoted), "version": quoted.plan.version}
    if state.cancel_at_end or state.charge_of(ChargeKind.UPGRADE) is not None:
        return refused("already_canceled" if state.cancel_at_end else "change_under_way")
    if request.preview:
        return {"status": "preview", **preview}
    answer = {"status": MIGRATED[quoted.quote.kind], **preview}
    keyed = replace(keyed, answer=answer) if keyed else None
    if quoted.quote.kind is ChangeKind.NONE:
        await _keep_unmoved(context, keyed)
        return answer
    if quoted.quote.kind is ChangeKind.DOWNGRADE:
        await _schedule(context, quoted, keyed)
        return answer
    await context.drop_renewal()
    await context.settler.complete_upgrade(replace(_next_upgrade(context, quoted), keyed=keyed))
    return {**answer, "available": credit_text(state.available_micro)}


async def _keep_unmoved(context: Context, keyed: Keyed | None) -> None:
    """Store the answer that nothing had to move, so that a repeat cannot move it later."""
    if keyed is not None:
        await workflow.execute_activity_method(
            AnswerActivities.keep,
            args=[Asker(context.state.account_id, workflow.now()), keyed],
            summary=short(f"keep the answer to {keyed.key}"),
            **LEDGER,
        )


def _next_upgrade(
    context: Context, quoted: Quoted, key: str = "", expected_minor: int | None = None
) -> Upgrade:
    state, moment = context.state, context.moment()
    name = charge_of_key(state.subscription_id, key)
    if not key:
        name = f"{state.subscription_id}:upgrade:{state.next_upgrade()}"
    return Upgrade(
        buyer=replace(context.settler.buyer(), expected_minor=expected_minor),
        plan=quoted.plan,
        quote=quoted.quote,
        charge_id=name,
        anchor=moment.anchor,
        time_zone=moment.time_zone,
    )


def _between_periods(context: Context) -> str | None:
    """Return why no plan change can be quoted right now, or None."""
    state = context.state
    if state.period is None or state.period.end > workflow.now():
        return None
    # The renewal in flight decides which plan the new period has.
    return f"paused:{state.pauses[0].value}" if state.pauses else Undecided.RENEWAL_PENDING


async def _upgrade(
    context: Context, quoted: Quoted, request: ChangePlan, ticket: int
) -> Answer | None:
    state = context.state
    if state.period is None:
        return refused("no_subscription")
    await context.drop_renewal()
    upgrade = _next_upgrade(context, quoted, request.key, request.expected_minor)
    if quoted.quote.amount_minor == 0:
        answer = {"status": "changed", **preview_of(context, quoted)}
        keyed = context.keyed(request.key, f"change_plan {quoted.plan.plan_id}", answer)
        upgrade = replace(upgrade, keyed=keyed)
        await context.settler.complete_upgrade(upgrade)
        return {**answer, "available": credit_text(state.available_micro)}
    opened = await workflow.execute_activity_method(
        ChangeActivities.open_upgrade,
        upgrade,
        summary=f"open the upgrade to {quoted.plan.plan_id}",
        **LEDGER,
    )
    if opened.charge is None or opened.status not in (Outcome.OPENED, Outcome.REPEATED):
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
    """End at the period's end or now; a repeated key gets its first answer again."""
    # A preview, or a subscription that has not begun, stores no answer.
    key = "" if request.preview or context.state.period is None else request.key
    keyed = context.keyed(key, f"cancel {request.when}")
    return await context.first_answer(keyed) or await _end(context, request, keyed)


async def _end(context: Context, request: Cancel, keyed: Keyed | None) -> Answer:
    state = context.state
    renewal = state.charge_of(ChargeKind.PERIOD)
    over = state.period is None or state.period.end <= workflow.now()
    if request.when == "now" or (over and (renewal is None or renewal.step in OWED)):
        return await _end_now(context, keyed, preview=request.preview)
    if state.cancel_at_end:
        return refused("already_canceled")
    if state.period is None or over:
        return refused(Undecided.RENEWAL_PENDING)
    ends = {"effective_at": state.period.end.isoformat()}
    if request.preview:
        left = await context.write_cancel(state.period.end, preview=True)
        return {"status": "preview", **ends, **left.told()}
    await context.drop_renewal()
    state.cancel_at_period_end()
    answer = {"status": "canceled", **ends}
    keyed = replace(keyed, answer=answer) if keyed else None
    left = await context.write_cancel(state.period.end, keyed=keyed)
    return {**answer, **left.told()}


async def _end_now(context: Context, keyed: Keyed | None, *, preview: bool) -> Answer:
    state, now = context.state, workflow.now()
    answer = {"status": "preview" if preview else "ended", "effective_at": now.isoformat()}
    keyed = replace(keyed, answer=answer) if keyed else None
    left = NOTHING_LEFT
    if state.period is not None:
        left = await context.write_cancel(now, preview=preview, keyed=keyed)
    if not preview:
        state.end_now()
    return {**answer, **left.told()}


async def _uncancel(context: Context, request: Uncancel, _ticket: int) -> Answer:
    """Take back an end at the period's end; a repeated key gets its first answer again."""
    keyed = context.keyed("" if request.preview else request.key, "uncancel")
    return await context.first_answer(keyed) or await _go_on(context, request, keyed)


async def _go_on(context: Context, request: Uncancel, keyed: Keyed | None) -> Answer:
    state = context.state
    ends = state.period.end if state.period else None
    if state.over or (state.cancel_at_end and (ends is None or ends <= workflow.now())):
        return refused("subscription_ended")
    if not state.cancel_at_end or ends is None:
        return refused("not_canceled")
    plan = state.plan_in_force()
    renews = {
        "plan": plan.plan_id,
        "renews_at": ends.isoformat(),
        "amount_minor": state.renewal_minor(plan),
        "currency": plan.currency,
    }
    if request.preview:
        return {"status": "preview", **renews}
    state.uncancel()
    answer = {"status": "uncanceled", **renews}
    keyed = replace(keyed, answer=answer) if keyed else None
    await workflow.execute_activity_method(
        UncancelActivities.uncancel,
        GoingOn(context.moment(), state.status, keyed),
        summary=f"go on after {ends:%Y-%m-%d %H:%M}",
        **LEDGER,
    )
    return answer


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
        "uncancel",
        "Take a cancellation back before the period's end; a preview moves nothing.",
        parse_uncancel,
        _uncancel,
    ),
    Update(
        "migrate_plan",
        "Operators: move to another version of the plan.",
        parse_migrate_plan,
        _migrate_plan,
    ),
)
