"""Usage of one subscription: decided in batches, and the purchase that a shortfall starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.purchases.extra_credits import PurchaseActivities
    from activities.usage.batches import Deviations, Short, UsageMessage
    from activities.usage.events import Batch, UsageActivities
    from activities.usage.holds import HoldActivities
    from domain.holds import HELD, HoldOutcome
    from domain.messages.answers import answer_to, refused
    from domain.messages.usage import Crossing
    from domain.outcomes import UNDECIDED, Undecided
    from domain.queued_usage import QueuedEvent, QueuedMessage
    from domain.subscription import OpenCharge, Step
    from domain.subscription_state import SubscriptionState
    from domain.usage import DECIDED, DebitOutcome, UsageEvent
from workflows.options import LEDGER, short
from workflows.subscription.mailbox import Answer, Mailbox, Waiting, count_of
from workflows.subscription.messages.holds import holder
from workflows.subscription.operator_view import demanded
from workflows.subscription.payments.collection import Collector
from workflows.subscription.payments.settlement import Settler

Outcomes = tuple[DebitOutcome | HoldOutcome, ...]


@dataclass(slots=True)
class Found:
    """The rest of a batch: what waits, in order, and what must happen before it can be decided."""

    undecided: list[Waiting] = field(default_factory=list)
    renewal_pending: bool = False
    short: Short | None = None
    crossed: bool = False


class Usage:
    """Turns queued events into debits."""

    def __init__(
        self, state: SubscriptionState, mailbox: Mailbox, collector: Collector, settler: Settler
    ) -> None:
        self._state = state
        self._mailbox = mailbox
        self._collector = collector
        self._settler = settler
        self._asked: frozenset[str] = frozenset()  # keys that an update waits for
        self._unbought = ""  # the event for which the ledger refused to buy

    async def drain(self, leaves: Callable[[], bool]) -> None:
        """Decide the queue, one ledger call per batch, until the rest must wait.

        `leaves` returns whether waiting usage is left to the next run.
        """
        while self._mailbox.refusals or (self._mailbox.decidable() and not leaves()):
            await self._decide(self._mailbox.take_events())

    async def keep_refusals(self) -> None:
        """Store refusals made before the first period, when nothing can be debited yet."""
        while self._mailbox.refusals:
            await self._decide([])

    async def _decide(self, queued: list[Waiting]) -> None:
        first = queued[0] if queued else None
        told: tuple[Deviations, ...] = ()
        if isinstance(first, QueuedEvent) and first.lapses_at is not None:
            outcomes: Outcomes = (await self._hold(first.event, first.lapses_at),)
        else:
            outcomes, told = await self._debit(queued)
        self._state.balance_is(self._state.available_micro, workflow.now())
        found = self._tell(queued, outcomes, told)
        self._mailbox.put_back(found.undecided)
        await self._buy_if_needed(found)

    async def _hold(self, event: UsageEvent, lapses_at: datetime) -> HoldOutcome:
        decided = await workflow.execute_activity_method(
            HoldActivities.hold,
            args=[holder(self._state), event, lapses_at],
            summary=short(f"hold for {event.key}"),
            **LEDGER,
        )
        self._state.balance_is(decided.available_micro, workflow.now())
        return decided.outcome

    async def _debit(
        self, queued: list[Waiting]
    ) -> tuple[tuple[DebitOutcome, ...], tuple[Deviations, ...]]:
        state = self._state
        batch = Batch(
            subscription_id=state.subscription_id,
            account_id=state.account_id,
            plan=state.plan_in_force(),
            window_end=state.window.end if state.window else None,
            events=tuple(one.event for one in queued if isinstance(one, QueuedEvent)),
            refusals=self._mailbox.take_refusals(),
            at=workflow.now(),
            messages=_messages(queued),
        )
        decided = await workflow.execute_activity_method(
            UsageActivities.debit,
            batch,
            summary=f"debit {sum(map(count_of, queued))} events",
            **LEDGER,
        )
        state.balance_is(decided.available_micro, workflow.now())
        return decided.outcomes, decided.deviations

    def _tell(self, queued: list[Waiting], outcomes: Outcomes, told: Sequence[Deviations]) -> Found:
        """Answer what is decided, store or count refusals; return what must wait, in order."""
        found = Found()
        self._asked = self._mailbox.keys_asked_for(queued)
        answers, deviations = iter(outcomes), iter(told)
        for one in queued:
            if isinstance(one, QueuedMessage):
                self._tell_of_message(one, next(deviations), found)
            else:
                self._tell_of_event(one, next(answers), found)
        return found

    def _tell_of_message(self, one: QueuedMessage, told: Deviations, found: Found) -> None:
        for reason, number in told.refused:
            self._mailbox.count_refusals(reason, number)
        if told.left:
            found.undecided.append(replace(one, left=told.left, count=len(told.left)))
        found.renewal_pending |= told.renewal_pending
        found.crossed |= told.crossed
        found.short = found.short or told.short

    def _tell_of_event(
        self, one: QueuedEvent, outcome: DebitOutcome | HoldOutcome, found: Found
    ) -> None:
        if outcome.status in UNDECIDED:
            found.undecided.append(one)
        elif outcome.status in (*DECIDED, *HELD):
            self._mailbox.answer(one.ticket, answer_to(outcome))
        else:
            self._refuse(one, answer_to(outcome), outcome.status)
        found.renewal_pending |= outcome.status == Undecided.RENEWAL_PENDING
        found.crossed |= outcome.crossed
        if found.short is None and outcome.status == Undecided.PURCHASE_NEEDED:
            needed = (outcome.missing_micro or 0) + (outcome.available_micro or 0)
            found.short = Short(one.event.key, one.event.action, needed, one.event.confirmed)

    async def _buy_if_needed(self, found: Found) -> None:
        short = found.short
        if found.renewal_pending:
            self._mailbox.held_up = "renewal"
        elif short is not None:
            status = await self.purchase(short.needed_micro, confirmed=short.confirmed)
            self._give_up_on(short, status)
        elif self._state.auto_purchase and found.crossed:
            await self.purchase(0)

    def _give_up_on(self, short: Short, status: str) -> None:
        """Refuse an event that stays short because the ledger buys nothing for it."""
        if self._mailbox.held_up or self._unbought != short.key:
            self._unbought = "" if self._mailbox.held_up else short.key
            return
        self._unbought = ""
        alone = self._mailbox.drop_first()
        if alone is not None:
            self._refuse(alone, refused(status), status)
        else:
            self._mailbox.refuse(short.key, short.action, status)

    def _refuse(self, one: QueuedEvent, answer: Answer, reason: str) -> None:
        """Answer a waiting update; store the refusal of an event that nobody waits for any more.

        A repeat with the same key gets the answer, so its refusal is not stored as well.
        """
        if self._mailbox.waits(one.ticket):
            self._mailbox.answer(one.ticket, answer)
        elif not (one.ticket and one.event.key in self._asked):
            self._mailbox.refuse(one.event.key, one.event.action, reason)

    async def buy_for(self, crossing: Crossing) -> None:
        """Buy what a debit elsewhere found missing, or one unit for an empty wallet."""
        if self._state.auto_purchase or crossing.confirmed:
            await self.purchase(crossing.needed_micro, confirmed=crossing.confirmed)

    async def purchase(self, needed_micro: int, *, confirmed: bool = False) -> str:
        """Let the ledger reserve what a shortfall needs (0: the wallet is empty) and collect it.

        `confirmed`: the sender of the event agreed to this purchase, so the switch does not matter.
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
        state.charge_was(
            f"{demanded(reserved.charge)} begun"
            if reserved.charge
            else f"no auto-purchase: {reserved.status}"
        )
        if reserved.charge is None:
            return reserved.status
        known = state.charge_named(reserved.charge.charge_id)
        if known is not None and known.step is Step.REVIEW:
            return "under_review"
        self._mailbox.held_up = "purchase"
        if known is not None:
            return reserved.status
        state.count_purchase()
        self._collector.collect(
            OpenCharge(
                reserved.charge,
                Step.PREPARING,
                workflow.now(),
                quantity_micro=reserved.quantity_micro,
                plan=state.plan_in_force(),
                window_end=buyer.window.end,
                confirmed=confirmed,
                needs_window=not reserved.lasting,
            )
        )
        return reserved.status


def _messages(queued: Sequence[Waiting]) -> tuple[UsageMessage, ...]:
    """Return the messages of a batch, each with the number of events before it."""
    found: list[UsageMessage] = []
    alone = 0
    for one in queued:
        if isinstance(one, QueuedMessage):
            found.append(UsageMessage(one.name, one.data, one.left, alone))
        else:
            alone += 1
    return tuple(found)
