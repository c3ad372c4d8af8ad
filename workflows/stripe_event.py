"""One event of Stripe: read its object back, then tell the subscription that it is about.

Events are hints: they come twice, late and in any order, so nothing they say is believed.
"""

from dataclasses import dataclass, replace
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.payments.owners import Owner, OwnerActivities
    from activities.payments.processor import EventMeaning, PaymentActivities
    from activities.payments.reconciliation import ReconcileActivities
    from activities.payments.refunds import RefundActivities
    from domain.messages.cards import THE_DEFAULT
    from domain.outcomes import Refusal
    from domain.payments.charges import ProcessorEvent
from workflows import names
from workflows.options import LEDGER, PROCESSOR

CUSTOMER_UPDATED = "customer.updated"
DELETED = "customer.deleted"
DETACHED = "payment_method.detached"
RENEWED = "payment_method.automatically_updated"  # the same card, as its bank has renewed it
CARD_EVENTS = frozenset({CUSTOMER_UPDATED, "payment_method.attached", RENEWED})
REMOVALS = frozenset({DELETED, DETACHED})
# Stripe sends `refund.created` for every refund: https://docs.stripe.com/api/events/types.
REFUND_EVENTS = frozenset({"refund.created", "refund.updated", "refund.failed"})
DISPUTE_EVENTS = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    }
)
RETURN_EVENTS = REFUND_EVENTS | DISPUTE_EVENTS
# Each is a reason to read the invoice back. `payment_intent.succeeded` comes with `invoice.paid`.
MONEY_EVENTS = frozenset(
    {
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.voided",
        "invoice.marked_uncollectible",
        "payment_intent.processing",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
    }
)
# What is paid stays so, as a rule: after these it is looked at again.
DOUBTS = MONEY_EVENTS - {"invoice.paid", "payment_intent.succeeded"}
HANDLED = CARD_EVENTS | REMOVALS | RETURN_EVENTS | MONEY_EVENTS

PAYER_CHANGED = "payer_changed"

