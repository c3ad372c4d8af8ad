"""Extra credits: bought by hand or at a shortfall, granted once paid."""

from dataclasses import dataclass

from sqlalchemy import Connection

from activities.answers import Keyed, keep
from activities.context import BillingContext
from activities.notifications.mails import Desk, purchase_lines
from activities.notifications.purchase_mails import post_receipt
from activities.periods.checkpoints import keep_note
from activities.purchases.buyers import Buyer, PaidPurchase, Purchase
from activities.purchases.grants import extra_orders
from activities.uninterrupted import uninterrupted
from activities.usage.events import tell_cap_reached
from domain.messages.answers import paid as paid_answer
from domain.outcomes import Refusal
from domain.payments.charges import Charge, ChargeKind, Sold
from domain.pricing.catalog import Extras
from ledger import accounts, balances, checkpoints, grants
from ledger.grants import GrantOrder
from ledger.payments import charges, receivables, refunds
from ledger.payments.charges import ChargeRecord
from ledger.usage import policies


@dataclass(frozen=True, slots=True)
class Switch:
    """Auto-purchase switched on or off."""

    buyer: Buyer
    on: bool
    keyed: Keyed | None = None


class PurchaseActivities:
    """Purchases and declines, for workflows. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="reserve_auto_purchase")
    def reserve(
        self,
        buyer: Buyer,
        charge_id: str,
        needed_micro: int,
        confirmed: bool = False,  # noqa: FBT001, FBT002 - activities' arguments go by position
    ) -> Purchase:
        """Reserve the purchase that a shortfall needs, if it is still allowed.

        `confirmed`: the sender of the event agreed to it, so the switch does not matter.
        """
        with self._context.engine.begin() as connection:
            reserved = charges.reserve_auto_purchase(
                connection,
                account_id=buyer.account_id,
                subscription_id=buyer.subscription_id,
                charge_id=charge_id,
                needed_micro=needed_micro,
                at=buyer.at,
                confirmed=confirmed,
            )
            if reserved.status == Refusal.CAP_REACHED:
                _tell_cap(self._context, connection, buyer)
            if reserved.charge_id is None:
                return Purchase(reserved.status)
            lasting = buyer.plan.extras_expire is Extras.NEVER
            charge = Charge(
                charge_id=reserved.charge_id,
                kind=ChargeKind.AUTO,
                customer_id=buyer.customer_id,
                subscription_id=buyer.subscription_id,
                payer=buyer.payer,
                currency=reserved.currency,
                lines=purchase_lines(
                    reserved.quantity_micro, reserved.amount_minor, reserved.surcharge_minor
                ),
                sold=Sold(
                    buyer.plan.catalog,
                    buyer.plan.plan_id,
                    buyer.plan.version,
                    reserved.quantity_micro,
                ),
                takes=buyer.plan.takes.auto,
                tax=buyer.plan.tax,
            )
            keep_note(connection, buyer.account_id, charge, confirmed=confirmed, lasting=lasting)
        return Purchase(reserved.status, charge, reserved.quantity_micro, lasting=lasting)

    @uninterrupted(name="grant_purchase")
    def grant_purchase(self, purchase: PaidPurchase) -> int:
        """Book the money, grant the credits, mail a receipt; return what is available."""
        buyer, charge, paid = purchase.buyer, purchase.charge, purchase.paid
        with self._context.engine.begin() as connection:
            first = charges.mark_paid(
                connection,
                account_id=buyer.account_id,
                charge_id=charge.charge_id,
                invoice=paid.invoice,
                amount_minor=paid.amount_minor,
                at=buyer.at,
            )
            return grant(self._context, connection, purchase, first=first)

    @uninterrupted(name="set_auto_purchase")
    def set_auto_purchase(self, switch: Switch) -> str:
        """Switch auto-purchase; return `done` or the reason why it stays off."""
        buyer, on = switch.buyer, switch.on
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            reason = switch_refusal(connection, buyer, on=on)
            if reason is not None:
                return reason
            policies.set_auto_purchase(connection, buyer.account_id, on=on)
            keep(connection, buyer.account_id, buyer.at, switch.keyed)
        return "done"


def switch_refusal(connection: Connection, buyer: Buyer, *, on: bool) -> str | None:
    """Return why auto-purchase cannot be switched so, under the wallet's lock, or None."""
    if not on:
        return None
    auto = buyer.plan.auto if buyer.plan.paid else None
    if auto is None:
        return "not_in_plan"
    if auto.units_per_window == 0:
        return "cap_below_unit"
    reason = policies.no_automatic_payment(connection, buyer.account_id)
    if reason is not None:
        return reason
    return "dispute_open" if refunds.has_open_dispute(connection, buyer.account_id) else None


def grant(
    context: BillingContext, connection: Connection, purchase: PaidPurchase, *, first: bool
) -> int:
    """Grant what a paid charge bought and, the `first` time, mail a receipt.

    What was granted before its money is there already. Returns the available micro-credits.
    """
    buyer = purchase.buyer
    record = charges.charge(connection, buyer.account_id, purchase.charge.charge_id)
    if receivables.is_granted(connection, buyer.account_id, record.charge_id):
        bought, *_ = extra_orders(buyer, record, frozen=purchase.frozen)
        available = balances.available(connection, buyer.account_id, bought.credit_type, buyer.at)
    else:
        bought, available = give_bought(connection, buyer, record, frozen=purchase.frozen)
    if first:
        desk = Desk(context, connection, buyer.account_id, buyer.subscription_id)
        post_receipt(desk=desk, purchase=purchase, record=record, order=bought, available=available)
        quantity, amount = record.quantity_micro or 0, purchase.paid.amount_minor
        told = paid_answer(purchase.charge, quantity, amount, available)
        checkpoints.note(connection, buyer.account_id, purchase.charge.charge_id, answer=told)
    return available


def give_bought(
    connection: Connection, buyer: Buyer, record: ChargeRecord, *, frozen: bool
) -> tuple[GrantOrder, int]:
    """Grant what a charge buys, once; return the bought credits and what is available, in micro."""
    bought, *companions = extra_orders(buyer, record, frozen=frozen)
    available = grants.give(connection, buyer.account_id, bought, buyer.at)
    for order in companions:
        grants.give(connection, buyer.account_id, order, buyer.at)
    return bought, available


def _tell_cap(context: BillingContext, connection: Connection, buyer: Buyer) -> None:
    desk = Desk(context, connection, buyer.account_id, buyer.subscription_id)
    available = balances.available(connection, buyer.account_id, buyer.plan.credit_type, buyer.at)
    tell_cap_reached(desk, buyer.plan, buyer.window.end, available)
