"""Settles the outcome of a charge: one ledger transaction, then the state."""

from dataclasses import replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.declines import DeclineActivities, FailedCharge, Resumption
    from activities.payments.processing import ProcessingActivities
    from activities.periods.lifecycle import PeriodActivities
    from activities.plans.upgrades import Upgrade
    from activities.purchases.buyers import Buyer, PaidPurchase
    from activities.purchases.extra_credits import PurchaseActivities
    from domain.messages import answers
    from domain.messages.answers import credit_text
    from domain.payments.charge_fates import ASKED_FOR, FORGOTTEN, waits_for_window
    from domain.payments.charges import (
        LOOKED_INTO,
        ChargeKind,
        Decline,
        Declined,
        Paid,
        Processing,
        Sent,
    )
    from domain.payments.dunning import next_try, patience_ends
    from domain.payments.processor_states import Remark
    from domain.payments.taxes import LOCATION_MISSING
    from domain.pricing.policies import AfterDunning, ResumeOn, WhileUnpaid
    from domain.subscription import OpenCharge, Pause, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, of_a_period, short
from workflows.subscription.mailbox import Answer, Mailbox
from workflows.subscription.operator_view import demanded, money_for
from workflows.subscription.payments.before_money import (
    begin_before_money,
    coming_answer,
    grant_before_money,
    grants_before_money,
    look_again,
    settle_period,
)
from workflows.subscription.payments.periods import period_began, period_of
from workflows.subscription.payments.plan_changes import paid_upgrade, put_in_force
from workflows.subscription.payments.processing import (
    keep_waiting,
    let_operators_look,
    paid_late,
    wait_for_window,
)
from workflows.subscription.payments.sent_invoices import begins_when_sent, keep_sent
from workflows.subscription.payments.under_review import differing, look_into

# Older runs delay a renewal's charge to the period's end while a purchase is unpaid.
RENEWALS_GO_ON = "renewals-go-on"
# Older runs void a purchase at once that its buyer could still confirm with the bank.
CONFIRMED_LATER = "confirmed-later"
# Older runs do so with an upgrade.
OVER_IS_OVER = "money-while-it-ends-is-looked-into"
UPGRADES_CONFIRMED_LATER = "upgrades-confirmed-later"


