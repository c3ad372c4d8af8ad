"""Charges of one subscription: prepared, paid, declined, retried, voided.

Every step is an activity that the loop does not wait for; its outcome is settled in one ledger
transaction. The same attempt number repeats an attempt, a new one makes another.
"""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.declines import DeclineActivities
    from activities.payments.processor import Collected, Invoiced, PaymentActivities, PaymentAttempt
    from domain.payments.charge_fates import is_held, is_void
    from domain.payments.charges import PAYER_DELETED, ChargeKind, Declined, Sent
    from domain.payments.processor_states import Remark
    from domain.payments.taxes import FOR_THE_CUSTOMER
    from domain.subscription import OpenCharge, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, PURCHASE, RENEWAL, ranked
from workflows.subscription.operator_view import demanded
from workflows.subscription.payments.payers import Payers
from workflows.subscription.payments.processing import (
    BETWEEN_LOOKS,
    has_another_method,
    let_operators_look,
)
from workflows.subscription.payments.sent_invoices import (
    chase,
    given_up,
    is_sent_anew,
    with_another_day,
)
from workflows.subscription.payments.settlement import Settler
from workflows.subscription.payments.under_review import not_charged, voided_elsewhere
from workflows.subscription.pending_calls import PendingCalls

OWED_WHEN_DUE = "a-refusal-before-its-time-waits"  # until no run is older than 2027-12

RANKS = {
    ChargeKind.PERIOD: RENEWAL,
    ChargeKind.UPGRADE: INTERACTIVE,
    ChargeKind.MANUAL: INTERACTIVE,
    ChargeKind.PACK: INTERACTIVE,
    ChargeKind.AUTO: PURCHASE,
}


