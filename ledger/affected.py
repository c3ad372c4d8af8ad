"""Customers affected by a re-rate: live subscriptions, and events priced by the old rate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select, text

from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import every_plan
from domain.pricing.published import (
    Comparison,
    Difference,
    Item,
    Kind,
    begins,
    changes_of,
    plan_item,
    priced_until,
)
from domain.subscription import Status
from ledger import published
from models.tables import Customer, Subscription

# What a customer paid for an action's events of a time span, corrections included. An event with
# of two credit types counts on its first one.
_EVENTS = text("""
SELECT c.customer_id, e.credit_type,
       sum((e.line = 0 AND e.kind <> 'correction')::integer)::bigint AS events,
       -sum(e.change) AS credits
FROM journal e
CROSS JOIN operation_of(e.account_id, e.seq, e.corrects) o
JOIN customers c ON c.account_id = e.account_id
WHERE e.kind IN ('debit', 'capture', 'correction')
  AND coalesce(o.served_as, o.action) = :action
  AND o.event_at >= :since AND o.event_at < coalesce(CAST(:until AS timestamptz), 'infinity')
  AND EXISTS (SELECT FROM subscriptions s
              WHERE s.account_id = e.account_id AND s.plan ->> 'catalog' = :catalog)
GROUP BY c.customer_id, e.credit_type
ORDER BY c.customer_id COLLATE "C", e.credit_type COLLATE "C"
""")


@dataclass(frozen=True, slots=True)
class Affected:
    """A customer and what changes for it; `changes` is empty if an item is withdrawn.

    `events` were booked for `credits_micro` of a type by a rate that has changed since.
    """

    customer_id: str
    item: Item
    changes: tuple[Difference, ...] = ()
    subscription_id: str | None = None
    events: int = 0
    credit_type: str = ""
    credits_micro: int = 0


@dataclass(frozen=True, slots=True)
class _Live:
    customer_id: str
    subscription_id: str
    plans: tuple[Plan, ...]  # it is on, and will be on


def affected(
    connection: Connection, catalog: Catalog, found: Comparison, at: datetime
) -> tuple[Affected, ...]:
    """Return everyone affected by the refused edits of a price list at `at`, item by item."""
    edits: dict[Item, list[Difference]] = {}
    for one in found.refused:
        edits.setdefault(one.item, []).append(one)
    live = tuple(_live(connection, catalog.name))
    rows: list[Affected] = []
    for item, changes in edits.items():
        told = tuple(one for one in changes if one.path)
        match item.kind:
            case Kind.PLAN:
                rows += _subscribers(catalog, item, live)
            case Kind.RATE:
                until = priced_until(published.published(connection, catalog.name), catalog, item)
                charged = _charged(
                    connection, catalog=catalog.name, item=item, told=told, until=until
                )
                rows += charged
                if until is None or until > at:  # still in force: every customer will pay by it
                    known = {one.customer_id for one in charged}
                    rows += _all(item, told, [one for one in live if one.customer_id not in known])
            case Kind.ACTION | Kind.BONUS | Kind.COUPON:
                rows += _all(item, told, live)
            case Kind.LIST:
                pass  # customers keep what they have; new ones get the edited item
    return tuple(rows)


def _all(item: Item, told: tuple[Difference, ...], live: Iterable[_Live]) -> Iterator[Affected]:
    for one in live:
        yield Affected(one.customer_id, item, told, one.subscription_id)


def _subscribers(catalog: Catalog, item: Item, live: tuple[_Live, ...]) -> Iterator[Affected]:
    """Yield who is on a plan version or moves to it, with the differences from what they bought."""
    own = catalog.currency
    read = next((plan for plan in every_plan(catalog) if plan_item(plan, own) == item), None)
    for one in live:
        sold = next((plan for plan in one.plans if plan_item(plan, own) == item), None)
        changes = () if read is None or sold is None else changes_of(item, sold, read)
        if sold is not None and (changes or read is None):
            yield Affected(one.customer_id, item, changes, one.subscription_id)


def _charged(
    connection: Connection,
    catalog: str,
    item: Item,
    told: tuple[Difference, ...],
    until: datetime | None,
) -> list[Affected]:
    """Return the customers whose events a rate priced, even if the subscription has ended."""
    known = {"action": item.name, "catalog": catalog, "since": begins(item), "until": until}
    rows = connection.execute(_EVENTS, known)
    return [
        Affected(
            customer_id=row.customer_id,
            item=item,
            changes=told,
            subscription_id=None,
            events=row.events,
            credit_type=row.credit_type,
            credits_micro=int(row.credits),
        )
        for row in rows
    ]


def _live(connection: Connection, catalog: str) -> Iterator[_Live]:
    rows = connection.execute(
        select(
            Customer.customer_id,
            Subscription.subscription_id,
            Subscription.plan,
            Subscription.next_plan,
        )
        .join(Customer, Customer.account_id == Subscription.account_id)
        .where(Subscription.status != Status.ENDED, Subscription.plan["catalog"].astext == catalog)
        .order_by(Subscription.subscription_id)
    )
    for customer_id, subscription_id, *plans in rows:
        kept = tuple(msgspec.convert(plan, Plan) for plan in plans if plan)
        yield _Live(customer_id, subscription_id, kept)
