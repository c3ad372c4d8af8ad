"""Extra credits: bought by hand or at a shortfall, granted once paid."""

from dataclasses import dataclass

from sqlalchemy import Connection
from temporalio import activity

from activities.buyers import Buyer, PaidPurchase, Purchase
from activities.context import BillingContext
from activities.mails import Desk, purchase_lines
from activities.purchase_mails import post_receipt
from activities.usage import tell_cap_reached
from domain.burn import tie_keys
from domain.catalog import Extras, Plan, ResumeOn
from domain.errors import InvalidInput
from domain.money import MOST_CHARGE_MINOR, credits_price, minimum_charge_minor
from domain.payments import Charge, ChargeKind, purchase_name
from ledger import accounts, balances, charges, grants, subscriptions
from ledger.charges import ChargeRecord
from ledger.grants import GrantOrder


@dataclass(frozen=True, slots=True)
class Switch:
    """Auto-purchase switched on or off."""

    buyer: Buyer
    on: bool


class PurchaseActivities:
    """Purchases and declines, for workflows. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @activity.defn(name="reserve_auto_purchase")
    def reserve(self, buyer: Buyer, charge_id: str, needed_micro: int) -> Purchase:
        """Reserve the purchase that a shortfall needs, if all still allows it."""
        with self._context.engine.begin() as connection:
            reserved = charges.reserve_auto_purchase(
                connection,
                buyer.account_id,
                buyer.subscription_id,
                charge_id,
                needed_micro,
                buyer.at,
            )
            if reserved.status == "cap_reached":
                _tell_cap(self._context, connection, buyer)
        if reserved.charge_id is None:
            return Purchase(reserved.status)
        lines = purchase_lines(
            reserved.quantity_micro, reserved.amount_minor, reserved.surcharge_minor
        )
        charge = Charge(
            reserved.charge_id,
            ChargeKind.AUTO,
            buyer.customer_id,
            buyer.subscription_id,
            buyer.payer,
            reserved.currency,
            lines,
        )
        return Purchase(reserved.status, charge, reserved.quantity_micro)

    @activity.defn(name="open_manual_purchase")
    def open_manual(self, buyer: Buyer, key: str, quantity_micro: int) -> Purchase:
        """Open the charge of a manual purchase at the plan's own unit price."""
        charge_id = purchase_name(buyer.subscription_id, key)
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            known = _known_charge(connection, buyer.account_id, charge_id)
            if known is not None:
                # The first answer again, whatever the plan and its price have become.
                if known.quantity_micro != quantity_micro:
                    return Purchase("idempotency_conflict")
                charge = _by_hand(buyer, charge_id, quantity_micro, known.amount_minor)
                return Purchase(known.state, charge, quantity_micro)
            amount, reason = _manual_price(buyer, quantity_micro)
            if reason is not None:
                return Purchase(reason)
            status = charges.open_charge(
                connection,
                buyer.account_id,
                buyer.subscription_id,
                charge_id,
                ChargeKind.MANUAL,
                buyer.plan.currency,
                amount,
                quantity_micro,
                buyer.at,
            )
        return Purchase(status, _by_hand(buyer, charge_id, quantity_micro, amount), quantity_micro)

    @activity.defn(name="grant_purchase")
    def grant_purchase(self, purchase: PaidPurchase) -> int:
        """Book the money, grant the credits, mail a receipt; return what is available."""
        buyer, charge, paid = purchase.buyer, purchase.charge, purchase.paid
        with self._context.engine.begin() as connection:
            first = charges.mark_paid(
                connection,
                buyer.account_id,
                charge.charge_id,
                paid.invoice,
                paid.amount_minor,
                buyer.at,
            )
            record = charges.charge(connection, buyer.account_id, charge.charge_id)
            order = _extra_credits(buyer, record, frozen=purchase.frozen)
            available = grants.give(connection, buyer.account_id, order, buyer.at)
            if first:
                desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
                post_receipt(desk, purchase, record, order, available)
        return available

    @activity.defn(name="set_auto_purchase")
    def set_auto_purchase(self, switch: Switch) -> str:
        """Switch auto-purchase; return `done` or the reason why it stays off."""
        buyer, on = switch.buyer, switch.on
        auto = buyer.plan.auto if buyer.plan.paid else None
        if on and auto is None:
            return "not_in_plan"
        if on and auto is not None and auto.units_per_window == 0:
            return "cap_below_unit"
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            if on and not subscriptions.has_usable_card(connection, buyer.account_id):
                return "no_payment_method"
            subscriptions.set_auto_purchase(connection, buyer.account_id, on=on)
        return "done"


