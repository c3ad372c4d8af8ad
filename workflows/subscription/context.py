"""What every message works with: the state of one subscription and the parts that change it."""

from dataclasses import dataclass, replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.periods.lifecycle import Ending, Moment, PeriodActivities
    from activities.plans.upgrades import Wanted
    from activities.purchases.buyers import Purchase
    from domain.payments.charges import ChargeKind
    from domain.subscription import LeftBehind, OpenCharge, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER
from workflows.subscription.collection import Collector
from workflows.subscription.mailbox import Answer, Mailbox, credit_text, refused
from workflows.subscription.pending_calls import PendingCalls
from workflows.subscription.processing import processing_answer
from workflows.subscription.settlement import Settler

KNOWN_STATES = frozenset({"opened", "open", "processing", "paid", "void"})


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one run of a subscription's workflow."""

    state: SubscriptionState
    mailbox: Mailbox
    pending_calls: PendingCalls
    collector: Collector
    settler: Settler

    def moment(self) -> Moment:
        """Return this instant in the subscription's life."""
        state = self.state
        if state.anchor is None:
            raise LookupError("the subscription has not begun")
        return Moment(
            state.subscription_id,
            state.account_id,
            state.plan_in_force(),
            state.anchor,
            state.time_zone,
            workflow.now(),
            state.period,
        )

    def plan_request(self, plan_id: str) -> Wanted:
        """Return a request for a plan at this instant."""
        moment = self.moment()
        return Wanted(self.settler.buyer(), plan_id, moment.anchor, moment.time_zone)

    async def write_cancel(self, ends_at: datetime, *, preview: bool = False) -> LeftBehind:
        """Write that the subscription ends; return what is lost and what is kept."""
        return await workflow.execute_activity_method(
            PeriodActivities.schedule_cancel,
            Ending(self.moment(), ends_at, preview),
            summary=f"{'would ' if preview else ''}cancel at {ends_at:%Y-%m-%d %H:%M}",
            **LEDGER,
        )

    def asked_for(self, purchase: Purchase, window_end: datetime, ticket: int) -> Answer | None:
        """Collect a purchase that somebody asked for; None means that its charge will answer."""
        if purchase.charge is None or purchase.status not in KNOWN_STATES:
            return refused(purchase.status)
        charge_id = purchase.charge.charge_id
        if purchase.status == "void" and purchase.looked_into:
            return refused(purchase.looked_into, charge_id=charge_id)
        if purchase.status == "void":
            return {"status": "declined", "reason": "declined", "charge_id": charge_id}
        if purchase.status == "paid":
            return {
                "status": "paid",
                "charge_id": charge_id,
                "credits": credit_text(purchase.quantity_micro),
                "amount_minor": purchase.charge.amount_minor,
                "currency": purchase.charge.currency,
                "available": credit_text(self.state.available_micro),
            }
        known = self.state.charge_named(charge_id)
        if known is not None and known.step is Step.PROCESSING:
            return processing_answer(known)
        self.settler.await_answer(charge_id, ticket)
        if self.state.charge_named(charge_id) is None:
            self.collector.collect(
                OpenCharge(
                    purchase.charge,
                    Step.PREPARING,
                    workflow.now(),
                    quantity_micro=purchase.quantity_micro,
                    window_end=window_end,
                    needs_window=not purchase.lasting,
                )
            )
        return None

    async def drop_renewal(self) -> None:
        """Give up a renewal prepared for a plan that will not be renewed."""
        charge = self.state.charge_of(ChargeKind.PERIOD)
        if charge is not None and charge.step in (Step.PREPARING, Step.PREPARED):
            self.state.drop_renewal()
            await self.collector.give_up(replace(charge, pay_at=None))
