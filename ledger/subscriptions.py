"""Subscriptions as plain records."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.errors import InvalidInput
from domain.periods import Window
from domain.pricing.catalog import Plan
from domain.subscription import Status
from ledger import starts
from models.tables import Subscription


@dataclass(frozen=True, slots=True)
class SubscriptionRecord:
    """A subscription as its workflow last wrote it."""

    subscription_id: str
    account_id: int
    plan: dict[str, Any]
    status: str
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_end: bool


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """All columns of a subscription's row, plans as JSON values."""

    subscription_id: str
    account_id: int
    plan: dict[str, Any]
    next_plan: dict[str, Any] | None
    time_zone: str
    begins_at: datetime
    anchor: datetime
    trial_ends_at: datetime | None
    period_k: int
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_end: bool

    def period(self) -> Window:
        """Return the current period; None while the subscription is pending."""
        if self.period_start is None or self.period_end is None:
            raise LookupError(f"subscription {self.subscription_id} has not begun")
        return Window(self.period_k, self.period_start, self.period_end)


@dataclass(frozen=True, slots=True)
class LiveSubscription:
    """A subscription that has not ended, with its plan version."""

    subscription_id: str
    account_id: int
    time_zone: str
    catalog: str
    plan_id: str
    version: int
    price_minor: int


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan version as JSON values."""
    return dict(json.loads(json.dumps(asdict(plan))))


def create(
    connection: Connection,
    subscription_id: str,
    account_id: int,
    plan: Plan,
    *,
    begins_at: datetime,
    anchor: datetime,
    trial_ends_at: datetime | None,
    time_zone: str,
    at: datetime,
) -> None:
    """Create a pending subscription; a repeat changes nothing.

    Raises `InvalidInput`: `already_subscribed` while the customer has another live one or the id
    belongs to another customer, `subscription_ended` for an id used before: its charges keep it.
    """
    known = connection.execute(
        select(Subscription.account_id, Subscription.status).where(
            Subscription.subscription_id == subscription_id
        )
    ).one_or_none()
    if known is not None and known.account_id != account_id:
        raise InvalidInput("already_subscribed", f"{subscription_id!r} is another customer's")
    ended = known is not None and known.status == Status.ENDED
    again = ended and starts.is_unused(connection, subscription_id)
    if ended and not again:
        raise InvalidInput("subscription_ended", f"{subscription_id!r} has ended: use a new id")
    live = live_of_account(connection, account_id)
    if live not in (None, subscription_id):
        raise InvalidInput("already_subscribed", f"subscription {live!r} is still live: end it")
    values: dict[str, object] = {
        "plan": as_json(plan),
        "status": Status.PENDING,
        "begins_at": begins_at,
        "anchor": anchor,
        "trial_ends_at": trial_ends_at,
        "time_zone": time_zone,
        "period_k": -1,
        "updated_at": at,
        "coupon": None,  # of a start that failed under this id before
        "coupon_terms": null(),
    }
    ids = {"subscription_id": subscription_id, "account_id": account_id}
    statement = insert(Subscription).values(ids | values)
    if again:
        connection.execute(
            statement.on_conflict_do_update(constraint="subscriptions_pk", set_=values)
        )
    else:
        connection.execute(statement.on_conflict_do_nothing())


def stored(connection: Connection, subscription_id: str) -> StoredSubscription:
    """Read a subscription. Raises `InvalidInput` (`no_subscription`)."""
    row = connection.execute(
        select(
            Subscription.subscription_id,
            Subscription.account_id,
            Subscription.plan,
            Subscription.next_plan,
            Subscription.time_zone,
            func.coalesce(Subscription.begins_at, Subscription.anchor),
            Subscription.anchor,
            Subscription.trial_ends_at,
            Subscription.period_k,
            Subscription.period_start,
            Subscription.period_end,
            Subscription.cancel_at_end,
        ).where(Subscription.subscription_id == subscription_id)
    ).one_or_none()
    if row is None:
        raise InvalidInput("no_subscription", f"there is no subscription {subscription_id!r:.60}")
    return StoredSubscription(*row)


def status_of(connection: Connection, subscription_id: str) -> str:
    """Return the status of a subscription. Raises `InvalidInput` (`no_subscription`)."""
    status = connection.scalar(
        select(Subscription.status).where(Subscription.subscription_id == subscription_id)
    )
    if status is None:
        raise InvalidInput("no_subscription", f"there is no subscription {subscription_id!r:.60}")
    return str(status)


def live(connection: Connection, account_id: int | None = None) -> tuple[LiveSubscription, ...]:
    """Return the subscriptions that have not ended, of an account or all."""
    own = () if account_id is None else (Subscription.account_id == account_id,)
    return _live(connection, *own)


def live_on_plan(
    connection: Connection, catalog: str, plan_id: str
) -> tuple[LiveSubscription, ...]:
    """Return the live subscriptions that are on any version of a plan."""
    return _live(
        connection,
        Subscription.plan["catalog"].astext == catalog,
        Subscription.plan["plan_id"].astext == plan_id,
    )


def _live(connection: Connection, *conditions: ColumnElement[bool]) -> tuple[LiveSubscription, ...]:
    rows = connection.execute(
        select(
            Subscription.subscription_id,
            Subscription.account_id,
            Subscription.time_zone,
            Subscription.plan,
        )
        .where(
            Subscription.status != Status.ENDED,
            Subscription.plan.has_key("catalog"),  # skips rows that no workflow wrote
            *conditions,
        )
        .order_by(Subscription.subscription_id)
    )
    return tuple(
        LiveSubscription(
            subscription_id=row.subscription_id,
            account_id=row.account_id,
            time_zone=row.time_zone,
            catalog=row.plan["catalog"],
            plan_id=row.plan["plan_id"],
            version=row.plan["version"],
            price_minor=row.plan["price_minor"],
        )
        for row in rows
    )


def had_trial(connection: Connection, account_id: int) -> bool:
    """Return whether a customer has ever had a trial."""
    found = connection.scalar(
        select(Subscription.subscription_id)
        .where(Subscription.account_id == account_id, Subscription.trial_ends_at.is_not(None))
        .limit(1)
    )
    return found is not None


def begin_period(
    connection: Connection,
    subscription_id: str,
    plan: Plan,
    anchor: datetime,
    period: Window,
    at: datetime,
) -> None:
    """Store that a period has begun under a plan; clears the scheduled change."""
    connection.execute(
        update(Subscription)
        .where(Subscription.subscription_id == subscription_id)
        .values(
            plan=as_json(plan),
            anchor=anchor,
            period_k=period.k,
            period_start=period.start,
            period_end=period.end,
            next_plan=None,
            updated_at=at,
        )
    )


def write(connection: Connection, subscription_id: str, at: datetime, **values: object) -> None:
    """Write changed columns of a subscription."""
    connection.execute(
        update(Subscription)
        .where(Subscription.subscription_id == subscription_id)
        .values(updated_at=at, **values)
    )


@dataclass(frozen=True, slots=True)
class PlanName:
    """The plan version a subscription was sold."""

    catalog: str
    plan_id: str
    version: int
    currency: str


def plan_named(connection: Connection, subscription_id: str) -> PlanName:
    """Return which plan a subscription is on. Raises `InvalidInput` (`no_subscription`)."""
    plan = connection.scalar(
        select(Subscription.plan).where(Subscription.subscription_id == subscription_id)
    )
    if plan is None:
        raise InvalidInput("no_subscription", f"there is no subscription {subscription_id!r:.60}")
    return PlanName(plan["catalog"], plan["plan_id"], plan["version"], plan["currency"])


def live_of_account(connection: Connection, account_id: int) -> str | None:
    """Return the subscription of an account that has not ended."""
    return connection.scalar(
        select(Subscription.subscription_id).where(
            Subscription.account_id == account_id, Subscription.status != Status.ENDED
        )
    )


def record_of_account(connection: Connection, account_id: int) -> SubscriptionRecord | None:
    """Return the newest subscription of an account."""
    row = connection.execute(
        select(
            Subscription.subscription_id,
            Subscription.account_id,
            Subscription.plan,
            Subscription.status,
            Subscription.period_start,
            Subscription.period_end,
            Subscription.cancel_at_end,
        )
        .where(Subscription.account_id == account_id)
        .order_by(Subscription.recorded_at.desc())
        .limit(1)
    ).one_or_none()
    return SubscriptionRecord(*row) if row is not None else None
