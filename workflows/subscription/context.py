"""What every message works with: a subscription's state and the parts that change it."""

from dataclasses import dataclass, replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.answers import AnswerActivities, Asker, Found, Keyed
    from activities.periods.lifecycle import Ending, Moment, PeriodActivities
    from activities.plans.upgrades import PlanRequest
    from activities.purchases.buyers import Purchase
    from domain.messages import answers
    from domain.messages.answers import refused
    from domain.messages.plans import ChangePlan
    from domain.outcomes import Outcome
    from domain.payments.charges import Charge, ChargeKind, ChargeState
    from domain.subscription import LeftBehind, OpenCharge, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.mailbox import Answer, Mailbox
from workflows.subscription.payments.before_money import coming_answer
from workflows.subscription.payments.collection import Collector
from workflows.subscription.payments.retries import Retries
from workflows.subscription.payments.settlement import Settler
from workflows.subscription.pending_calls import PendingCalls

KNOWN_STATES = frozenset({Outcome.OPENED, *ChargeState})


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one run of a subscription's workflow."""

    state: SubscriptionState
    mailbox: Mailbox
    pending_calls: PendingCalls
    collector: Collector
    settler: Settler
    retries: Retries

    def moment(self) -> Moment:
        """Return this instant in the subscription's life."""
        state = self.state
        if state.anchor is None:
            raise LookupError("the subscription has not begun")
        return Moment(
            subscription_id=state.subscription_id,
            account_id=state.account_id,
            plan=state.plan_in_force(),
            anchor=state.anchor,
            time_zone=state.time_zone,
            at=workflow.now(),
            period=state.period,
        )

    def plan_request(self, request: ChangePlan) -> PlanRequest:
        """Return a request for a plan at this instant."""
        moment = self.moment()
        return PlanRequest(
            buyer=self.settler.buyer(),
            plan_id=request.plan_id,
            anchor=moment.anchor,
            time_zone=moment.time_zone,
            preview=request.preview,
            at_once=request.at_once,
        )

    def keyed(self, key: str, request: str, answer: Answer | None = None) -> Keyed | None:
        """Return an update's key with what it asks for; None if the sender gave none."""
        return Keyed(self.state.subscription_id, key, request, answer or {}) if key else None

    async def first_answer(self, keyed: Keyed | None, charge_id: str = "") -> Answer | None:
        """Return the first answer to a repeated update; None if it is the first or has no key.

        `charge_id` is the charge it would have opened.
        """
        if keyed is None:
            return None
        found = await workflow.execute_activity_method(
            AnswerActivities.find,
            args=[Asker(self.state.account_id, workflow.now(), charge_id), keyed],
            summary=short(f"look for an earlier {keyed.request} {keyed.key}"),
            **LEDGER,
        )
        if found.status is Found.NEW:
            return None
        if found.status is Found.VOID:
            return {"status": "declined", "reason": "declined", "charge_id": charge_id}
        return found.answer if found.status is Found.KEPT else refused(found.status)

    async def write_cancel(
        self, ends_at: datetime, *, preview: bool = False, keyed: Keyed | None = None
    ) -> LeftBehind:
        """Store that the subscription ends; return what is lost and what is kept."""
        return await workflow.execute_activity_method(
            PeriodActivities.schedule_cancel,
            Ending(self.moment(), ends_at, preview, keyed),
            summary=f"{'would ' if preview else ''}cancel at {ends_at:%Y-%m-%d %H:%M}",
            **LEDGER,
        )

    def asked_for(self, purchase: Purchase, window_end: datetime, ticket: int) -> Answer | None:
        """Collect a requested purchase; None means that the answer comes once it is settled."""
        if purchase.charge is None or purchase.status not in KNOWN_STATES:
            return refused(purchase.status)
        charge_id = purchase.charge.charge_id
        if purchase.available_micro is not None:  # granted as it was opened: nothing was to be paid
            self.state.credits_came(purchase.available_micro, workflow.now())
        if (told := self._told(purchase, purchase.charge)) is not None:
            return told
        known = self.state.charge_named(charge_id)
        if known is not None and known.step in (Step.PROCESSING, Step.SENT):
            return coming_answer(self.state, known)
        self.settler.await_answer(charge_id, ticket)
        if self.state.charge_named(charge_id) is None:
            self.collector.collect(
                OpenCharge(
                    purchase.charge,
                    Step.PREPARING,
                    workflow.now(),
                    quantity_micro=purchase.quantity_micro,
                    # Who is sent an invoice has the days of grace of the plan that sold it.
                    plan=self.state.plan_in_force() if purchase.charge.due_at else None,
                    window_end=window_end,
                    needs_window=not purchase.lasting,
                )
            )
        return None

    def _told(self, purchase: Purchase, charge: Charge) -> Answer | None:
        """Return the stored answer of a settled purchase; None if it is not settled."""
        if purchase.answer is not None:
            return purchase.answer
        if purchase.status == ChargeState.VOID and purchase.looked_into:
            return refused(purchase.looked_into, charge_id=charge.charge_id)
        if purchase.status == ChargeState.VOID:
            return {"status": "declined", "reason": "declined", "charge_id": charge.charge_id}
        if purchase.status == ChargeState.PAID:  # the grant waits for the next window
            available = self.state.available_micro
            return answers.paid(charge, purchase.quantity_micro, charge.total_minor, available)
        return None

    async def drop_renewal(self) -> None:
        """Void a renewal prepared for a plan that will not be renewed."""
        charge = self.state.charge_of(ChargeKind.PERIOD)
        if charge is not None and charge.step in (Step.PREPARING, Step.PREPARED):
            self.state.drop_renewal()
            await self.collector.give_up(replace(charge, pay_at=None))
