"""The part of a plan's policy that the wallet's lock reads, written with the plan."""

from datetime import datetime

from sqlalchemy import Connection, func, select, text, update

from domain.payments.kinds import PaymentKind
from domain.periods import Window
from domain.plan_calendar import cap_bounds
from domain.pricing.catalog import Plan
from domain.pricing.policies import ResumeOn
from domain.subscription import Status
from ledger.notifications import alerts
from models.tables import Policy, Subscription, Wallet


def set_policy(connection: Connection, account_id: int, plan: Plan) -> None:
    """Store what the wallet's lock needs of a plan; auto-purchase goes off if not offered.

    Call it in the transaction that locks the wallet and changes the plan, after a new period is
    written: what a cap counts between depends on it.
    """
    auto = plan.auto if plan.paid else None
    values: dict[str, object] = {
        "late_usage": plan.late_usage.kind.value,
        "reopen_days": plan.late_usage.reopen_days,
        "debt_repaid_from": plan.debt_repaid_from.value,
        "buys_while_paused": plan.resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT,
        "auto_kinds": list(plan.takes.auto),
        "currency": plan.currency,
        "auto_credit_type": auto.credit_type if auto else None,
        "auto_unit": auto.unit_micro if auto else None,
        "auto_cap": auto.cap_micro if auto else None,
        "cap_bounds": _cap_bounds(connection, account_id, plan),
        "auto_price_num": auto.unit_price.num if auto else None,
        "auto_price_den": auto.unit_price.den if auto else None,
        "auto_surcharge_num": auto.surcharge_percent.num if auto else None,
        "auto_surcharge_den": 100 * auto.surcharge_percent.den if auto else None,
    }
    if auto is None or auto.units_per_window == 0:
        values["auto_on"] = False
    connection.execute(update(Policy).where(Policy.account_id == account_id).values(**values))
    # Whoever keeps plans in memory learns by this that theirs is another.
    connection.execute(
        update(Wallet)
        .where(Wallet.account_id == account_id)
        .values(plan_revision=Wallet.plan_revision + 1)
    )
    # Freezes purchased credits while the plan is free. Has no instant, for it decides nothing.
    connection.execute(select(func.set_frozen(account_id, not plan.paid, None)))
    alerts.follow_plan(connection, account_id, plan)


def _cap_bounds(connection: Connection, account_id: int, plan: Plan) -> list[datetime] | None:
    """Return the bounds of a cap with windows of its own, in the current period."""
    live = connection.execute(
        select(
            Subscription.anchor,
            Subscription.time_zone,
            Subscription.period_k,
            Subscription.period_start,
            Subscription.period_end,
        ).where(Subscription.account_id == account_id, Subscription.status != Status.ENDED)
    ).one_or_none()
    if live is None or live.period_start is None:
        return None
    period = Window(live.period_k, live.period_start, live.period_end)
    return list(cap_bounds(plan, live.anchor, live.time_zone, period)) or None


def set_auto_purchase(connection: Connection, account_id: int, *, on: bool) -> None:
    """Switch auto-purchase; a charge in flight is not touched."""
    connection.execute(update(Policy).where(Policy.account_id == account_id).values(auto_on=on))


def set_card_usable(
    connection: Connection, account_id: int, *, usable: bool, kind: str = PaymentKind.CARD
) -> None:
    """Store whether there is a payment method to charge, and of which kind it is."""
    connection.execute(
        update(Policy)
        .where(Policy.account_id == account_id)
        .values(card_usable=usable, pays_with=kind)
    )


def auto_purchase_on(connection: Connection, account_id: int) -> bool:
    """Return whether auto-purchase is switched on."""
    return bool(connection.scalar(select(Policy.auto_on).where(Policy.account_id == account_id)))


def has_usable_card(connection: Connection, account_id: int) -> bool:
    """Return whether there is a payment method to charge."""
    return bool(
        connection.scalar(select(Policy.card_usable).where(Policy.account_id == account_id))
    )


def pays_with(connection: Connection, account_id: int) -> PaymentKind:
    """Return the kind of the payment method that would be charged, if there is one."""
    query = select(Policy.pays_with).where(Policy.account_id == account_id)
    return PaymentKind(connection.scalar(query) or PaymentKind.CARD)


def no_automatic_payment(connection: Connection, account_id: int) -> str | None:
    """Return why auto-purchase could charge nothing, as the lock says it, or None."""
    return connection.execute(
        text("SELECT unpayable(p, p.auto_kinds) FROM policies p WHERE p.account_id = :account"),
        {"account": account_id},
    ).scalar_one_or_none()
