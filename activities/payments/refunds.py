"""Refunds: requested by operators, or seen at the processor."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.purchases.buyers import Buyer
from activities.uninterrupted import uninterrupted
from domain.errors import InvalidInput
from domain.mails.money import Disputed, Refunded
from domain.messages.refunds import Refund
from domain.outcomes import Outcome
from domain.payments.charges import ChargeKind, DisputeState, MoneyBack, RefundState
from ledger import accounts, balances, subscriptions
from ledger.payments import charges, refunds
from ledger.payments.refunds import RefundOrder, RefundOutcome
from ledger.usage import policies


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A refund that an operator requests."""

    buyer: Buyer
    refund_id: str
    wanted: Refund


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """The request's outcome in the ledger; money in minor units.

    `status` is `refunded`, `repeated` or a reason; `state` is `made` once the processor has
    confirmed, `asked` before, or `failed` if it refused.
    """

    status: str
    state: str = ""
    amount_minor: int = 0
    most_minor: int = 0
    currency: str = ""
    invoice: str = ""
    taken_micro: int = 0
    available_micro: int = 0
    tax_minor: int | None = None  # in that amount; None: the charge was not taxed


@dataclass(frozen=True, slots=True)
class Booked:
    """The processor's report as booked; `status` as in ledger/payments/refunds.py."""

    status: str
    subscription_id: str = ""


@dataclass(frozen=True, slots=True)
class WalletState:
    """The ledger's values that a workflow mirrors."""

    available_micro: int
    auto_purchase: bool


class RefundActivities:
    """Refunds and disputes, for workflows. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="refund_in_ledger")
    def refund(self, request: RefundRequest) -> RefundAsked:
        """Take a refund's credits; the processor sends the money afterwards.

        What was paid elsewhere goes back elsewhere: nothing is sent, and the refund is made.
        """
        buyer, wanted = request.buyer, request.wanted
        order = RefundOrder(
            refund_id=request.refund_id,
            charge_id=wanted.charge_id,
            amount_minor=wanted.amount_minor,
            reason=wanted.reason,
            by=wanted.by,
        )
        with self._context.engine.connect() as connection:
            sold = charges.known(connection, buyer.account_id, wanted.charge_id)
            if sold and sold.pack and not sold.pack["refundable"] and not wanted.exception:
                return RefundAsked("not_refundable")
            asked = refunds.refund(connection, buyer.account_id, order, buyer.at)
            if asked.status == Outcome.REFUNDED and sold and sold.kind is ChargeKind.IMPORT:
                asked = _made_elsewhere(connection, buyer, order, asked)
            taken = refunds.taken_by(connection, buyer.account_id, "refund", order.refund_id)
            tax = refunds.tax_of(connection, buyer.account_id, order.refund_id)
            available = _available(connection, buyer.account_id, buyer.plan.allowances, buyer.at)
            if not wanted.preview:  # a preview rolls back: its numbers are those of the real refund
                connection.commit()
        return RefundAsked(
            status=asked.status,
            state=asked.state,
            amount_minor=asked.amount_minor,
            most_minor=asked.most_minor,
            currency=asked.currency,
            invoice=asked.invoice,
            taken_micro=taken,
            available_micro=available,
            tax_minor=tax,
        )

    @uninterrupted(name="book_money_back")
    def book(self, said: MoneyBack, at: datetime) -> Booked:
        """Book the processor's report, and mail it the first time."""
        with self._context.engine.begin() as connection:
            try:
                account = accounts.account_of(connection, said.customer_id)
                charge = charges.charge(connection, account, said.charge_id)
            except InvalidInput as error:
                return Booked(error.reason)
            status = _note(connection, account, said, at)
            if status == Outcome.NOTED:
                desk = Desk(self._context, connection, account, charge.subscription_id)
                _tell(desk, said, charge.currency, at)
        return Booked(status, charge.subscription_id)

    @uninterrupted(name="read_standing")
    def standing(self, buyer: Buyer) -> WalletState:
        """Read the available micro-credits and whether auto-purchase is on."""
        with self._context.engine.connect() as connection:
            return WalletState(
                _available(connection, buyer.account_id, buyer.plan.allowances, buyer.at),
                policies.auto_purchase_on(connection, buyer.account_id),
            )


def _made_elsewhere(
    connection: Connection, buyer: Buyer, order: RefundOrder, asked: RefundOutcome
) -> RefundOutcome:
    refunds.note_refund(
        connection,
        buyer.account_id,
        refund_id=order.refund_id,
        charge_id=order.charge_id,
        amount_minor=asked.amount_minor,
        state=RefundState.MADE,
        at=buyer.at,
    )
    return replace(asked, state=RefundState.MADE)


def _note(connection: Connection, account_id: int, said: MoneyBack, at: datetime) -> str:
    if said.kind == "refund":
        return refunds.note_refund(
            connection,
            account_id,
            refund_id=said.name,
            charge_id=said.charge_id,
            amount_minor=said.amount_minor,
            state=said.state,
            at=at,
        )
    return refunds.note_dispute(
        connection,
        account_id,
        dispute_id=said.name,
        charge_id=said.charge_id,
        amount_minor=said.amount_minor,
        state=said.state,
        at=at,
    )


def _available(
    connection: Connection, account_id: int, allowances: tuple[Any, ...], at: datetime
) -> int:
    credit_type = allowances[0].credit_type if allowances else "credits"
    return balances.available(connection, account_id, credit_type, at)


def _tell(desk: Desk, said: MoneyBack, currency: str, at: datetime) -> None:
    if said.state == RefundState.FAILED:
        return  # operators hear of it; for the customer nothing changed
    record = subscriptions.record_of_account(desk.connection, desk.account_id)
    if record is None:
        return
    reader = desk.reader_of(record.plan["name"], record.plan["catalog"])
    allowances = record.plan["allowances"]
    credit_type = allowances[0]["credit_type"] if allowances else "credits"
    at = accounts.not_before(desk.connection, desk.account_id, at)
    balance = balances.available(desk.connection, desk.account_id, credit_type, at)
    if said.kind == "refund":
        mail = Refunded(
            reader=reader,
            currency=currency,
            amount_minor=said.amount_minor,
            tax_minor=refunds.tax_of(desk.connection, desk.account_id, said.name),
            refunded_at=at,
            taken_micro=refunds.taken_by(desk.connection, desk.account_id, "refund", said.name),
            balance_micro=balance,
        )
        desk.post(f"refunded:{said.name}", mail)
        return
    gone = refunds.returned(desk.connection, desk.account_id, said.charge_id)
    desk.post(
        f"disputed:{said.name}:{said.state}",
        Disputed(
            reader=reader,
            currency=currency,
            amount_minor=said.amount_minor,
            state=DisputeState(said.state),
            taken_micro=gone.taken_micro,
            owed_micro=gone.owed_micro,
            balance_micro=balance,
        ),
    )
