"""Charges of one subscription: prepared, paid, declined, retried, given up.

Every step is an activity that the loop does not wait for; what became of it is settled in one
transaction of the ledger. The same attempt number repeats an attempt, a new one tries again.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities, Upgrade
    from activities.payments import Attempt, Collected, Invoiced, PaymentActivities
    from activities.periods import PaidPeriod, PeriodActivities
    from activities.purchases import (
        Buyer,
        FailedCharge,
        PaidPurchase,
        PurchaseActivities,
        Resumption,
    )
    from domain.catalog import ResumeOn
    from domain.payments import ChargeKind, Decline, Declined, Paid
    from domain.subscription import OpenCharge, Pause, Step, SubscriptionState
from workflows.calls import Calls
from workflows.inbox import Answer, Inbox, credit_text
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, PURCHASE, RENEWAL, ranked

RANKS = {
    ChargeKind.PERIOD: RENEWAL,
    ChargeKind.UPGRADE: INTERACTIVE,
    ChargeKind.MANUAL: INTERACTIVE,
    ChargeKind.AUTO: PURCHASE,
}


class Collector:
    """Collects the open charges of a subscription."""

    def __init__(self, state: SubscriptionState, inbox: Inbox, calls: Calls) -> None:
        self._state = state
        self._inbox = inbox
        self._calls = calls
        self._tickets: dict[str, list[int]] = {}
        self.period_opened = False

    def buyer(self, charge: OpenCharge | None = None) -> Buyer:
        """Return who buys at this instant; before the first period, the one being paid for."""
        state = self._state
        period = state.period or (charge.period if charge else None)
        if period is None:
            raise LookupError("nothing can be bought before the first period")
        return Buyer(
            state.subscription_id,
            state.start.customer_id,
            state.account_id,
            state.payer,
            state.plan_in_force(),
            period,
            state.window or period,
            workflow.now(),
        )

    def await_answer(self, charge_id: str, ticket: int) -> None:
        """Answer a ticket once a charge is settled."""
        self._tickets.setdefault(charge_id, []).append(ticket)

    def collect(self, charge: OpenCharge) -> None:
        """Start to collect a charge that the ledger has opened."""
        self._state.put(charge)
        self._calls.start(
            workflow.start_activity_method(
                PaymentActivities.prepare,
                charge.charge,
                summary=f"invoice {charge.charge.charge_id}",
                **ranked(PROCESSOR, RANKS[charge.kind], self._state.start.customer_id),
            ),
            lambda invoiced: self._invoiced(charge.charge.charge_id, invoiced),
        )

    def pay(self, charge: OpenCharge) -> None:
        """Start an attempt at a prepared charge."""
        charge = replace(charge, step=Step.PAYING, pay_at=None, retry_at=None)
        self._state.put(charge)
        attempt = Attempt(charge.charge.charge_id, charge.invoice, charge.attempt)
        self._calls.start(
            workflow.start_activity_method(
                PaymentActivities.pay,
                attempt,
                summary=f"pay {charge.charge.charge_id}, attempt {charge.attempt}",
                **ranked(PROCESSOR, RANKS[charge.kind], self._state.start.customer_id),
            ),
            lambda collected: self._collected(charge.charge.charge_id, collected),
        )

    def retry(self, charge: OpenCharge) -> None:
        """Try a declined charge again, with a new attempt number."""
        again = replace(charge, attempt=charge.attempt + 1, retry_at=None)
        if again.invoice:
            self.pay(again)
        else:
            self.collect(replace(again, step=Step.PREPARING))

    def read_back(self, charge: OpenCharge) -> None:
        """Ask the processor what became of a charge that somebody says is paid."""
        self._calls.start(
            workflow.start_activity_method(
                PaymentActivities.read,
                Attempt(charge.charge.charge_id, charge.invoice, charge.attempt),
                summary=f"read {charge.charge.charge_id}",
                **PROCESSOR,
            ),
            lambda collected: self._read(charge.charge.charge_id, collected),
        )

    async def give_up(self, charge: OpenCharge) -> None:
        """Void a charge; if money arrived first, it counts."""
        if not charge.invoice:
            await self._void_in_ledger(charge)
            return
        charge = replace(charge, step=Step.VOIDING, retry_at=None, pay_at=None)
        self._state.put(charge)
        self._calls.start(
            workflow.start_activity_method(
                PaymentActivities.void,
                Attempt(charge.charge.charge_id, charge.invoice, charge.attempt),
                summary=f"void {charge.charge.charge_id}",
                **PROCESSOR,
            ),
            lambda collected: self._given_up(charge.charge.charge_id, collected),
        )

    async def card_updated(self) -> None:
        """Retry what is still needed, give up what is not, resume if nothing is owed."""
        now = workflow.now()
        state = self._state
        owed = False
        for charge in [one for one in state.charges if one.step is Step.DECLINED]:
            if charge.window_end is None or charge.window_end > now:
                self.retry(charge)
                owed = True
            else:
                await self.give_up(charge)
        if owed or Pause.PAYMENT_FAILED not in state.pauses:
            return
        if state.period is not None and state.period.end <= now:
            # The wallet stays paused until the renewal, which is charged now, is paid.
            state.unpause(Pause.PAYMENT_FAILED)
            state.lapsed = False
        else:
            await self._resume(None)

    async def release_paid(self) -> None:
        """Grant purchases whose money arrived while no window was open."""
        for charge in self._state.charges:
            if charge.step is Step.PAID and charge.paid is not None:
                await self._grant(charge, charge.paid)

    async def _invoiced(self, charge_id: str, invoiced: Invoiced) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None or charge.step is not Step.PREPARING:
            return
        if invoiced.refused:
            refusal = Declined(
                "declined", "", Decline.HARD, invoiced.refused, "", self._state.card, ""
            )
            await self._declined(charge, refusal)
            return
        prepared = replace(charge, step=Step.PREPARED, invoice=invoiced.invoice)
        self._state.put(prepared)
        if prepared.pay_at is None or prepared.pay_at <= workflow.now():
            self.pay(prepared)

    async def _collected(self, charge_id: str, collected: Collected) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None:
            return
        if collected.paid is not None:
            await self._paid(charge, collected.paid)
        elif collected.declined is not None:
            await self._declined(charge, collected.declined)

    async def _read(self, charge_id: str, collected: Collected) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is not None and charge.step is Step.DECLINED and collected.paid is not None:
            await self._paid(charge, collected.paid)

    async def _given_up(self, charge_id: str, collected: Collected) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None:
            return
        if collected.paid is not None:
            await self._paid(charge, collected.paid)
            return
        await self._void_in_ledger(charge)

    async def _void_in_ledger(self, charge: OpenCharge) -> None:
        charge_id = charge.charge.charge_id
        await workflow.execute_activity_method(
            PurchaseActivities.void,
            args=[self.buyer(charge), charge_id],
            summary=f"void {charge_id} in the ledger",
            **LEDGER,
        )
        self._state.drop(charge)

    async def _paid(self, charge: OpenCharge, paid: Paid) -> None:
        self._state.last_charge = f"{paid.amount_minor} {charge.charge.currency} minor units paid"
        match charge.kind:
            case ChargeKind.PERIOD:
                await self.open_period(charge, paid)
            case ChargeKind.UPGRADE:
                await self._complete_upgrade(charge, paid)
            case ChargeKind.MANUAL | ChargeKind.AUTO:
                window = self._state.window
                if window is not None and window.end <= workflow.now() and not self._state.ended:
                    self._state.put(replace(charge, step=Step.PAID, paid=paid))
                else:
                    await self._grant(charge, paid)

    async def open_period(self, charge: OpenCharge, paid: Paid | None) -> None:
        """Begin a period that is paid for, or free."""
        state = self._state
        if charge.plan is None or charge.period is None or state.anchor is None:
            raise LookupError(f"{charge.charge.charge_id} is no charge of a period")
        pauses = tuple(one for one in state.pauses if one is not Pause.PAYMENT_FAILED)
        serving = await workflow.execute_activity_method(
            PeriodActivities.open_period,
            PaidPeriod(
                state.subscription_id,
                state.account_id,
                charge.plan,
                state.anchor,
                state.time_zone,
                charge.period,
                charge.charge if paid else None,
                paid,
                state.period is None,
                state.serving_status(pauses),
                workflow.now(),
            ),
            summary=f"begin the period from {charge.period.start:%Y-%m-%d}",
            **LEDGER,
        )
        state.drop(charge)
        state.plan, state.next_plan = charge.plan, None
        state.period, state.window = charge.period, serving.window
        state.pauses, state.lapsed = pauses, False
        state.auto_purchase = state.auto_purchase and charge.plan.auto is not None
        self._balance(serving.available_micro)
        self._inbox.held_up = ""
        self.period_opened = True
        await self.release_paid()

    async def _grant(self, charge: OpenCharge, paid: Paid) -> None:
        state = self._state
        available = await workflow.execute_activity_method(
            PurchaseActivities.grant_purchase,
            PaidPurchase(self.buyer(charge), charge.charge, paid, frozen=state.ended),
            summary=f"grant {charge.charge.charge_id}",
            **LEDGER,
        )
        state.drop(charge)
        self._balance(available)
        if charge.kind is ChargeKind.AUTO:
            self._inbox.held_up = ""
        mild = state.plan_in_force().resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT
        if Pause.PAYMENT_FAILED in state.pauses and (charge.kind is ChargeKind.AUTO or mild):
            for failed in state.charges:
                if failed.step is Step.DECLINED:
                    await self.give_up(failed)
            await self._resume(paid)
        self._answer(
            charge,
            {
                "status": "paid",
                "charge_id": charge.charge.charge_id,
                "credits": credit_text(charge.quantity_micro),
                "amount_minor": paid.amount_minor,
                "currency": charge.charge.currency,
                "available": credit_text(available),
            },
        )

    async def _complete_upgrade(self, charge: OpenCharge, paid: Paid) -> None:
        state = self._state
        if charge.plan is None or charge.quote is None or state.anchor is None:
            raise LookupError(f"{charge.charge.charge_id} is no charge of an upgrade")
        upgrade = Upgrade(
            self.buyer(charge),
            charge.plan,
            charge.quote,
            charge.charge.charge_id,
            state.anchor,
            state.time_zone,
            paid,
        )
        await self.complete_upgrade(upgrade)
        state.drop(charge)
        self._answer(
            charge,
            {
                "status": "changed",
                "plan": charge.plan.plan_id,
                "charge_id": charge.charge.charge_id,
                "amount_minor": paid.amount_minor,
                "currency": charge.charge.currency,
                "available": credit_text(state.available_micro),
            },
        )

    async def complete_upgrade(self, upgrade: Upgrade) -> None:
        """Put a paid or waived upgrade in force."""
        available = await workflow.execute_activity_method(
            ChangeActivities.complete_upgrade,
            upgrade,
            summary=f"upgrade to {upgrade.plan.plan_id}",
            **LEDGER,
        )
        self._state.plan, self._state.next_plan = upgrade.plan, None
        self._balance(available)

    async def _declined(self, charge: OpenCharge, declined: Declined) -> None:
        state, now = self._state, workflow.now()
        first = charge.first_declined_at or now
        retry_at = _next_try(charge, declined, first) if state.period else None
        asked_for = charge.kind in (ChargeKind.MANUAL, ChargeKind.UPGRADE)
        pauses = not asked_for and state.period is not None
        charge = replace(
            charge,
            step=Step.DECLINED,
            declines=charge.declines + 1,
            first_declined_at=first,
            retry_at=retry_at,
        )
        state.put(charge)
        if pauses:
            state.pause(Pause.PAYMENT_FAILED)
        state.last_charge = f"{charge.charge.charge_id} declined: {declined.code}"
        await workflow.execute_activity_method(
            PurchaseActivities.note_decline,
            FailedCharge(
                self.buyer(charge),
                charge.charge,
                declined,
                charge.attempt,
                state.status,
                pauses,
                retry_at,
            ),
            summary=f"{charge.charge.charge_id} declined: {declined.code}",
            **LEDGER,
        )
        self._inbox.held_up = ""  # what waited is decided now: refused while paused
        if asked_for:
            self._answer(charge, _declined_answer(charge, declined))
            await self.give_up(charge)

    async def _resume(self, paid: Paid | None) -> None:
        state = self._state
        state.unpause(Pause.PAYMENT_FAILED)
        available = await workflow.execute_activity_method(
            PurchaseActivities.resume,
            Resumption(self.buyer(), state.status, paid),
            summary="resume after payment",
            **LEDGER,
        )
        self._balance(available)

    def _balance(self, available_micro: int) -> None:
        self._state.available_micro = available_micro
        self._state.balance_as_of = workflow.now()

    def _answer(self, charge: OpenCharge, answer: Answer) -> None:
        for ticket in self._tickets.pop(charge.charge.charge_id, []):
            self._inbox.answer(ticket, answer)


def _next_try(charge: OpenCharge, declined: Declined, first: datetime) -> datetime | None:
    """Return when dunning tries again by itself; hard declines wait for another card."""
    plan = charge.plan
    if plan is None or charge.kind not in (ChargeKind.PERIOD, ChargeKind.AUTO):
        return None
    auto = plan.auto.dunning_days if plan.auto else ()
    days = plan.renewal_dunning_days if charge.kind is ChargeKind.PERIOD else auto
    if declined.decline is not Decline.SOFT or charge.declines >= len(days):
        return None
    return first + timedelta(days=days[charge.declines])


def _declined_answer(charge: OpenCharge, declined: Declined) -> Answer:
    return {
        "status": "declined",
        "reason": "declined",
        "charge_id": charge.charge.charge_id,
        "decline": declined.decline.value,
        "invoice_url": declined.invoice_url,
    }