class Settler:
    """Settles paid and declined charges."""

    def __init__(self, state: SubscriptionState, mailbox: Mailbox) -> None:
        self._state = state
        self._mailbox = mailbox
        self._tickets: dict[str, list[int]] = {}
        self.period_opened = False

    def buyer(self, charge: OpenCharge | None = None) -> Buyer:
        """Return the buyer now; before the first period, under the one being paid for."""
        state = self._state
        period = state.period or (charge.period if charge else None)
        if period is None:
            raise LookupError("nothing can be bought before the first period")
        return Buyer(
            subscription_id=state.subscription_id,
            customer_id=state.start.customer_id,
            account_id=state.account_id,
            payer=state.payer,
            plan=state.plan_in_force(),
            period=period,
            window=state.window or period,
            at=workflow.now(),
        )

    def await_answer(self, charge_id: str, ticket: int) -> None:
        """Answer a ticket when the charge is settled."""
        self._tickets.setdefault(charge_id, []).append(ticket)

    async def paid(self, charge: OpenCharge, paid: Paid) -> list[OpenCharge]:
        """Settle a paid charge; return the charges no longer needed."""
        unknown = charge.charge.tax is not None and charge.charge.taxed is None
        if unknown or paid.amount_minor != charge.charge.total_minor:
            return await self._looked_into(charge, differing(charge, paid))
        self._state.charge_was(f"{money_for(paid.amount_minor, charge.charge)} paid")
        match charge.kind:
            case ChargeKind.PERIOD | ChargeKind.UPGRADE if self._is_over() and not charge.granted:
                await let_operators_look(self._state, charge, Remark.MONEY_AFTER_THE_END)
                self._state.drop(charge)
            case ChargeKind.PERIOD:
                await self._period_paid(charge, paid)
            case _ if not charge.granted and waits_for_window(self._state, charge, workflow.now()):
                answer = await wait_for_window(self._state, self.buyer(charge), charge, paid)
                if charge.kind is not ChargeKind.UPGRADE:  # answered once the plan is in force
                    self._answer(charge, answer)
            case ChargeKind.UPGRADE:
                await self._complete_upgrade(charge, paid)
            case ChargeKind.MANUAL | ChargeKind.PACK | ChargeKind.AUTO | ChargeKind.IMPORT:
                return await self._grant(charge, paid)  # an import is never open
        return []

    def _is_over(self) -> bool:
        """Return whether nothing begins any more: what is paid from now on is to go back."""
        return self._state.ended or (self._state.over and workflow.patched(OVER_IS_OVER))

    async def taxed(self, charge: OpenCharge) -> None:
        """Keep the tax of a charge, if it has any, in the ledger before its money moves."""
        if charge.charge.taxed is None:
            return
        await workflow.execute_activity_method(
            ProcessingActivities.note_tax,
            args=[self.buyer(charge), charge.charge],
            summary=short(f"{demanded(charge.charge)} with tax"),
            **LEDGER,
        )

    async def processing(self, charge: OpenCharge, processing: Processing | None) -> None:
        """Keep a charge that the processor decides later, and answer what waits for it."""
        state, buyer = self._state, self.buyer(charge)
        if processing is None or not grants_before_money(state, charge):
            charge = await keep_waiting(state, buyer, charge, processing)
        elif charge.kind is ChargeKind.PERIOD:
            charge = await self._begun_before_money(charge, processing)
        else:
            charge = await grant_before_money(state, buyer, charge, processing)
        self._mailbox.held_up = ""  # decide waiting usage now: the money may take days
        self._answer(charge, coming_answer(state, charge))

    async def sent(self, charge: OpenCharge, sent: Sent) -> OpenCharge:
        """Keep a charge whose invoice was sent, and answer what waits for it."""
        if begins_when_sent(charge, sent) and grants_before_money(self._state, charge):
            charge = await self._begun_before_money(charge, None)
        charge = await keep_sent(self._state, self.buyer(charge), charge, sent)
        self._mailbox.held_up = ""  # decide waiting usage now: the transfer may take weeks
        self._answer(charge, coming_answer(self._state, charge))
        return charge

    async def _begun_before_money(
        self, charge: OpenCharge, processing: Processing | None
    ) -> OpenCharge:
        """Begin a period whose money comes later, and grant what waited for its window."""
        charge = await begin_before_money(self._state, self.buyer(charge), charge, processing)
        if charge.granted:
            self.period_opened = True
            await self.release_paid()
        return charge

    async def declined(self, charge: OpenCharge, declined: Declined) -> list[OpenCharge]:
        """Settle a declined attempt; return the charge if it is not retried."""
        if declined.decline in LOOKED_INTO:
            return await self._looked_into(charge, declined)
        state, now = self._state, workflow.now()
        first = charge.first_declined_at or now
        begun = state.period is not None
        retry_at = next_try(charge, declined.decline, first, now) if begun else None
        over_at = patience_ends(charge, first) if begun else None
        plan = charge.plan or state.plan_in_force()
        asked_for = charge.kind in ASKED_FOR
        gone = charge.is_of_running_period and state.ended  # nothing is left to be paused or tried
        pauses, untried = not asked_for and begun and not gone, charge.placeless
        charge = replace(
            charge,
            step=Step.DECLINED,
            declines=charge.declines + 1,
            first_declined_at=first,
            retry_at=retry_at,
            ends_at=over_at if plan.after_dunning is AfterDunning.END else None,
            confirm_until=_confirm_until(charge, declined),
            placeless=declined.code == LOCATION_MISSING,
        )
        state.put(charge)
        if charge.declines == 1:
            state.forget_signs()
        if pauses:
            state.pause(Pause.PAYMENT_FAILED)
            if charge.kind is ChargeKind.AUTO:
                state.await_card(wanted=workflow.patched(RENEWALS_GO_ON))
        state.charge_was(f"{demanded(charge.charge)} declined: {declined.code}")
        answer = answers.declined(charge.charge, declined)
        await workflow.execute_activity_method(
            DeclineActivities.note_decline,
            FailedCharge(
                buyer=self.buyer(charge),
                charge=charge.charge,
                declined=declined,
                attempt=charge.attempt,
                status=state.status,
                pause=pauses,
                retry_at=retry_at,
                serves_until=over_at if plan.while_unpaid is WhileUnpaid.SERVE_PURCHASED else None,
                ends_at=charge.ends_at,
                first_declined_at=first,
                declines=charge.declines,
                answer=answer if asked_for else None,
                confirmable=charge.confirm_until is not None,
                untried=untried,
                sent=charge.sent,
            ),
            summary=short(f"{demanded(charge.charge)} declined: {declined.code}"),
            **LEDGER,
        )
        await look_again(state, self.buyer(charge), charge)
        self._mailbox.held_up = ""  # decide waiting usage now: it is refused while paused
        if asked_for:
            self._answer(charge, answer)
            return [charge] if charge.confirm_until is None else []
        return [charge] if gone else []

    async def _looked_into(self, charge: OpenCharge, declined: Declined) -> list[OpenCharge]:
        charge, final = await look_into(self._state, self.buyer(charge), charge, declined)
        self._mailbox.held_up = ""
        self._answer(charge, answers.declined(charge.charge, declined))
        return [charge] if final else []

    async def open_period(self, charge: OpenCharge, paid: Paid | None) -> None:
        """Begin a paid or free period."""
        state = self._state
        period = period_of(state, charge, paid)
        serving = await workflow.execute_activity_method(
            PeriodActivities.open_period,
            period,
            summary=f"begin the period from {period.period.start:%Y-%m-%d}",
            **of_a_period(state.start.customer_id, first=period.first),
        )
        state.drop(charge)
        period_began(state, period, serving)
        self._mailbox.held_up = ""
        self.period_opened = True
        await self.release_paid()

    async def _period_paid(self, charge: OpenCharge, paid: Paid) -> None:
        """Begin a period, or book the money of one that began before; if it had failed, resume."""
        state = self._state
        if not charge.is_of_running_period:
            await self.open_period(paid_late(state, charge), paid)
            return
        await settle_period(state, charge, paid)
        self._mailbox.held_up = ""
        mild = state.plan_in_force().resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT
        unpaid = Pause.PAYMENT_FAILED in state.pauses and not self._is_over()
        if unpaid and (mild or not state.awaits_card):
            await self.resume(paid)

    async def complete_upgrade(self, upgrade: Upgrade) -> None:
        """Put a paid or waived upgrade in force."""
        if await put_in_force(self._state, upgrade):
            self._mailbox.held_up = ""
            self.period_opened = True

    async def release_paid(self) -> None:
        """Settle purchases that were paid while no window was open."""
        for charge in self._state.charges:
            if charge.step is not Step.PAID or charge.paid is None:
                continue
            if charge.kind is ChargeKind.UPGRADE:
                await self._complete_upgrade(charge, charge.paid)
            else:
                await self._grant(charge, charge.paid)

    def voided(self, charge: OpenCharge) -> None:
        """Forget a voided charge; whoever waits for it is told that it was declined."""
        self._state.drop(charge)
        if charge.kind is ChargeKind.AUTO:
            self._mailbox.held_up = ""
        reason = "subscription_ended" if self._state.over else "declined"
        answer = {"status": "declined", "reason": reason, "charge_id": charge.charge.charge_id}
        self._answer(charge, answer)

    async def resume(self, paid: Paid | None) -> None:
        """End a payment pause."""
        state = self._state
        state.unpause(Pause.PAYMENT_FAILED)
        state.await_card(wanted=False)
        available = await workflow.execute_activity_method(
            DeclineActivities.resume,
            Resumption(self.buyer(), state.status, paid),
            summary="resume after payment",
            **LEDGER,
        )
        self._state.credits_came(available, workflow.now())

    async def _grant(self, charge: OpenCharge, paid: Paid) -> list[OpenCharge]:
        state = self._state
        bought = f"{credit_text(charge.quantity_micro)} credits"
        available = await workflow.execute_activity_method(
            PurchaseActivities.grant_purchase,
            PaidPurchase(self.buyer(charge), charge.charge, paid, frozen=state.ended),
            summary=f"grant {bought}: {money_for(paid.amount_minor, charge.charge)}",
            **LEDGER,
        )
        state.drop(charge)
        self._state.credits_came(available, workflow.now())
        if charge.kind is ChargeKind.AUTO:
            self._mailbox.held_up = ""
        needless: list[OpenCharge] = []
        if self._ends_pause(charge):
            needless = [failed for failed in state.charges if failed.step is Step.DECLINED]
            await self.resume(paid)
        told = answers.paid(charge.charge, charge.quantity_micro, paid.amount_minor, available)
        self._answer(charge, told)
        return needless

    async def _complete_upgrade(self, charge: OpenCharge, paid: Paid) -> None:
        state = self._state
        upgrade, answer = paid_upgrade(state, self.buyer(charge), charge, paid)
        await self.complete_upgrade(upgrade)
        state.drop(charge)
        self._answer(charge, answer | {"available": credit_text(state.available_micro)})

    def _ends_pause(self, paid: OpenCharge) -> bool:
        """Return whether a paid purchase ends the payment pause; not while a period is unpaid."""
        state = self._state
        if Pause.PAYMENT_FAILED not in state.pauses:
            return False
        if paid.kind is ChargeKind.AUTO:
            state.await_card(wanted=False)
        if state.lapsed or state.charge_of(ChargeKind.PERIOD) is not None:
            return False
        mild = state.plan_in_force().resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT
        return paid.kind is ChargeKind.AUTO or mild

    def _answer(self, charge: OpenCharge, answer: Answer) -> None:
        for ticket in self._tickets.pop(charge.charge.charge_id, []):
            self._mailbox.answer(ticket, answer)


def _confirm_until(charge: OpenCharge, declined: Declined) -> datetime | None:
    """Return until when the buyer may confirm a charge with the bank; None: not at all."""
    asks = declined.decline is Decline.NEEDS_CUSTOMER and declined.invoice_url
    if charge.kind not in ASKED_FOR or not asks:
        return None
    upgrade = charge.kind is ChargeKind.UPGRADE
    waits = workflow.patched(UPGRADES_CONFIRMED_LATER if upgrade else CONFIRMED_LATER)
    return workflow.now() + FORGOTTEN if waits else None
