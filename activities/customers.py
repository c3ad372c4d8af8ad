"""Whose an object of the payment processor is: read from the ledger, nothing is written."""

from dataclasses import dataclass

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.payments import EventMeaning
from activities.uninterrupted import uninterrupted
from domain.subscription import Status
from ledger import accounts, directory, subscriptions


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an object is: unknown to us, of no live subscription (""), or of this one."""

    known: bool
    subscription_id: str = ""


class CustomerActivities:
    """The ledger's directory, for workflows."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="find_owner")
    def find_owner(self, meaning: EventMeaning) -> Owner:
        """Return the subscription that an invoice or a payer belongs to."""
        with self._context.engine.connect() as connection:
            if meaning.invoice:
                found = directory.subscription_of_invoice(connection, meaning.invoice)
                return Owner(found is not None, found or "")
            return _of_payer(connection, meaning.payer)


def _of_payer(connection: Connection, payer: str) -> Owner:
    customer = accounts.customer_of_payer(connection, payer)
    if customer is None:
        return Owner(known=False)
    account = accounts.account_of(connection, customer)
    newest = subscriptions.record_of_account(connection, account)
    live = newest is not None and newest.status != Status.ENDED
    return Owner(known=True, subscription_id=newest.subscription_id if newest and live else "")
