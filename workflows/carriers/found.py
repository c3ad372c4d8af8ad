"""Money that a paid invoice says is this subscription's, and whose charge the ledger lost."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.lost_charges import (
        FoundMoney,
        LostChargeActivities,
        LostChargeReading,
        MoneyFound,
        TakenUp,
    )
    from domain.payments.charges import Charge, ChargeKind, Paid
    from domain.subscription import OpenCharge, Step
from workflows.options import LEDGER, PROCESSOR
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.operator_view import money_for


class FoundMoneyCarriers:
    """Takes found money up: what comes of it is decided under the wallet's lock."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {"money_found": self._money_found}

    async def _money_found(self, invoice: str, _ticket: int) -> Answer | None:
        self._context.pending_calls.start(
            workflow.start_activity_method(
                LostChargeReading.read,
                invoice,
                summary=f"read {invoice}, whose charge is lost",
                **PROCESSOR,
            ),
            self._read,
        )
        return None

    async def _read(self, found: FoundMoney) -> None:
        """Let the ledger decide; what it has already, or leaves to operators, changes nothing."""
        if found.claim is None or self._state.ended:
            return
        taken: TakenUp = await workflow.execute_activity_method(
            LostChargeActivities.take_up,
            MoneyFound(self._context.settler.buyer(), found.claim, found.paid, found.why),
            summary=f"take up what {found.claim.invoice} paid for",
            **LEDGER,
        )
        if taken.charge is None or found.paid is None:
            return
        self._count(taken.charge)
        self._state.last_charge = f"{money_for(found.paid.amount_minor, taken.charge)} found"
        if taken.status == "opened":
            await self._settle(taken, taken.charge, found.paid)
            return
        self._state.available_micro = taken.available_micro
        self._state.balance_as_of = workflow.now()
        self._state.credits_came(workflow.now())

    def _count(self, charge: Charge) -> None:
        """Let no later auto-purchase have the name of this one."""
        number = charge.charge_id.rpartition(":")[2]
        if charge.kind is ChargeKind.AUTO and number.isdecimal():
            self._state.purchases = max(self._state.purchases, int(number))

    async def _settle(self, taken: TakenUp, charge: Charge, paid: Paid) -> None:
        """Settle what needs a window as any charge that is paid between two."""
        buyer = self._context.settler.buyer()
        waits = OpenCharge(
            charge,
            Step.PREPARED,
            workflow.now(),
            quantity_micro=taken.quantity_micro,
            plan=buyer.plan,
            window_end=buyer.window.end,
            invoice=paid.invoice,
            needs_window=not taken.lasting,
        )
        for needless in await self._context.settler.paid(waits, paid):
            await self._context.collector.give_up(needless)
