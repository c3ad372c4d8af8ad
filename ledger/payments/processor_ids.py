"""Which subscription an invoice belongs to, and the processor's id of a customer."""

from typing import Any

from sqlalchemy import Connection, select

from domain.payments.kinds import CARD_PAGE, PaymentKind, SavingPage
from domain.subscription import Status
from models.tables import ChargeRow, Customer, Subscription


def subscription_of_invoice(connection: Connection, invoice: str) -> str | None:
    """Return the subscription whose charge this invoice demands."""
    return connection.scalar(
        select(ChargeRow.subscription_id).where(ChargeRow.invoice == invoice).limit(1)
    )


def payer_of_subscription(connection: Connection, subscription_id: str) -> str | None:
    """Return the processor's id of a subscription's customer; None when either is unknown."""
    return connection.scalar(
        select(Customer.payer)
        .join(Subscription, Subscription.account_id == Customer.account_id)
        .where(Subscription.subscription_id == subscription_id)
    )


def saving_page(connection: Connection, payer: str) -> SavingPage:
    """Return what a payer's plan wants of the page where a payment method is saved."""
    plan: dict[str, Any] | None = connection.scalar(
        select(Subscription.plan)
        .join(Customer, Customer.account_id == Subscription.account_id)
        .where(Customer.payer == payer)
        .order_by(Subscription.status == Status.ENDED, Subscription.recorded_at.desc())
        .limit(1)
    )
    if plan is None:
        return CARD_PAGE
    takes = plan.get("takes", {})
    taken = [kind for what in ("plan", "purchases", "auto") for kind in takes.get(what, ())]
    return SavingPage(
        str(plan["currency"]),
        takes_debits=PaymentKind.BANK_DEBIT in taken,
        asks_address=bool(plan.get("tax")),
    )
