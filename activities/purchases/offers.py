"""Purchases customers ask for: priced by the plan, opened as a charge under the wallet's lock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import purchase_lines
from activities.periods.checkpoints import keep_note
from activities.purchases.buyers import Buyer, PaidPurchase, Purchase
from activities.purchases.extra_credits import grant
from activities.purchases.orders import (
    Order,
    as_expected,
    asks,
    credits_ordered,
    discounted,
    open_order,
    pack_words,
    packs_ordered,
)
from activities.uninterrupted import uninterrupted
from domain.outcomes import Outcome, Refusal
from domain.payments.charges import (
    LOOKED_INTO,
    NOTHING,
    Charge,
    ChargeLine,
    ChargeState,
    Decline,
    Sold,
    purchase_name,
)
from domain.payments.taxes import Taxed
from domain.pricing.catalog import Extras
from ledger import accounts, checkpoints, kept_answers
from ledger.payments import charges


class OfferActivities:
    """Purchases that customers ask for. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="open_manual_purchase")
    def open_manual(self, buyer: Buyer, key: str, quantity_micro: int) -> Purchase:
        """Open the charge of a manual purchase at the plan's own price per credit."""
        return self._open(
            buyer,
            purchase_name(buyer.subscription_id, key),
            lambda: credits_ordered(buyer, quantity_micro),
            lambda known: known.quantity_micro == quantity_micro,
        )

    @uninterrupted(name="open_pack_purchase")
    def open_pack(self, buyer: Buyer, key: str, pack_id: str, count: int) -> Purchase:
        """Open the charge of `count` packs of one kind, if the plan sells them."""
        return self._open(
            buyer,
            purchase_name(buyer.subscription_id, key, "pack"),
            lambda: packs_ordered(buyer, pack_id, count),
            lambda known: (
                known.pack is not None
                and (known.pack["pack_id"], known.pack["count"]) == (pack_id, count)
            ),
        )

    def _open(
        self,
        buyer: Buyer,
        charge_id: str,
        wished: Callable[[], Order | str],
        same: Callable[[charges.ChargeRecord], bool],
    ) -> Purchase:
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            known = charges.known(connection, buyer.account_id, charge_id)
            if known is not None:
                # A repeat gets the first answer, even if plan or price have changed since.
                if not (same(known) and _is_expected(buyer, known) and _is_off(buyer, known)):
                    return Purchase(Refusal.IDEMPOTENCY_CONFLICT)
                opened = _opened(
                    buyer,
                    charge_id,
                    known.state,
                    _order_of(buyer, known),
                    taxed=known.taxed,
                    due_at=_due_at(connection, buyer),
                )
                told = kept_answers.of_charge(connection, buyer.account_id, charge_id)
                found = checkpoints.looked_into(connection, buyer.account_id, charge_id)
                looked_into = LOOKED_INTO[Decline(found)] if found else ""
                return replace(opened, looked_into=looked_into, answer=told or None)
            wanted = wished()
            if asks(self._context.catalogs, buyer, wanted):
                return Purchase("unknown_coupon", asks=True)
            order = as_expected(buyer, discounted(self._context.catalogs, buyer, wanted))
            if isinstance(order, str):
                return Purchase(order)
            status = open_order(connection, buyer, charge_id, order)
            due_at = _due_at(connection, buyer)
            opened = _opened(buyer, charge_id, status, order, due_at=due_at)
            if opened.charge is not None and status == Outcome.OPENED:
                keep_note(connection, buyer.account_id, opened.charge, lasting=opened.lasting)
                if order.amount_minor == 0:
                    return self._settle_free(connection, buyer, opened.charge, opened)
        return opened

    def _settle_free(
        self, connection: Connection, buyer: Buyer, charge: Charge, opened: Purchase
    ) -> Purchase:
        """Grant what a coupon took the whole price off, at once: nothing is to be paid."""
        account, charge_id = buyer.account_id, charge.charge_id
        charges.mark_paid(
            connection,
            account_id=account,
            charge_id=charge_id,
            invoice=None,
            amount_minor=0,
            at=buyer.at,
        )
        paid = PaidPurchase(buyer, charge, NOTHING)
        return replace(
            opened,
            status=ChargeState.PAID,
            available_micro=grant(self._context, connection, paid, first=True),
            answer=kept_answers.of_charge(connection, account, charge_id),
        )


def _is_expected(buyer: Buyer, known: charges.ChargeRecord) -> bool:
    """Return whether a repeat expects the total that the first message did."""
    untaxed = buyer.plan.tax is not None and known.taxed is None
    open_yet = untaxed and known.amount_minor > 0
    return open_yet or buyer.expected_minor in (None, known.total_minor)


def _is_off(buyer: Buyer, known: charges.ChargeRecord) -> bool:
    """Return whether a repeat names the coupon that the first message did."""
    return buyer.coupon == (known.discount.code if known.discount else "")


def _order_of(buyer: Buyer, known: charges.ChargeRecord) -> Order:
    quantity, amount = known.quantity_micro or 0, known.price_minor
    line = (
        purchase_lines(quantity, amount, 0)[0].description
        if known.pack is None
        else pack_words(known.pack["name"], known.pack["count"])
    )
    expires = known.pack["expires"] if known.pack else buyer.plan.extras_expire
    lasting = expires == Extras.NEVER
    return Order(
        kind=known.kind,
        quantity_micro=quantity,
        amount_minor=amount,
        line=line,
        pack=known.pack,
        lasting=lasting,
        discount=known.discount,
    )


def _due_at(connection: Connection, buyer: Buyer) -> datetime | None:
    """Return when the invoice of a purchase is due, if one is sent for it."""
    zone = accounts.details_of(connection, buyer.account_id).time_zone
    return buyer.plan.takes.purchase_due_at(buyer.at, zone)


def _opened(
    buyer: Buyer,
    charge_id: str,
    status: str,
    order: Order,
    *,
    taxed: Taxed | None = None,
    due_at: datetime | None = None,
) -> Purchase:
    words = order.line + (order.discount.remark if order.discount else "")
    charge = Charge(
        charge_id=charge_id,
        kind=order.kind,
        customer_id=buyer.customer_id,
        subscription_id=buyer.subscription_id,
        payer=buyer.payer,
        currency=buyer.plan.currency,
        lines=(ChargeLine(words, order.amount_minor),),
        sold=_sale(buyer, order),
        takes=buyer.plan.takes.purchases,
        due_at=due_at,
        tax=buyer.plan.tax,
        taxed=taxed,
        expected_minor=buyer.expected_minor if buyer.plan.tax else None,
        discount=order.discount,
    )
    return Purchase(status, charge, order.quantity_micro, order.lasting)


def _sale(buyer: Buyer, order: Order) -> Sold:
    pack = order.pack or {"pack_id": "", "count": 0}
    plan = buyer.plan
    return Sold(
        catalog=plan.catalog,
        plan_id=plan.plan_id,
        version=plan.version,
        quantity_micro=order.quantity_micro,
        pack_id=pack["pack_id"],
        count=pack["count"],
    )
