"""What a purchase by hand comes to: its price by the plan, less its coupon, and its charge."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from activities.notifications.mails import purchase_lines
from activities.purchases.buyers import Buyer
from domain.credits import MICRO, MOST
from domain.errors import InvalidInput
from domain.money import maximum_charge_minor, minimum_charge_minor
from domain.outcomes import Outcome, Undecided
from domain.payments.charges import ChargeKind
from domain.payments.taxes import PRICE_CHANGED, is_as_shown
from domain.pricing.catalog import Catalog, Extras, Pack
from domain.pricing.discounts import (
    NOT_APPLICABLE,
    Coupon,
    CouponFor,
    Discount,
    off,
    refusal,
)
from domain.pricing.policies import ResumeOn
from domain.pricing.promotions import Redeemer, coupon_typed, is_asked
from domain.pricing.purchase_price import companion_micro, manual_price, pack_price
from ledger.payments import charges, coupons

SOLD_AS = {ChargeKind.PACK: CouponFor.PACKS, ChargeKind.MANUAL: CouponFor.MANUAL}


@dataclass(frozen=True, slots=True)
class Order:
    """What to open a charge for; `amount_minor` is what is left of its price by a coupon."""

    kind: ChargeKind
    quantity_micro: int
    amount_minor: int
    line: str
    pack: dict[str, Any] | None = None
    lasting: bool = False  # its credits never expire
    coupon: Coupon | None = None  # to redeem with it
    discount: Discount | None = None

    @property
    def price_minor(self) -> int:
        """Its price before the coupon, in minor units."""
        return self.amount_minor + (self.discount.minor if self.discount else 0)


def credits_ordered(buyer: Buyer, quantity_micro: int) -> Order | str:
    """Return what credits in the plan's unit come to, or why they are not sold."""
    manual = buyer.plan.manual
    if manual is None or not buyer.plan.paid:
        return "not_in_plan"
    if quantity_micro % manual.unit_micro:
        return "invalid_unit"
    amount = manual_price(manual, quantity_micro, buyer.plan.currency).amount_minor
    lasting = buyer.plan.extras_expire is Extras.NEVER
    return _unsold(buyer, quantity_micro, amount, lasting=lasting) or Order(
        ChargeKind.MANUAL,
        quantity_micro,
        amount,
        purchase_lines(quantity_micro, amount, 0)[0].description,
        lasting=lasting,
    )


def packs_ordered(buyer: Buyer, pack_id: str, count: int) -> Order | str:
    """Return what packs come to, or why they are not sold."""
    if not buyer.plan.paid:
        return "not_in_plan"
    try:
        pack = buyer.plan.pack(pack_id)
    except InvalidInput as error:
        return error.reason
    amount = pack_price(pack, count, buyer.plan.currency).amount_minor
    quantity = pack.quantity_micro * count
    lasting = pack.expires is Extras.NEVER
    return _unsold(buyer, quantity, amount, lasting=lasting) or Order(
        kind=ChargeKind.PACK,
        quantity_micro=quantity,
        amount_minor=amount,
        line=pack_words(pack.name, count),
        pack=sold_pack(pack, count),
        lasting=lasting,
    )


def discounted(catalogs: Mapping[str, Catalog], buyer: Buyer, order: Order | str) -> Order | str:
    """Return an order less what the buyer's coupon takes off it, or why it takes nothing."""
    if isinstance(order, str) or not buyer.coupon:
        return order
    sold_by = catalogs.get(buyer.plan.catalog)
    coupons, door = (sold_by.coupons, sold_by.door) if sold_by else ((), None)
    currency = buyer.plan.currency
    who = Redeemer(
        sold=SOLD_AS[order.kind],
        price_minor=order.amount_minor,
        currency=currency,
        payer=buyer.payer,
        at=buyer.at,
    )
    try:
        coupon = coupon_typed(coupons, door, buyer.coupon, looked_up=buyer.looked_up, who=who)
    except InvalidInput as error:
        return error.reason
    reason = refusal(coupon, SOLD_AS[order.kind], currency, buyer.at)
    if reason is not None:
        return reason
    minor = off(coupon, order.amount_minor, currency)
    if not minor:
        return NOT_APPLICABLE
    return replace(
        order,
        amount_minor=order.amount_minor - minor,
        coupon=coupon,
        discount=Discount(coupon.code, minor),
    )


