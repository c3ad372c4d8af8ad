"""Extra credits: bought by hand or at a shortfall; and what follows when a charge is declined."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection
from temporalio import activity

from activities.context import BillingContext
from activities.mails import Desk, purchase_lines
from activities.usage import tell_cap_reached
from domain.burn import tie_keys
from domain.catalog import Extras, Plan, ResumeOn
from domain.errors import InvalidInput
from domain.mails import (
    Paused,
    PaymentFailed,
    Purpose,
    Receipt,
    Resumed,
    neutral_reason,
)
from domain.money import MOST_CHARGE_MINOR, Ratio, credits_price, minimum_charge_minor
from domain.payments import Charge, ChargeKind, Decline, Declined, Paid, purchase_name
from domain.periods import Window
from domain.subscription import Pause, Status
from ledger import accounts, balances, charges, grants, subscriptions
from ledger.charges import ChargeRecord
from ledger.grants import GrantOrder

PURPOSES = {
    ChargeKind.PERIOD: Purpose.RENEWAL,
    ChargeKind.UPGRADE: Purpose.UPGRADE,
    ChargeKind.MANUAL: Purpose.MANUAL,
    ChargeKind.AUTO: Purpose.AUTO,
}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, under which plan, in which window and period, at which instant."""

    subscription_id: str
    customer_id: str
    account_id: int
    payer: str
    plan: Plan
    period: Window
    window: Window
    at: datetime


@dataclass(frozen=True, slots=True)
class Purchase:
    """A charge that was opened for credits, or the reason why none was (`status`)."""

    status: str
    charge: Charge | None = None
    quantity_micro: int = 0


@dataclass(frozen=True, slots=True)
class PaidPurchase:
    """A purchase whose money has arrived; `frozen` once the subscription has ended."""

    buyer: Buyer
    charge: Charge
    paid: Paid
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class FailedCharge:
    """A declined attempt and what follows: another try at `retry_at`, a pause, or neither."""

    buyer: Buyer
    charge: Charge
    declined: Declined
    attempt: int
    status: Status
    pause: bool
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Switch:
    """Auto-purchase switched on or off."""

    buyer: Buyer
    on: bool


