"""What a subscription's coupon takes off the price of its periods."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from domain.errors import InvalidInput
from domain.payments.charges import Charge, ChargeLine
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.discounts import NOT_APPLICABLE, Discount, less, off, refusal
from domain.pricing.promotions import LookedUp, Redeemer, coupon_typed
from ledger.payments import charges, coupons


def redeem_for_plan(
    connection: Connection,
    catalog: Catalog,
    subscription: tuple[int, str],
    *,
    plan: Plan,
    code: str,
    looked_up: LookedUp | None,
    who: Redeemer,
) -> None:
    """Keep a coupon with a subscription (account and id) that was just created.

    Raises `InvalidInput`, with the reason why it cannot be had.
    """
    coupon = coupon_typed(catalog.coupons, catalog.door, code, looked_up=looked_up, who=who)
    reason = refusal(coupon, who.sold, plan.currency, who.at)
    if reason is None and not off(coupon, plan.price_minor, plan.currency):
        reason = NOT_APPLICABLE
    if reason is None:
        status = coupons.redeem_for_plan(
            connection, *subscription, catalog.name, coupon=coupon, at=who.at
        )
        reason = None if status in (coupons.REDEEMED, "repeated") else status
    if reason is not None:
        raise InvalidInput(reason, f"the coupon {code!a:.60} takes nothing off {plan.plan_id}")


def opened_with_coupon(
    connection: Connection, account_id: int, charge: Charge, *, begins: datetime, at: datetime
) -> Charge:
    """Open the charge of a period, less what the subscription's coupon takes off its price.

    The wallet must be locked already. A repeat returns the same charge, whatever was said since.
    """
    known = charges.known(connection, account_id, charge.charge_id)
    if known is not None:
        return _less(charge, known.discount)
    charges.open_charge(
        connection,
        account_id=account_id,
        subscription_id=charge.subscription_id,
        charge_id=charge.charge_id,
        kind=charge.kind,
        currency=charge.currency,
        amount_minor=charge.amount_minor,
        quantity_micro=None,
        at=at,
    )
    names = (account_id, charge.subscription_id)
    coupon = coupons.of_period(connection, *names, charge_id=charge.charge_id, begins=begins)
    if coupon is None:
        return charge
    minor = off(coupon, charge.amount_minor, charge.currency)
    if not minor:
        return charge
    coupons.discount_period(
        connection, account_id, charge.charge_id, coupon=coupon, discount_minor=minor, at=at
    )
    return _less(charge, Discount(coupon.code, minor))


def next_price(
    connection: Connection, account_id: int, subscription_id: str, price_minor: int, currency: str
) -> int:
    """Return what the next period costs, in minor units, of a price that a plan has."""
    return less(coupons.of_period(connection, account_id, subscription_id), price_minor, currency)


def _less(charge: Charge, discount: Discount | None) -> Charge:
    """Return a charge less a discount; one of nothing bears no tax."""
    if discount is None:
        return charge
    [line] = charge.lines
    left = line.amount_minor - discount.minor
    words = line.description + discount.remark
    return replace(
        charge,
        lines=(ChargeLine(words, left),),
        discount=discount,
        tax=charge.tax if left else None,
    )
