"""Credits granted before the money of their charge has come: once, with one mail that says so."""

from dataclasses import dataclass

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.payments.processing import ChargeOnItsWay, mark_on_its_way, tell_on_its_way
from activities.purchases.buyers import Buyer
from activities.purchases.extra_credits import give_bought
from activities.uninterrupted import uninterrupted
from domain.outcomes import Outcome
from domain.payments.charges import ChargeState
from ledger import balances
from ledger.grants import GrantOrder
from ledger.payments import charges, receivables


@dataclass(frozen=True, slots=True)
class GrantedBefore:
    """Whether a charge was granted before its money, and the available micro-credits."""

    granted: bool
    available_micro: int


class BeforeMoneyActivities:
    """Grants before their money. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="grant_purchase_before_money")
    def grant_purchase(self, coming: ChargeOnItsWay) -> GrantedBefore:
        """Record that the money is on its way, grant what it buys if it may be, and mail once.

        What may not be granted yet (`ledger.payments.receivables`) waits for its money.
        """
        buyer, charge_id = coming.buyer, coming.charge.charge_id
        with self._context.engine.begin() as connection:
            state = mark_on_its_way(connection, coming)
            bought = _give(connection, coming, state)
            if state == ChargeState.PROCESSING:
                tell_on_its_way(self._context, connection, coming, granted=bought)
            granted = receivables.is_granted(connection, buyer.account_id, charge_id)
            available = balances.available(
                connection, buyer.account_id, buyer.plan.credit_type, buyer.at
            )
        return GrantedBefore(granted, available)

    @uninterrupted(name="available_after_failure")
    def available(self, buyer: Buyer) -> int:
        """Return the available micro-credits after what failed was taken back."""
        with self._context.engine.connect() as connection:
            return balances.available(
                connection, buyer.account_id, buyer.plan.credit_type, buyer.at
            )


def _give(connection: Connection, coming: ChargeOnItsWay, state: str) -> GrantOrder | None:
    """Grant a purchase; return its credits, or None: it waits, or was granted before."""
    buyer, charge_id = coming.buyer, coming.charge.charge_id
    if state not in (ChargeState.PROCESSING, Outcome.REPEATED):
        return None
    status = receivables.grant_before_money(connection, buyer.account_id, charge_id, buyer.at)
    if status != "granted":
        return None
    record = charges.charge(connection, buyer.account_id, charge_id)
    bought, _ = give_bought(connection, buyer, record, frozen=False)
    return bought