def _tell_cap(context: BillingContext, connection: Connection, buyer: Buyer) -> None:
    desk = Desk(context, connection, buyer.account_id, buyer.subscription_id)
    available = balances.available(connection, buyer.account_id, buyer.plan.credit_type, buyer.at)
    tell_cap_reached(desk, buyer.plan, buyer.window.end, available)


def _extra_credits(buyer: Buyer, record: ChargeRecord, *, frozen: bool) -> GrantOrder:
    """Return the grant of a purchase; it expires by the plan and the instant it was paid.

    What was paid as the subscription ended never had a window to be used in: it is kept, frozen.
    """
    plan = buyer.plan
    quantity = record.quantity_micro or 0
    ends = {
        Extras.WINDOW_END: record.window_end or buyer.window.end,
        Extras.PERIOD_END: buyer.period.end,
        Extras.NEVER: None,
    }
    effective_at = max(record.window_start or buyer.window.start, buyer.at)
    return GrantOrder(
        key=f"{record.charge_id}:grant",
        source=record.kind.value,
        credit_type=_bought_type(plan, record.kind),
        quantity_micro=quantity,
        priority=plan.priorities.pack,
        effective_at=effective_at,
        expires_at=None if frozen else ends[plan.extras_expire],
        ties=tie_keys(plan.tie_break, record.amount_minor, quantity, effective_at),
        currency=record.currency,
        cost_minor=record.amount_minor,
        charge_id=record.charge_id,
        part=0,
        scope=plan.manual.scope if plan.manual and record.kind is ChargeKind.MANUAL else None,
    )


def _known_charge(connection: Connection, account_id: int, charge_id: str) -> ChargeRecord | None:
    try:
        return charges.charge(connection, account_id, charge_id)
    except InvalidInput:
        return None


def _manual_price(buyer: Buyer, quantity_micro: int) -> tuple[int, str | None]:
    """Return what credits bought by hand cost in minor units, or why they are not sold."""
    plan = buyer.plan
    if plan.manual is None or not plan.paid:
        return 0, "not_in_plan"
    if quantity_micro % plan.manual.unit_micro:
        return 0, "invalid_unit"
    if plan.resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT and buyer.window.end <= buyer.at:
        return 0, "renewal_pending"  # a payment pause does not keep this plan from buying
    amount = credits_price(quantity_micro, plan.manual.unit_price)
    if amount > MOST_CHARGE_MINOR:
        return amount, "above_maximum"
    too_little = amount < minimum_charge_minor(plan.currency)
    return amount, "below_minimum" if too_little else None


def _by_hand(buyer: Buyer, charge_id: str, quantity_micro: int, amount_minor: int) -> Charge:
    return Charge(
        charge_id,
        ChargeKind.MANUAL,
        buyer.customer_id,
        buyer.subscription_id,
        buyer.payer,
        buyer.plan.currency,
        purchase_lines(quantity_micro, amount_minor, 0),
    )


def _bought_type(plan: Plan, kind: ChargeKind) -> str:
    offer = plan.auto if kind is ChargeKind.AUTO else plan.manual
    return offer.credit_type if offer else plan.credit_type
