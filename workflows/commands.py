"""What updates and signals ask for, carried out by the loop one after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.changes import (
        Adjustment,
        ChangeActivities,
        OperatorPause,
        Quoted,
        ScheduledChange,
        Upgrade,
        Wanted,
    )
    from activities.payments import CardInUse, PaymentActivities
    from activities.periods import KnownPayer, Moment, PeriodActivities
    from activities.purchases import PurchaseActivities, Switch
    from domain.messages import (
        AdjustCredits,
        BuyCredits,
        Cancel,
        ChangePlan,
        OperatorNote,
        SetAutoPurchase,
    )
    from domain.payments import ChargeKind
    from domain.proration import ChangeKind
    from domain.subscription import OpenCharge, Pause, Step, SubscriptionState
from workflows.calls import Calls
from workflows.collecting import Collector
from workflows.inbox import Answer, Command, Inbox, credit_text, refused
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked, short
from workflows.previews import preview_of
from workflows.settling import Settler

UNKNOWN = "internal_error"
Carrier = Callable[[Any, int], Awaitable[Answer | None]]


class Commands:
    """Carries commands out; None as answer means that a charge will answer."""

    def __init__(
        self,
        state: SubscriptionState,
        inbox: Inbox,
        calls: Calls,
        collector: Collector,
        settler: Settler,
    ) -> None:
        self._state = state
        self._inbox = inbox
        self._calls = calls
        self._collector = collector
        self._settler = settler
        self._carriers: dict[str, Carrier] = {
            "buy_credits": self._buy_credits,
            "set_auto_purchase": self._set_auto_purchase,
            "change_plan": self._change_plan,
            "cancel": self._cancel,
            "pause": self._pause,
            "resume": self._resume,
            "adjust_credits": self._adjust_credits,
            "payment_method_updated": self._payment_method_updated,
            "invoice_paid": self._invoice_paid,
        }

    async def carry_out(self, command: Command) -> None:
        """Carry one command out and answer it."""
        try:
            answer = await self._decided(command)
        except ActivityError as error:
            answer = refused(_reason(error))
        if answer is None:
            return
        self._inbox.answer(command.ticket, answer)
        if not command.ticket and answer["status"] == "refused":
            self._inbox.refuse(None, f"{command.name}: {command.wanted}", answer["reason"])

    async def _decided(self, command: Command) -> Answer | None:
        if self._state.ended or self._state.ends_now:
            return refused("subscription_ended")
        begun = self._state.period is not None
        if not begun and command.name not in ("payment_method_updated", "invoice_paid", "cancel"):
            return refused("no_subscription")
        return await self._carriers[command.name](command.wanted, command.ticket)

    async def _buy_credits(self, wanted: BuyCredits, ticket: int) -> Answer | None:
        buyer = self._settler.buyer()
        purchase = await workflow.execute_activity_method(
            PurchaseActivities.open_manual,
            args=[buyer, wanted.key, wanted.quantity_micro],
            summary=short(f"open purchase {wanted.key}"),
            **LEDGER,
        )
        if purchase.charge is None or purchase.status not in ("opened", "open", "paid", "void"):
            return refused(purchase.status)
        charge_id = purchase.charge.charge_id
        if purchase.status == "void":
            return {"status": "declined", "reason": "declined", "charge_id": charge_id}
        if purchase.status == "paid":
            return {
                "status": "paid",
                "charge_id": charge_id,
                "credits": credit_text(purchase.quantity_micro),
                "amount_minor": purchase.charge.amount_minor,
                "currency": purchase.charge.currency,
                "available": credit_text(self._state.available_micro),
            }
        self._settler.await_answer(charge_id, ticket)
        if self._state.charge_named(charge_id) is None:
            self._collector.collect(
                OpenCharge(
                    purchase.charge,
                    Step.PREPARING,
                    workflow.now(),
                    quantity_micro=purchase.quantity_micro,
                    window_end=buyer.window.end,
                )
            )
        return None

    async def _set_auto_purchase(self, wanted: SetAutoPurchase, _ticket: int) -> Answer:
        status = await workflow.execute_activity_method(
            PurchaseActivities.set_auto_purchase,
            Switch(self._settler.buyer(), wanted.on),
            summary=f"auto-purchase {'on' if wanted.on else 'off'}",
            **LEDGER,
        )
        if status != "done":
            return refused(status)
        self._state.auto_purchase = wanted.on
        return {"status": "done", "auto_purchase": wanted.on}

    async def _change_plan(self, wanted: ChangePlan, ticket: int) -> Answer | None:
        state = self._state
        if (reason := self._between_periods()) is not None:
            return refused(reason)
        quoted = await workflow.execute_activity_method(
            ChangeActivities.quote,
            Wanted(self._settler.buyer(), wanted.plan_id),
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
        await self._drop_renewal()
        state.next_plan = quoted.plan if quoted.quote.kind is ChangeKind.DOWNGRADE else None
        await workflow.execute_activity_method(
            ChangeActivities.schedule,
            ScheduledChange(self._settler.buyer(), state.next_plan, quoted.quote.effective_at),
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
        await self._drop_renewal()
        state.upgrades += 1
        charge_id = f"{state.subscription_id}:upgrade:{state.upgrades}"
        upgrade = Upgrade(
            self._settler.buyer(),
            quoted.plan,
            quoted.quote,
            charge_id,
            state.anchor,
            state.time_zone,
        )
        if quoted.quote.amount_minor == 0:
            await self._settler.complete_upgrade(upgrade)
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
        self._settler.await_answer(charge_id, ticket)
        self._collector.collect(
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
        await self._drop_renewal()
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
            args=[self.moment(), ends],
            summary=f"cancel at {ends:%Y-%m-%d %H:%M}",
            **LEDGER,
        )

    async def _pause(self, wanted: OperatorNote, _ticket: int) -> Answer:
        if Pause.BY_OPERATOR in self._state.pauses:
            return refused("already_paused")
        self._state.pause(Pause.BY_OPERATOR)
        await self._write_pause(wanted, paused=True)
        return {"status": "paused"}

    async def _resume(self, wanted: OperatorNote, _ticket: int) -> Answer:
        if Pause.BY_OPERATOR not in self._state.pauses:
            return refused("not_paused")
        self._state.unpause(Pause.BY_OPERATOR)
        await self._write_pause(wanted, paused=False)
        return {"status": self._state.status.value}

    async def _write_pause(self, note: OperatorNote, *, paused: bool) -> None:
        await workflow.execute_activity_method(
            ChangeActivities.pause,
            OperatorPause(self._settler.buyer(), note, paused, self._state.status),
            summary=short(f"{'pause' if paused else 'resume'}: {note.reason}"),
            **LEDGER,
        )

    async def _adjust_credits(self, wanted: AdjustCredits, _ticket: int) -> Answer:
        adjusted = await workflow.execute_activity_method(
            ChangeActivities.adjust,
            Adjustment(self._settler.buyer(), wanted),
            summary=short(f"adjust by {credit_text(wanted.quantity_micro)}: {wanted.reason}"),
            **LEDGER,
        )
        if adjusted.status != "done":
            return refused(adjusted.status)
        self._state.available_micro = adjusted.available_micro
        self._state.balance_as_of = workflow.now()
        return {"status": "done", "available": credit_text(adjusted.available_micro)}

    async def _payment_method_updated(self, method: str, _ticket: int) -> Answer | None:
        """Verify the card with the processor; the loop goes on meanwhile."""
        if method == self._state.payment_method:
            return None  # several events of the processor tell of one update
        self._state.card_updates += 1
        self._calls.start(
            workflow.start_activity_method(
                PaymentActivities.use_card,
                CardInUse(self._state.payer, method, update=self._state.card_updates),
                summary=f"use card {method}",
                **ranked(PROCESSOR, INTERACTIVE, self._state.start.customer_id),
            ),
            self._card_in_use,
        )
        return None

    async def _card_in_use(self, card: CardInUse) -> None:
        state = self._state
        if card.refused:
            self._inbox.refuse(None, f"payment_method_updated: {card.method}", card.refused)
            return
        if card.method == state.payment_method:
            return
        state.payment_method, state.card = card.method, card.card
        await workflow.execute_activity_method(
            PeriodActivities.know_payer,
            KnownPayer(state.start.customer_id, state.payer, has_card=True),
            summary=f"card is {card.card}",
            **LEDGER,
        )
        await self._collector.card_updated()

    async def _invoice_paid(self, invoice: str, _ticket: int) -> Answer | None:
        for charge in self._state.charges:
            if charge.invoice == invoice and charge.step is Step.DECLINED:
                self._collector.read_back(charge)
        return None

    async def _drop_renewal(self) -> None:
        """Give up a renewal prepared for a plan that will not be renewed."""
        charge = self._state.charge_of(ChargeKind.PERIOD)
        if charge is not None and charge.step in (Step.PREPARING, Step.PREPARED):
            self._state.renewals_dropped += 1
            await self._collector.give_up(replace(charge, pay_at=None))

    def moment(self) -> Moment:
        """Return this instant in the subscription's life."""
        state = self._state
        if state.anchor is None:
            raise LookupError("the subscription has not begun")
        return Moment(
            state.subscription_id,
            state.account_id,
            state.plan_in_force(),
            state.anchor,
            state.time_zone,
            workflow.now(),
        )


def _reason(error: ActivityError) -> str:
    cause = error.cause
    return cause.type or UNKNOWN if isinstance(cause, ApplicationError) else UNKNOWN