def asks(catalogs: Mapping[str, Catalog], buyer: Buyer, order: Order | str) -> bool:
    """Return whether the processor must be asked about a coupon before an order can be priced."""
    sold_by = catalogs.get(buyer.plan.catalog)
    if isinstance(order, str) or not buyer.coupon or buyer.looked_up is not None or sold_by is None:
        return False
    return is_asked(sold_by.coupons, sold_by.door, buyer.coupon)


def as_expected(buyer: Buyer, order: Order | str) -> Order | str:
    """Return an order at the price that its buyer was shown, or why there is none."""
    if isinstance(order, str):
        return order
    shown = is_as_shown(order.amount_minor, buyer.plan.tax, buyer.expected_minor)
    return order if shown else PRICE_CHANGED


def open_order(connection: Connection, buyer: Buyer, charge_id: str, order: Order) -> str:
    """Open an order's charge and redeem its coupon, or do neither; return `opened` or why not."""
    if order.coupon is None or order.discount is None:
        return _open(connection, buyer, charge_id, order)
    savepoint = connection.begin_nested()
    status = _open(connection, buyer, charge_id, order)
    if status == Outcome.OPENED:
        redeemed = coupons.redeem(
            connection,
            account_id=buyer.account_id,
            charge_id=charge_id,
            catalog=buyer.plan.catalog,
            coupon=order.coupon,
            discount_minor=order.discount.minor,
            at=buyer.at,
        )
        status = status if redeemed == coupons.REDEEMED else redeemed
    if status == Outcome.OPENED:
        savepoint.commit()
    else:
        savepoint.rollback()
    return status


def _open(connection: Connection, buyer: Buyer, charge_id: str, order: Order) -> str:
    return charges.open_charge(
        connection,
        account_id=buyer.account_id,
        subscription_id=buyer.subscription_id,
        charge_id=charge_id,
        kind=order.kind,
        currency=buyer.plan.currency,
        amount_minor=order.price_minor,
        quantity_micro=order.quantity_micro,
        at=buyer.at,
        pack=order.pack,
        # None: nothing is to be paid, or nothing is charged.
        takes=buyer.plan.takes.charged_for_purchases if order.amount_minor else None,
    )


def _unsold(buyer: Buyer, quantity_micro: int, amount_minor: int, *, lasting: bool) -> str | None:
    """Return why these credits cannot be sold at this price now, or None.

    Credits that expire need a window, and there is none while a renewal is unpaid.
    """
    plan = buyer.plan
    buys = plan.resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT
    if buys and not lasting and buyer.window.end <= buyer.at:
        return Undecided.RENEWAL_PENDING  # this plan's payment pause does not forbid buying
    # What comes with the credits must be grantable, too: nobody is charged for what is not given.
    with_them = (companion_micro(one, quantity_micro) for one in plan.companions)
    most = max(quantity_micro, *with_them, 0)
    if amount_minor > maximum_charge_minor(plan.currency) or most > MOST * MICRO:
        return "above_maximum"
    return "below_minimum" if amount_minor < minimum_charge_minor(plan.currency) else None


def sold_pack(pack: Pack, count: int) -> dict[str, Any]:
    """Return the terms to keep with the charge: it is granted by them, whatever the plan then."""
    return {
        "pack_id": pack.pack_id,
        "count": count,
        "name": pack.name,
        "credit_type": pack.credit_type,
        "expires": pack.expires.value,
        "refundable": pack.refundable,
        "scope": None if pack.scope is None else list(pack.scope),
    }


def pack_words(name: str, count: int) -> str:
    """Return a number of packs as an invoice shows them."""
    return name if count == 1 else f"{count:,} x {name}"
