"""Receipts of purchases."""

from activities.notifications.mails import Desk
from activities.purchases.buyers import PaidPurchase
from domain.mails.facts import Purpose
from domain.mails.money import Receipt
from domain.money import Ratio
from domain.payments.charges import ChargeKind
from domain.pricing.catalog import Plan
from domain.pricing.purchase_price import percent_off
from ledger.grants import GrantOrder
from ledger.payments.charges import ChargeRecord

PURPOSES = {  # a period's depends on whether another was paid before
    ChargeKind.UPGRADE: Purpose.UPGRADE,
    ChargeKind.MANUAL: Purpose.MANUAL,
    ChargeKind.AUTO: Purpose.AUTO,
    ChargeKind.PACK: Purpose.MANUAL,
}


def post_receipt(
    desk: Desk,
    purchase: PaidPurchase,
    record: ChargeRecord,
    order: GrantOrder,
    available: int,
) -> None:
    """Mail what was bought, its price, and what is available now."""
    buyer, paid = purchase.buyer, purchase.paid
    auto = record.kind is ChargeKind.AUTO and record.window_end is not None
    desk.post(
        f"receipt:{record.charge_id}",
        Receipt(
            reader=desk.reader(buyer.plan, order.credit_type),
            purpose=PURPOSES[record.kind],
            currency=record.currency,
            lines=purchase.charge.itemised,
            paid_at=buyer.at,
            card=paid.card or None,
            invoice_number=paid.invoice_number or None,
            invoice_url=paid.invoice_url or None,
            granted_micro=order.quantity_micro,
            balance_micro=available,
            expires_at=order.expires_at,
            unit_price=_unit_price(buyer.plan, record),
            auto=desk.auto_totals(buyer.plan, record.window_end or buyer.window.end)
            if auto
            else None,
            taxed=record.taxed,
        ),
    )


def _unit_price(plan: Plan, record: ChargeRecord) -> Ratio | None:
    """Return the plan's price per credit; None for packs and discounts, whose price differs."""
    if record.kind is ChargeKind.AUTO:
        return plan.auto.unit_price if plan.auto else None
    if plan.manual is None or record.kind is ChargeKind.PACK:
        return None
    discounted = percent_off(plan.manual.volume, record.quantity_micro or 0).num > 0
    return None if discounted else plan.manual.unit_price
