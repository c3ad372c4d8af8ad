"""Which subscription an object of the payment processor belongs to, and deleted payers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.payments.processor import EventMeaning
from activities.uninterrupted import uninterrupted
from domain.payments.findings import Finding, FindingKind
from domain.subscription import Status
from ledger import accounts, subscriptions
from ledger.payments import findings, processor_ids
from ledger.usage import policies


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of an object: unknown to us, no live subscription (""), or this subscription."""

    known: bool
    subscription_id: str = ""
    payer: str = ""
    has_card: bool = False  # whether the ledger has a card to charge


class OwnerActivities:
    """Looks up owners in the ledger, for workflows."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="find_owner")
    def find_owner(self, meaning: EventMeaning) -> Owner:
        """Return the subscription that an invoice or a payer belongs to."""
        with self._context.engine.connect() as connection:
            if meaning.invoice:
                found = processor_ids.subscription_of_invoice(connection, meaning.invoice)
                return Owner(found is not None, found or "")
            if meaning.removed and not meaning.payer:
                return _of(connection, accounts.customer_of_card(connection, meaning.method))
            return _of(connection, accounts.customer_of_payer(connection, meaning.payer))

    @uninterrupted(name="forget_payer")
    def forget_payer(self, payer: str, at: datetime) -> None:
        """Forget a payer deleted at the processor; for a live subscription it is a finding."""
        with self._context.engine.begin() as connection:
            customer = accounts.customer_of_payer(connection, payer)
            if customer is None:
                return  # a repeat
            account = accounts.account_of(connection, customer)
            accounts.lock(connection, account, accounts.not_before(connection, account, at))
            accounts.set_payer(connection, customer, "")
            policies.set_card_usable(connection, account, usable=False)
            subscription = _of(connection, customer).subscription_id
            if subscription:
                findings.record(connection, _deleted(payer, customer, subscription, at))


def _deleted(payer: str, customer: str, subscription: str, at: datetime) -> Finding:
    return Finding(
        key=f"payer-deleted:{payer}",
        kind=FindingKind.PAYER_DELETED,
        customer_id=customer,
        subscription_id=subscription,
        charge_id=None,
        processor_id=payer,
        detail="it was deleted at the processor, with its cards; a new one is made without a card",
        at=at,
    )


def _of(connection: Connection, customer: str | None) -> Owner:
    if customer is None:
        return Owner(known=False)
    account = accounts.account_of(connection, customer)
    newest = subscriptions.record_of_account(connection, account)
    live = newest is not None and newest.status != Status.ENDED
    known = accounts.details_of(connection, account)
    return Owner(
        known=True,
        subscription_id=newest.subscription_id if newest and live else "",
        payer=known.payer or "",
        has_card=bool(known.payment_method),
    )