@dataclass(frozen=True, slots=True)
class Resumption:
    """A payment pause that ends, by a payment or because nothing is owed any more."""

    buyer: Buyer
    status: Status
    paid: Paid | None


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
                self._tell_cap(connection, buyer)
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
                self._receipt(connection, purchase, record, order, available)
        return available

    @activity.defn(name="note_decline")
    def note_decline(self, failed: FailedCharge) -> None:
        """Book a declined attempt; pause and mail in the same transaction."""
        buyer, charge = failed.buyer, failed.charge
        with self._context.engine.begin() as connection:
            state = charges.mark_declined(
                connection,
                buyer.account_id,
                charge.charge_id,
                failed.declined.invoice,
                failed.attempt,
                failed.declined.code,
                buyer.at,
            )
            if state not in ("declined", "repeated"):
                return
            if failed.pause:
                accounts.set_paused(
                    connection, buyer.account_id, Pause.PAYMENT_FAILED, buyer.at, paused=True
                )
            subscriptions.write(connection, buyer.subscription_id, buyer.at, status=failed.status)
            self._tell_decline(connection, failed)

    @activity.defn(name="void_in_ledger")
    def void(self, buyer: Buyer, charge_id: str) -> str:
        """Give a charge up in the ledger; return its state (`paid` if money had arrived)."""
        with self._context.engine.begin() as connection:
            return charges.mark_void(connection, buyer.account_id, charge_id, buyer.at)

    @activity.defn(name="resume_payment")
    def resume(self, resumption: Resumption) -> int:
        """End the payment pause and mail it; return what is available."""
        buyer, paid = resumption.buyer, resumption.paid
        with self._context.engine.begin() as connection:
            changed = accounts.set_paused(
                connection, buyer.account_id, Pause.PAYMENT_FAILED, buyer.at, paused=False
            )
            subscriptions.write(
                connection, buyer.subscription_id, buyer.at, status=resumption.status
            )
            available = balances.available(
                connection, buyer.account_id, _credit_type(buyer.plan), buyer.at
            )
            if changed:
                desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
                desk.post(
                    f"resumed:{buyer.at.isoformat()}",
                    Resumed(
                        reader=desk.reader(buyer.plan),
                        currency=buyer.plan.currency,
                        paid_minor=paid.amount_minor if paid else None,
                        card=paid.card if paid else None,
                        balance_micro=available,
                        expires_at=buyer.window.end,
                        next_at=buyer.period.end,
                        next_minor=buyer.plan.price_minor,
                    ),
                )
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

    def _receipt(
        self,
        connection: Connection,
        purchase: PaidPurchase,
        record: ChargeRecord,
        order: GrantOrder,
        available: int,
    ) -> None:
        buyer, paid = purchase.buyer, purchase.paid
        desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
        auto = record.kind is ChargeKind.AUTO and record.window_end is not None
        desk.post(
            f"receipt:{record.charge_id}",
            Receipt(
                reader=desk.reader(buyer.plan),
                purpose=PURPOSES[record.kind],
                currency=record.currency,
                lines=purchase.charge.lines,
                paid_at=buyer.at,
                card=paid.card,
                invoice_number=paid.invoice_number,
                invoice_url=paid.invoice_url,
                granted_micro=order.quantity_micro,
                balance_micro=available,
                expires_at=order.expires_at,
                unit_price=_unit_price(buyer.plan, record.kind),
                auto=desk.auto_totals(buyer.plan, record.window_end or buyer.window.end)
                if auto
                else None,
            ),
        )

    def _tell_decline(self, connection: Connection, failed: FailedCharge) -> None:
        buyer, declined = failed.buyer, failed.declined
        desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
        retried = failed.attempt > 1 and failed.retry_at is None and failed.pause
        if retried and failed.charge.kind is ChargeKind.PERIOD:
            kept, _ = balances.kept_and_lost(connection, buyer.account_id, buyer.at)
            desk.post(
                f"paused:{failed.charge.charge_id}",
                Paused(
                    reader=desk.reader(buyer.plan),
                    cause="payment_failed",
                    currency=failed.charge.currency,
                    owed_minor=failed.charge.amount_minor,
                    kept_micro=kept,
                ),
            )
            return
        reader = desk.reader(buyer.plan)
        # What somebody asked for is given up at once: its invoice leads nowhere.
        kept = failed.charge.kind in (ChargeKind.PERIOD, ChargeKind.AUTO)
        if kept and declined.decline is Decline.NEEDS_CUSTOMER and declined.invoice_url:
            reader = replace(reader, action_url=declined.invoice_url)
        desk.post(
            f"payment-failed:{failed.charge.charge_id}",
            PaymentFailed(
                reader=reader,
                purpose=PURPOSES[failed.charge.kind],
                currency=failed.charge.currency,
                amount_minor=failed.charge.amount_minor,
                card=declined.card,
                decline=declined.decline,
                reason=neutral_reason(declined.code),
                retry_at=failed.retry_at,
                paused=failed.pause,
            ),
        )

    def _tell_cap(self, connection: Connection, buyer: Buyer) -> None:
        desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
        available = balances.available(
            connection, buyer.account_id, _credit_type(buyer.plan), buyer.at
        )
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


def _unit_price(plan: Plan, kind: ChargeKind) -> Ratio | None:
    offer = plan.auto if kind is ChargeKind.AUTO else plan.manual
    return offer.unit_price if offer else None


def _bought_type(plan: Plan, kind: ChargeKind) -> str:
    offer = plan.auto if kind is ChargeKind.AUTO else plan.manual
    return offer.credit_type if offer else _credit_type(plan)


def _credit_type(plan: Plan) -> str:
    return plan.allowances[0].credit_type if plan.allowances else "credits"
