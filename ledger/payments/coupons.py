"""Coupons, redeemed in the transaction that opens their charge."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from domain.errors import InvalidInput
from domain.pricing.discounts import Coupon, Discount, lasts
from models.tables import Subscription

REDEEMED = "redeemed"
USED_UP = "coupon_used_up"


def name_of(catalog: str, coupon: Coupon) -> str:
    """Return what a coupon is kept as: one of the processor also by its ids there.

    A code that is made again there under the same spelling has another id, and counts anew.
    """
    name = f"{catalog}:{coupon.code}"
    if coupon.source is None:
        return name
    return f"{name}:{coupon.source.coupon}:{coupon.source.promotion}"


def _is_left(connection: Connection, name: str, coupon: Coupon) -> bool:
    """Return whether a coupon is left in all; until the transaction ends, others wait for it."""
    if coupon.redemptions is not None:
        return bool(connection.scalar(select(func.coupon_is_left(name, coupon.redemptions))))
    source = coupon.source
    if source is None:
        return True
    limits = (("", source.coupon_left), (source.promotion, source.promotion_left))
    return all(
        connection.scalar(select(func.promotion_is_left(source.coupon, promotion, most)))
        for promotion, most in limits
        if most is not None
    )


def redeem(
    connection: Connection,
    account_id: int,
    charge_id: str,
    catalog: str,
    *,
    coupon: Coupon,
    discount_minor: int,
    at: datetime,
) -> str:
    """Take a coupon's worth off a charge that was just opened; return `redeemed` or why not.

    The wallet must be locked already. Roll the opening back where it is refused. Raises
    `InvalidInput` (`unknown_charge`, `wrong_amount`).
    """
    name = name_of(catalog, coupon)
    if not _is_left(connection, name, coupon):
        return USED_UP
    call = func.redeem_coupon(
        account_id,
        charge_id,
        name,
        discount_minor,
        coupon.per_customer,
        coupon.first_purchase,
        at,
    )
    status = str(connection.scalar(select(call)))
    if status in ("unknown_charge", "wrong_amount"):
        raise InvalidInput(status, f"charge {charge_id} takes no discount: {status}")
    return status


def redeem_for_plan(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    catalog: str,
    *,
    coupon: Coupon,
    at: datetime,
) -> str:
    """Keep a coupon with a subscription that was just created; return `redeemed` or why not.

    The wallet must be locked already. Roll the creation back where it is refused.
    """
    name = name_of(catalog, coupon)
    if not _is_left(connection, name, coupon):
        return USED_UP
    terms = cast(msgspec.to_builtins(coupon), JSONB)
    limits = (coupon.per_customer, coupon.first_purchase)
    call = func.redeem_for_plan(account_id, subscription_id, name, terms, *limits, at)
    return str(connection.scalar(select(call)))


def of_period(
    connection: Connection,
    account_id: int,
    subscription_id: str,
    *,
    charge_id: str = "",
    begins: datetime | None = None,
) -> Coupon | None:
    """Return the coupon that takes something off a subscription's next period, or None.

    `charge_id` is the charge of that period where it is open already, and `begins` its first
    instant; None: it begins as the running one ends.
    """
    kept = connection.execute(
        select(Subscription.coupon_terms, Subscription.period_end).where(
            Subscription.account_id == account_id,
            Subscription.subscription_id == subscription_id,
        )
    ).one_or_none()
    if kept is None or kept.coupon_terms is None:
        return None
    call = func.periods_with_coupon(account_id, subscription_id, charge_id)
    used = connection.scalar(select(call))
    return lasting(kept.coupon_terms, used, begins or kept.period_end)


def lasting(
    terms: dict[str, Any] | None, used: int | None, begins: datetime | None
) -> Coupon | None:
    """Return a subscription's coupon after so many periods with it, or None: it takes no more."""
    if terms is None:
        return None
    coupon = msgspec.convert(terms, Coupon)
    return coupon if lasts(coupon, used or 0, begins) else None


def discount_period(
    connection: Connection,
    account_id: int,
    charge_id: str,
    *,
    coupon: Coupon,
    discount_minor: int,
    at: datetime,
) -> None:
    """Take what a subscription's coupon is worth off the charge of a period that was just opened.

    Raises `InvalidInput` where the ledger does not agree.
    """
    call = func.discount_period(account_id, charge_id, discount_minor, coupon.periods, at)
    status = str(connection.scalar(select(call)))
    if status not in (REDEEMED, "repeated"):
        raise InvalidInput(status, f"charge {charge_id} takes no discount: {status}")


def as_discount(coupon: str | None, discount_minor: int) -> Discount | None:
    """Read what a coupon took off a charge as it is kept with it; None: there was none."""
    return None if coupon is None else Discount(coupon.split(":")[1], discount_minor)