class Collector:
    """Collects the open charges of a subscription."""

    def __init__(
        self, state: SubscriptionState, pending_calls: PendingCalls, settler: Settler
    ) -> None:
        self._state = state
        self._pending_calls = pending_calls
        self._settler = settler
        self._paying_with: dict[str, str] = {}
        self.payers = Payers(state, pending_calls)

    def collect(self, charge: OpenCharge) -> None:
        """Start collecting a charge that the ledger has opened."""
        if charge.charge.payer != self._state.payer:  # its keys belong to an earlier payer
            ours = replace(charge.charge, payer=self._state.payer)
            charge = replace(charge, charge=ours, attempt=charge.attempt + 1)
        self._state.put(charge)
        self._pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.prepare,
                replace(charge.charge, attempt=charge.attempt),
                summary=f"make the invoice of {demanded(charge.charge)}",
                **ranked(PROCESSOR, RANKS[charge.kind], self._state.start.customer_id),
            ),
            lambda invoiced: self._invoiced(charge.charge.charge_id, invoiced),
        )

    def pay(self, charge: OpenCharge) -> None:
        """Start an attempt at a prepared charge; prepare it again if the payer has changed."""
        if not charge.invoice:  # it was refused when it was prepared
            anew = with_another_day(self._state, charge)
            self.collect(replace(anew, step=Step.PREPARING, attempt=charge.attempt + 1))
            return
        if charge.charge.payer != self._state.payer:
            self._prepare_anew(charge)
            return
        method = self._state.payment_method
        charge = replace(charge, step=Step.PAYING, pay_at=None, retry_at=None, tried_with=method)
        self._state.put(charge)
        self._paying_with[charge.charge.charge_id] = method
        attempt = PaymentAttempt(charge.charge.charge_id, charge.invoice, charge.attempt)
        if charge.charge.due_at is not None:
            self._send(charge, attempt)
            return
        self._pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.pay,
                attempt,
                summary=f"pay {demanded(charge.charge)}, attempt {charge.attempt}",
                **ranked(PROCESSOR, RANKS[charge.kind], self._state.start.customer_id),
            ),
            lambda collected: self._collected(charge.charge.charge_id, collected),
        )

    def _send(self, charge: OpenCharge, attempt: PaymentAttempt) -> None:
        """Mail an invoice that its customer pays, unless it was paid already."""
        self._pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.read,
                attempt,
                summary=f"send the invoice of {demanded(charge.charge)}",
                **ranked(PROCESSOR, RANKS[charge.kind], self._state.start.customer_id),
            ),
            lambda collected: self._collected(charge.charge.charge_id, collected),
        )

    def retry(self, charge: OpenCharge) -> None:
        """Retry a declined charge under a new attempt number."""
        again = replace(charge, attempt=charge.attempt + 1, retry_at=None, refused=False)
        if again.invoice:
            self.pay(again)
        else:
            self.collect(replace(with_another_day(self._state, again), step=Step.PREPARING))

    def _prepare_anew(self, charge: OpenCharge) -> None:
        """Void the invoice of a deleted payer; money that arrived before counts."""
        charge = replace(charge, step=Step.PREPARING, pay_at=None, retry_at=None)
        self._state.put(charge)
        self._pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.void,
                PaymentAttempt(charge.charge.charge_id, charge.invoice, charge.attempt),
                summary=f"void {demanded(charge.charge)} of an earlier payer",
                **PROCESSOR,
            ),
            lambda collected: self._voided_for_another(charge.charge.charge_id, collected),
        )

    async def _voided_for_another(self, charge_id: str, collected: Collected) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None or charge.step is not Step.PREPARING:
            return
        came = collected.paid is not None or collected.processing is not None
        if not (came and await self._settled(charge, collected)):
            self.collect(replace(charge, invoice=""))

    def _with_another_payer(self, charge: OpenCharge, detail: str) -> None:
        """Read back a payer deleted at the processor, and try again with its replacement."""
        charge = replace(charge, step=Step.PREPARING, pay_at=None)
        self._state.put(charge)
        self.payers.look(lambda: self._payer_read(charge, detail))

    async def _payer_read(self, before: OpenCharge, detail: str) -> None:
        charge = self._state.charge_named(before.charge.charge_id)
        if charge is None or charge.step is not Step.PREPARING:
            return
        if charge.charge.payer == self._state.payer:  # the processor made no replacement
            await self._refused(charge, Invoiced(refused=PAYER_DELETED, detail=detail))
        elif charge.invoice:
            self._prepare_anew(charge)
        else:
            self.collect(charge)

    def look(self, charge: OpenCharge) -> None:
        """Ask about money on its way. Never pay again instead: that could take it twice."""
        charge = replace(charge, look_at=workflow.now() + BETWEEN_LOOKS)
        self._state.put(charge)
        self.read_back(charge)

    def read_back(self, charge: OpenCharge) -> None:
        """Ask the processor about a charge that an event says is paid."""
        self._pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.read,
                PaymentAttempt(charge.charge.charge_id, charge.invoice, charge.attempt),
                summary=f"ask what became of {demanded(charge.charge)}",
                **PROCESSOR,
            ),
            lambda collected: self._read(charge.charge.charge_id, collected),
        )

    def look_before_chasing(self, charge: OpenCharge) -> None:
        """Ask about a sent invoice before its customer is told that it is not paid."""
        self.look(replace(charge, chase_at=None))

    async def _sent(self, charge: OpenCharge, sent: Sent) -> None:
        """Wait for the transfer of a sent invoice; remind of it, or give it up, when it is time."""
        charge = await self._settler.sent(charge, sent)
        if charge.step is not Step.SENT or charge.chase_at is not None:
            return
        if await chase(self._state, self._settler.buyer(charge), charge):
            await self._give_up_all(await self._settler.declined(*given_up(charge)))

    async def give_up(self, charge: OpenCharge) -> None:
        """Void a charge; money that arrived first counts, and money on its way is waited for."""
        if charge.step is Step.PROCESSING:
            return
        if not charge.invoice:
            await self.void_in_ledger(charge)
            return
        charge = replace(charge, step=Step.VOIDING, retry_at=None, pay_at=None)
        self._state.put(charge)
        self._pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.void,
                PaymentAttempt(charge.charge.charge_id, charge.invoice, charge.attempt),
                summary=f"void {demanded(charge.charge)}",
                **PROCESSOR,
            ),
            lambda collected: self._given_up(charge.charge.charge_id, collected),
        )

    async def drop_unwanted(self) -> None:
        """Void charges no longer wanted (domain/payments/charge_fates.py)."""
        state, now = self._state, workflow.now()
        for charge in state.charges:
            if not is_void(state, charge, now):
                continue
            if charge.kind is ChargeKind.PERIOD:
                self._state.leave_unpaid(charge)
            await self.give_up(charge)

    async def _invoiced(self, charge_id: str, invoiced: Invoiced) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None or charge.step is not Step.PREPARING:
            return
        if invoiced.refused == PAYER_DELETED:
            self._with_another_payer(charge, invoiced.detail)
            return
        if invoiced.refused and not _is_due(charge) and _may_wait(invoiced):
            self._state.put(replace(charge, step=Step.PREPARED))  # asked for again when it is due
            return
        if invoiced.refused:
            await self._refused(charge, invoiced)
            return
        charge = replace(charge, charge=replace(charge.charge, taxed=invoiced.taxed))
        await self._settler.taxed(charge)
        prepared = replace(charge, step=Step.PREPARED, invoice=invoiced.invoice)
        self._state.put(prepared)
        # Void instead if the subscription is to end or nobody wants the charge any more: an outage
        # at the processor may have delayed its preparation.
        unwanted = self._state.over or is_void(self._state, prepared, workflow.now())
        if _is_due(prepared) and not unwanted:
            self.pay(prepared)

    async def _refused(self, charge: OpenCharge, invoiced: Invoiced) -> None:
        told = workflow.patched("a-refusal-is-no-decline")  # until no run is older than 2027-12
        refusal = not_charged(invoiced, self._state.card, told_apart=told)
        await self._give_up_all(await self._settler.declined(charge, refusal))

    async def _collected(self, charge_id: str, collected: Collected) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None or await self._settled(charge, collected):
            return
        declined = collected.declined
        if declined is not None and declined.code == PAYER_DELETED:
            self._with_another_payer(charge, declined.detail)
            return
        if self._paying_with.get(charge_id) != self._state.payment_method:
            self.retry(charge)  # the card was replaced while the old one was being declined
        elif collected.declined is not None:
            await self._give_up_all(await self._settler.declined(charge, collected.declined))

    async def _read(self, charge_id: str, collected: Collected) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None or charge.step not in (Step.DECLINED, Step.PROCESSING, Step.SENT):
            return
        if await self._settled(charge, collected) or collected.declined is None:
            return
        if collected.declined.remark:  # written off there: not retried automatically
            charge = replace(charge, retry_at=None)
            self._state.put(charge)
        if charge.step is Step.PROCESSING and has_another_method(self._state, charge):
            await self._try_another(charge, collected.declined)
        elif charge.step in (Step.PROCESSING, Step.SENT):
            await self._give_up_all(await self._settler.declined(charge, collected.declined))

    async def _try_another(self, charge: OpenCharge, declined: Declined) -> None:
        """Try a method that was chosen while the bank decided; in an operator's pause, after it."""
        if not is_held(self._state, replace(charge, step=Step.DECLINED), workflow.now()):
            self.retry(charge)
            return
        await self._give_up_all(await self._settler.declined(charge, declined))
        left = self._state.charge_named(charge.charge.charge_id)
        if left is not None and left.step is Step.DECLINED:
            self._state.put(replace(left, retry_at=workflow.now()))

    async def _given_up(self, charge_id: str, collected: Collected) -> None:
        charge = self._state.charge_named(charge_id)
        if charge is None:
            return
        if collected.closed is not None:
            if collected.remark:  # part of it was paid
                await let_operators_look(self._state, charge, collected.remark)
            await self.void_in_ledger(charge, gone=charge.charge.due_at is not None)
        elif not await self._settled(charge, collected):
            await self.void_in_ledger(charge)

    async def _settled(self, charge: OpenCharge, collected: Collected) -> bool:
        """Settle outcomes that need no retry; return whether this was one."""
        if collected.remark:
            await let_operators_look(self._state, charge, collected.remark)
        if collected.paid is not None:
            await self._give_up_all(await self._settler.paid(charge, collected.paid))
        elif collected.processing is not None:
            await self._settler.processing(charge, collected.processing)
        elif collected.sent is not None:
            await self._sent(charge, collected.sent)
        elif collected.unclear is not None:
            await self._settler.processing(charge, None)
        elif collected.closed is not None and charge.step is not Step.VOIDING:
            await self._closed_elsewhere(charge)
        else:
            return False
        return True

    async def _closed_elsewhere(self, charge: OpenCharge) -> None:
        """Void a charge whose invoice was voided elsewhere; a period stays due on a new invoice."""
        await let_operators_look(self._state, charge, Remark.GIVEN_UP_ELSEWHERE)
        if charge.kind is not ChargeKind.PERIOD:
            await self.void_in_ledger(charge, gone=True)
        elif is_sent_anew(charge):
            self.pay(replace(charge, invoice="", chase_at=None))
        elif charge.invoice:
            refusal = voided_elsewhere(charge, self._state.card)
            await self._settler.declined(replace(charge, invoice=""), refusal)

    async def _give_up_all(self, needless: list[OpenCharge]) -> None:
        for charge in needless:
            await self.give_up(charge)

    async def void_in_ledger(self, charge: OpenCharge, *, gone: bool = False) -> None:
        """Void a charge in the ledger; `gone`: it is void at the processor already."""
        charge_id = charge.charge.charge_id
        await workflow.execute_activity_method(
            DeclineActivities.void,
            args=[self._settler.buyer(charge), charge_id, gone],
            summary=f"void {demanded(charge.charge)} in the ledger",
            **LEDGER,
        )
        self._settler.voided(charge)


def _is_due(charge: OpenCharge) -> bool:
    return charge.pay_at is None or charge.pay_at <= workflow.now()


def _may_wait(invoiced: Invoiced) -> bool:
    """Return whether a refusal before its time is left until then; older runs pause at once."""
    return invoiced.refused in FOR_THE_CUSTOMER or workflow.patched(OWED_WHEN_DUE)
