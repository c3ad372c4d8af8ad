"""What became of a charge, settled: one transaction of the ledger each, then the state."""

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities, Upgrade
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
from workflows.inbox import Answer, Inbox, credit_text
from workflows.options import LEDGER


class Settler:
    """Settles charges that are paid or declined."""

    def __init__(self, state: SubscriptionState, inbox: Inbox) -> None:
        self._state = state
        self._inbox = inbox
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

    async def paid(self, charge: OpenCharge, paid: Paid) -> list[OpenCharge]:
        """Settle a paid charge; return the charges that are not needed any more."""
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
                    return await self._grant(charge, paid)

        return []

    async def declined(self, charge: OpenCharge, declined: Declined) -> list[OpenCharge]:
        """Settle a declined attempt; return the charge if it is not tried again."""
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
            return [charge]
        return []

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

    async def release_paid(self) -> None:
        """Grant purchases whose money arrived while no window was open."""
        for charge in self._state.charges:
            if charge.step is Step.PAID and charge.paid is not None:
                await self._grant(charge, charge.paid)

    async def resume(self, paid: Paid | None) -> None:
        """End a payment pause."""
        state = self._state
        state.unpause(Pause.PAYMENT_FAILED)
        available = await workflow.execute_activity_method(
            PurchaseActivities.resume,
            Resumption(self.buyer(), state.status, paid),
            summary="resume after payment",
            **LEDGER,
        )
        self._balance(available)

    async def _grant(self, charge: OpenCharge, paid: Paid) -> list[OpenCharge]:
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
        needless: list[OpenCharge] = []
        if Pause.PAYMENT_FAILED in state.pauses and (charge.kind is ChargeKind.AUTO or mild):
            needless = [failed for failed in state.charges if failed.step is Step.DECLINED]
            await self.resume(paid)
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
        return needless

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