Outcome = Literal[
    "signaled",
    "ignored",  # an event of a type that changes nothing here
    "unknown_object",  # the object is not at the processor, or not ours
    "no_payment_method",  # the payer has no card now
    "subscription_ended",
    "booked",  # money that went back: in the ledger, whether or not a subscription lives
    "found",  # money that the books do not know, or that is gone: taken up, or for operators
    "contradicted",  # it says something else than it said before: a person must look
]


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What became of an event; `signal` is what the subscription was told."""

    outcome: Outcome
    subscription_id: str = ""
    signal: str = ""


@workflow.defn
class StripeEvent:
    """A durable mailbox: one workflow an event, `stripe:<event id>`, so a repeat starts nothing."""

    @workflow.run
    async def run(self, event: ProcessorEvent) -> EventOutcome:
        """Pass the event on; return what was done."""
        if event.type not in HANDLED:
            return EventOutcome("ignored")
        if event.type in RETURN_EVENTS:
            return await self._returned(event)
        return await self._heard(event)

    async def _heard(self, event: ProcessorEvent) -> EventOutcome:
        """Tell the subscription about a card or a paid invoice."""
        meaning = await self._meaning(event)
        if not (meaning.payer or meaning.invoice or meaning.removed):
            return EventOutcome("unknown_object")
        owner = await self._owner(meaning)
        if not (meaning.method or meaning.invoice or meaning.removed):
            return await self._without_card(owner)
        if meaning.removed and owner.known:
            return await self._removed(owner, meaning)
        if not owner.known:
            found = event.type == "invoice.paid" and await self._examined(meaning)
            return EventOutcome("found" if found else "unknown_object")
        if event.type in DOUBTS and await self._doubted(meaning):
            return EventOutcome("found", owner.subscription_id)
        return await self._tell(owner.subscription_id, meaning, event)

    async def _without_card(self, owner: Owner) -> EventOutcome:
        """Tell that the payer has no default any more, where we believe that there is one."""
        if not (owner.has_card and owner.subscription_id):
            return EventOutcome("no_payment_method")
        told = await self._signal(owner.subscription_id, PAYER_CHANGED, {"payer": owner.payer})
        return EventOutcome(
            "no_payment_method", owner.subscription_id, PAYER_CHANGED if told else ""
        )

    async def _removed(self, owner: Owner, meaning: EventMeaning) -> EventOutcome:
        """Forget a payer that was deleted; a subscription reads back what is left to charge."""
        if meaning.payer:
            await workflow.execute_activity_method(
                OwnerActivities.forget_payer,
                args=[meaning.payer, workflow.now()],
                summary=f"forget {meaning.payer}, which was deleted",
                **LEDGER,
            )
        subscription_id = owner.subscription_id
        news = {"payer": owner.payer}
        if not subscription_id or not await self._signal(subscription_id, PAYER_CHANGED, news):
            return EventOutcome("subscription_ended", subscription_id)
        return EventOutcome("signaled", subscription_id, PAYER_CHANGED)

    async def _returned(self, event: ProcessorEvent) -> EventOutcome:
        """Book money that went back here: disputes outlive the subscriptions they are about."""
        read = await workflow.execute_activity_method(
            PaymentActivities.read_return,
            event,
            summary=f"read {event.object_id} back",
            **PROCESSOR,
        )
        if read.said is None:
            return EventOutcome("unknown_object")
        booked = await workflow.execute_activity_method(
            RefundActivities.book,
            args=[read.said, workflow.now()],
            summary=f"{read.said.kind} {read.said.name} is {read.said.state}",
            **LEDGER,
        )
        if booked.status == Refusal.IDEMPOTENCY_CONFLICT:
            return EventOutcome("contradicted", booked.subscription_id)
        if not booked.subscription_id:
            return EventOutcome("unknown_object")
        told = await self._signal(
            booked.subscription_id, "money_returned", {"invoice": read.said.invoice}
        )
        return EventOutcome("booked", booked.subscription_id, "money_returned" if told else "")

    async def _meaning(self, event: ProcessorEvent) -> EventMeaning:
        meaning = await self._read(event)
        if event.type == CUSTOMER_UPDATED or not meaning.payer:
            return meaning
        # A card's event may come after a newer card's: what counts is the default of today.
        now = await self._read(replace(event, type=CUSTOMER_UPDATED, object_id=meaning.payer))
        return now if now.method else meaning

    async def _read(self, event: ProcessorEvent) -> EventMeaning:
        return await workflow.execute_activity_method(
            PaymentActivities.read_event,
            event,
            summary=f"read {event.object_id} back",
            **PROCESSOR,
        )

    async def _examined(self, meaning: EventMeaning) -> bool:
        """Look at money that came for no charge of the ledger, as after a restore."""
        if not workflow.patched("money-without-a-charge-is-found"):
            return False
        return await workflow.execute_activity_method(
            ReconcileActivities.examine,
            args=[meaning.invoice, workflow.now()],
            summary=f"look at {meaning.invoice}, which no charge names",
            **PROCESSOR,
        )

    async def _doubted(self, meaning: EventMeaning) -> bool:
        """Say whether the invoice was paid, is booked so, and is not paid any more."""
        return await workflow.execute_activity_method(
            ReconcileActivities.doubt,
            args=[meaning.invoice, workflow.now()],
            summary=f"look whether {meaning.invoice} is paid still",
            **PROCESSOR,
        )

    async def _owner(self, meaning: EventMeaning) -> Owner:
        return await workflow.execute_activity_method(
            OwnerActivities.find_owner,
            meaning,
            summary=f"find whose {meaning.invoice or meaning.payer or meaning.method} is",
            **LEDGER,
        )

    async def _tell(
        self, subscription_id: str, meaning: EventMeaning, event: ProcessorEvent
    ) -> EventOutcome:
        # The processor tells of the default card for many reasons, a declined charge among them.
        renewed = event.type == RENEWED and meaning.method == event.object_id
        signal = "payment_method_updated"
        message = {
            "payment_method": meaning.method,
            "update": event.event_id if renewed else THE_DEFAULT,
        }
        if meaning.invoice:
            signal, message = "invoice_paid", {"invoice": meaning.invoice}
        if not (subscription_id and await self._signal(subscription_id, signal, message)):
            return EventOutcome("subscription_ended", subscription_id)
        return EventOutcome("signaled", subscription_id, signal)

    async def _signal(self, subscription_id: str, signal: str, message: dict[str, str]) -> bool:
        """Tell a subscription; say whether it still runs."""
        subscription = workflow.get_external_workflow_handle(
            names.subscription_workflow(subscription_id)
        )
        try:
            await subscription.signal(signal, message)
        except ApplicationError:  # it does not run any more
            return False
        return True
