"""Customers and rows of a file of balances, with usual values."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from activities.purchases.imports import carry_out
from catalogs.reader import read_catalog
from domain.payments.imports import Brought
from ledger import subscriptions
from models.tables import Subscription
from settings import CATALOGS
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, micro, shipped_plan

LISTS = {name: read_catalog(CATALOGS / f"{name}.yaml") for name in ("make", "salestools")}
LATER = MONTH_END + timedelta(days=300)


def a_customer(connection, catalog="salestools", plan="starter", **facts):
    """A customer whose January is paid for, on a plan that is shipped."""
    wallet = a_subscribed_wallet(connection, allowance=0, **facts)
    connection.execute(
        update(Subscription)
        .where(Subscription.subscription_id == wallet.subscription_id)
        .values(
            plan=subscriptions.as_json(shipped_plan(catalog, plan)),
            status="active",
            period_k=0,
            period_start=START,
            period_end=MONTH_END,
        )
    )
    return wallet


def a_row(wallet, **facts):
    """A pack of 1,000 for $45, which never expires."""
    usual = Brought(
        line=2,
        customer_id=wallet.customer_id,
        quantity_micro=micro(1_000),
        credit_type="credits",
        source="pack",
        cost_minor=4_500,
        currency="USD",
        expires_at=None,
        key="old-1",
    )
    return replace(usual, **facts)


def bring(connection, *rows, at=NOON):
    return carry_out(connection, LISTS, rows, at, by="ann")


def charge_of(wallet, key="old-1"):
    return f"{wallet.customer_id}:import:{key}"
