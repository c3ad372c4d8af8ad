"""One Stripe event: reads its object back, then tells the subscription that it concerns.

Events are only hints: they arrive twice, late and in any order, so their content is never trusted.
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
RENEWED = "payment_method.automatically_updated"  # the bank renewed the same card
SAVED = "setup_intent.succeeded"  # a person saved it on the processor's page, to be charged
CARD_EVENTS = frozenset({CUSTOMER_UPDATED, "payment_method.attached", RENEWED, SAVED})
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
# Paid invoices usually stay paid; these events are reasons to check again.
DOUBTS = MONEY_EVENTS - {"invoice.paid", "payment_intent.succeeded"}
HANDLED = CARD_EVENTS | REMOVALS | RETURN_EVENTS | MONEY_EVENTS

PAYER_CHANGED = "payer_changed"

Outcome = Literal[
    "signaled",
    "ignored",  # an event type that changes nothing here
    "unknown_object",  # the object is not at the processor, or not ours
    "no_payment_method",  # the payer has no card now
    "subscription_ended",
    "booked",  # refunded or disputed money: in the ledger, even if the subscription has ended
    "found",  # money unknown to the books, or taken back: taken up, or left to operators
    "contradicted",  # it contradicts an earlier event: a person must look
]


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """The outcome of an event; `signal` is what the subscription was sent."""

    outcome: Outcome
    subscription_id: str = ""
    signal: str = ""


@workflow.defn
class StripeEvent:
    """A durable mailbox: one workflow per event, `stripe:<event id>`; a repeat starts nothing."""

    @workflow.run
    async def run(self, event: ProcessorEvent) -> EventOutcome:
        """Pass the event on; return the outcome."""
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
        """Report that the payer has no default card, if the ledger still has one."""
        if not (owner.has_card and owner.subscription_id):
            return EventOutcome("no_payment_method")
        told = await self._signal(owner.subscription_id, PAYER_CHANGED, {"payer": owner.payer})
        return EventOutcome(
            "no_payment_method", owner.subscription_id, PAYER_CHANGED if told else ""
        )

    async def _removed(self, owner: Owner, meaning: EventMeaning) -> EventOutcome:
        """Forget a deleted payer; a live subscription reads back what is left to charge."""
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
        """Book the refund or dispute here, because it may outlive its subscription."""
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
        if event.type in (CUSTOMER_UPDATED, SAVED) or not meaning.payer:
            return meaning
        # This event may arrive after a newer card's, so only the current default counts.
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
        """Check a paid invoice that names no charge of the ledger, as after a restore."""
        if not workflow.patched("money-without-a-charge-is-found"):
            return False
        return await workflow.execute_activity_method(
            ReconcileActivities.examine,
            args=[meaning.invoice, workflow.now()],
            summary=f"look at {meaning.invoice}, which no charge names",
            **PROCESSOR,
        )

    async def _doubted(self, meaning: EventMeaning) -> bool:
        """Return whether an invoice booked as paid is no longer paid."""
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
        # The processor reports the default card for many reasons, such as a declined charge.
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
        """Signal a subscription; return whether it still runs."""
        subscription = workflow.get_external_workflow_handle(
            names.subscription_workflow(subscription_id)
        )
        try:
            await subscription.signal(signal, message)
        except ApplicationError:  # it no longer runs
            return False
        return True
