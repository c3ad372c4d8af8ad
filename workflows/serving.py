"""Usage of one subscription: drained in batches, and the purchase that a shortfall starts."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.holds import HoldActivities
    from activities.purchases import PurchaseActivities
    from activities.usage import Batch, UsageActivities
    from domain.holds import HELD, HoldOutcome
    from domain.subscription import OpenCharge, QueuedEvent, Step, SubscriptionState
    from domain.usage import DECIDED, UNDECIDED, Asked, DebitOutcome, UsageEvent
from workflows.carriers.holds import answer_to_hold, holder
from workflows.collecting import Collector
from workflows.inbox import Answer, Inbox, credit_text, refused
from workflows.options import LEDGER, short
from workflows.settling import Settler
from workflows.story import demanded

Outcomes = tuple[DebitOutcome | HoldOutcome, ...]


class Server:
    """Turns queued events into debits."""

    def __init__(
        self, state: SubscriptionState, inbox: Inbox, collector: Collector, settler: Settler
    ) -> None:
        self._state = state
        self._inbox = inbox
        self._collector = collector
        self._settler = settler
        self._unbought = ""  # the event for which the ledger would not buy

    async def drain(self) -> None:
        """Decide what is queued, one ledger call per batch, until nothing more can be decided."""
        while self._inbox.refusals or (self._inbox.events and not self._inbox.held_up):
            await self._decide(self._inbox.take_events())

    async def keep_refusals(self) -> None:
        """Keep what was refused before the first period, when nothing can be debited yet."""
        while self._inbox.refusals:
            await self._decide([])

    async def _decide(self, queued: list[QueuedEvent]) -> None:
        if queued and queued[0].lapses_at is not None:
            outcomes: Outcomes = (await self._hold(queued[0].event, queued[0].lapses_at),)
        else:
            outcomes = await self._debit(queued)
        self._state.balance_as_of = workflow.now()
        self._inbox.put_back(self._tell(queued, outcomes))
        confirmed = frozenset(one.event.key for one in queued if one.event.confirmed)
        await self._buy_if_needed(outcomes, confirmed)

    async def _hold(self, event: UsageEvent, lapses_at: datetime) -> HoldOutcome:
        decided = await workflow.execute_activity_method(
            HoldActivities.hold,
            args=[holder(self._state), event, lapses_at],
            summary=short(f"hold for {event.key}"),
            **LEDGER,
        )
        self._state.available_micro = decided.available_micro
        return decided.outcome

    async def _debit(self, queued: list[QueuedEvent]) -> tuple[DebitOutcome, ...]:
        state = self._state
        batch = Batch(
            state.subscription_id,
            state.account_id,
            state.plan_in_force(),
            state.window.end if state.window else None,
            tuple(one.event for one in queued),
            self._inbox.take_refusals(),
            workflow.now(),
        )
        decided = await workflow.execute_activity_method(
            UsageActivities.debit, batch, summary=f"debit {len(queued)} events", **LEDGER
        )
        state.available_micro = decided.available_micro
        return decided.outcomes

    def _tell(self, queued: list[QueuedEvent], outcomes: Outcomes) -> list[QueuedEvent]:
        """Answer what is decided, keep refusals of signals; return what must wait, in order."""
        undecided = []
        for one, outcome in zip(queued, outcomes, strict=True):
            if outcome.status in UNDECIDED:
                undecided.append(one)
            elif outcome.status in (*DECIDED, *HELD):
                self._inbox.answer(one.ticket, answer_to(outcome))
            else:
                self._refuse(one, answer_to(outcome), outcome.status)
        return undecided

    async def _buy_if_needed(self, outcomes: Outcomes, confirmed: frozenset[str]) -> None:
        short = next((one for one in outcomes if one.status == "purchase_needed"), None)
        if any(one.status == "renewal_pending" for one in outcomes):
            self._inbox.held_up = "renewal"
        elif short is not None:
            needed = (short.missing_micro or 0) + (short.available_micro or 0)
            status = await self.purchase(needed, confirmed=short.key in confirmed)
            self._give_up_on(short.key, status)
        elif self._state.auto_purchase and any(one.crossed for one in outcomes):
            await self.purchase(0)

    def _give_up_on(self, key: str, status: str) -> None:
        """Refuse an event that stays short although the ledger buys nothing for it."""
        if self._inbox.held_up or self._unbought != key:
            self._unbought = "" if self._inbox.held_up else key
            return
        self._unbought = ""
        for one in self._inbox.take_events(1):
            self._refuse(one, refused(status), status)

    def _refuse(self, one: QueuedEvent, answer: Answer, reason: str) -> None:
        """Answer who waits; keep the refusal of what nobody waits for, or waits for no more."""
        if self._inbox.waits(one.ticket):
            self._inbox.answer(one.ticket, answer)
        else:
            self._inbox.refuse(one.event.key, one.event.action, reason)

    async def purchase(self, needed_micro: int, *, confirmed: bool = False) -> str:
        """Let the ledger reserve what a shortfall needs (0: the wallet is empty); collect it.

        `confirmed`: who sent the event agreed to this purchase, whatever the switch says.
        """
        state = self._state
        buyer = self._settler.buyer()
        reserved = await workflow.execute_activity_method(
            PurchaseActivities.reserve,
            args=[
                buyer,
                f"{state.subscription_id}:auto:{state.purchases + 1}",
                needed_micro,
                confirmed,
            ],
            summary="reserve an auto-purchase",
            **LEDGER,
        )
        state.last_charge = (
            f"{demanded(reserved.charge)} begun"
            if reserved.charge
            else f"no auto-purchase: {reserved.status}"
        )
        if reserved.charge is None:
            return reserved.status
        self._inbox.held_up = "purchase"
        if state.charge_named(reserved.charge.charge_id) is not None:
            return reserved.status
        state.purchases += 1
        self._collector.collect(
            OpenCharge(
                reserved.charge,
                Step.PREPARING,
                workflow.now(),
                quantity_micro=reserved.quantity_micro,
                plan=state.plan_in_force(),
                window_end=buyer.window.end,
                confirmed=confirmed,
            )
        )
        return reserved.status


def answer_to(outcome: DebitOutcome | HoldOutcome) -> Answer:
    """Return an outcome as an update's answer."""
    if outcome.status not in (*DECIDED, *HELD):
        facts: Answer = {"missing": credit_text(outcome.missing_micro)}
        if outcome.asked is not None:
            facts["asked"] = _asked(outcome.asked)
        return refused(outcome.status, **facts)
    if isinstance(outcome, HoldOutcome):
        return answer_to_hold(outcome)
    answer: Answer = {
        "status": outcome.status,
        "seq": outcome.seq,
        "available": credit_text(outcome.available_micro),
        "charged": {name: credit_text(micro) for name, micro in outcome.charged},
    }
    if outcome.served_as is not None:
        answer["served_as"] = outcome.served_as
    return answer


def _asked(asked: Asked) -> Answer:
    """Return what must be confirmed, as JSON: credits to be drawn, a purchase to be made."""
    answer: Answer = {}
    if asked.credits:
        answer["credits"] = {name: credit_text(micro) for name, micro in asked.credits}
    if asked.quantity_micro:
        answer["purchase"] = {
            "credits": credit_text(asked.quantity_micro),
            "amount_minor": asked.amount_minor,
            "surcharge_minor": asked.surcharge_minor,
            "currency": asked.currency,
        }
    return answer
