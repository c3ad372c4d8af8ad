"""What price lists have published, as the database remembers it, and how to change it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Engine, func, insert, select, text

from catalogs.kept import refusal, told
from catalogs.reader import PriceList
from domain.errors import InvalidInput
from domain.pricing.catalog import Bonus, Catalog, Plan, RateVersion
from domain.pricing.published import (
    ActionTerms,
    Comparison,
    CouponTerms,
    Item,
    Kind,
    ListTerms,
    Published,
    Terms,
    compare,
    items_of,
)
from domain.subscription import Status
from models.tables import PublishedRow, Subscription

_TYPES: Mapping[Kind, type[Terms]] = {
    Kind.PLAN: Plan,
    Kind.RATE: RateVersion,
    Kind.ACTION: ActionTerms,
    Kind.BONUS: Bonus,
    Kind.COUPON: CouponTerms,
    Kind.LIST: ListTerms,
}

# Both instants are the database's own, because business time may be virtual.
_RATED_ANEW = text("""
SELECT EXISTS (
    SELECT FROM published p JOIN journal e ON e.account_id = :account AND e.key = :key
    WHERE p.catalog = :catalog AND p.reason IS NOT NULL AND p.recorded_at > e.recorded_at
      AND split_part(p.item, ' ', 1) = 'rate'
      AND split_part(p.item, ' ', 2) IN (e.action, e.served_as))
""")


def published(connection: Connection, catalog: str) -> Published:
    """Return what a price list has published; fields added since take their defaults."""
    return _published(connection, (catalog,)).get(catalog, {})


def compared(connection: Connection, catalog: Catalog, at: datetime) -> Comparison:
    """Compare a price list read at `at` with what was published; write nothing."""
    known = published(connection, catalog.name)
    return compare(known, catalog, at, in_use(connection, catalog.name))


def all_compared(
    connection: Connection, catalogs: Iterable[Catalog], at: datetime
) -> Mapping[str, Comparison]:
    """Compare price lists with what was published, in three queries; write nothing."""
    read = {one.name: one for one in catalogs}
    known, used = _published(connection, read), _in_use(connection, read)
    return {
        name: compare(known.get(name, {}), one, at, used.get(name, frozenset()))
        for name, one in read.items()
    }


def publish(connection: Connection, catalog: Catalog, at: datetime) -> Comparison:
    """Compare a price list and publish what is new in it, unless something is refused.

    If two workers start at once, one publishes and the other compares.
    """
    _lock(connection)
    found = compared(connection, catalog, at)
    if not found.refused:
        changes: dict[Item, Terms | None] = {**found.fresh, **dict.fromkeys(found.withdrawn)}
        _write(connection, catalog.name, changes, at)
    return found


def take_up(engine: Engine, lists: Iterable[PriceList], at: datetime) -> tuple[Catalog, ...]:
    """Publish what is new in all price lists, or nothing if one changes what was published.

    Return the lists that may be served. Raises `InvalidInput` (`already_published`), naming every
    line and the ways out.
    """
    read = {one.catalog.name: one for one in lists}
    with engine.begin() as connection:
        faults = [
            f"{name}: the whole list is missing: subscriptions are on its plans"
            for name in _lists_in_use(connection)
            if name not in read
        ]
        for one in read.values():
            faults += told(one, publish(connection, one.catalog, at).refused)
        if faults:
            raise refusal(faults)
    return tuple(one.catalog for one in read.values())


def rerate(
    connection: Connection, catalog: Catalog, at: datetime, by: str, reason: str
) -> Comparison:
    """Publish a price list as it is read, overriding what was published; return what changed.

    Items it no longer has are withdrawn. Subscriptions' snapshots and booked usage stay
    as they are. Raises `InvalidInput` (`reason_missing`).
    """
    if not (by.strip() and reason.strip()):
        raise InvalidInput("reason_missing", "say who re-rates and why: --by NAME --reason TEXT")
    _lock(connection)
    found = compared(connection, catalog, at)
    read = items_of(catalog)
    changes: dict[Item, Terms | None] = {one.item: read.get(one.item) for one in found.refused}
    _write(connection, catalog=catalog.name, changes=changes, at=at, by=by, reason=reason)
    return found


def in_use(connection: Connection, catalog: str) -> frozenset[Item]:
    """Return the plan versions that live subscriptions are on or move to next period."""
    return frozenset(_in_use(connection, (catalog,)).get(catalog, ()))


def is_rated_anew(connection: Connection, catalog: str, account_id: int, key: str) -> bool:
    """Return whether a rate of an event's action was re-rated after the event was booked."""
    found = connection.scalar(_RATED_ANEW, {"catalog": catalog, "account": account_id, "key": key})
    return bool(found)


def _published(connection: Connection, catalogs: Iterable[str]) -> dict[str, dict[Item, Terms]]:
    rows = connection.execute(
        select(PublishedRow.catalog, PublishedRow.item, PublishedRow.terms)
        .where(PublishedRow.catalog.in_(catalogs))
        .order_by(PublishedRow.revision)  # the newest revision of an item wins
    )
    newest = {(row.catalog, row.item): row.terms for row in rows}
    found: dict[str, dict[Item, Terms]] = {}
    for (catalog, name), terms in newest.items():
        if terms is not None:
            item = _item(name)
            found.setdefault(catalog, {})[item] = msgspec.convert(terms, _TYPES[item.kind])
    return found


def _in_use(connection: Connection, catalogs: Iterable[str]) -> dict[str, set[Item]]:
    names = tuple(catalogs)
    found: dict[str, set[Item]] = {}
    for plan in (Subscription.plan, Subscription.next_plan):
        of = plan["catalog"].astext
        columns = (plan[name].astext for name in ("plan_id", "version", "currency"))
        rows = connection.execute(
            select(of, *columns)
            .distinct()
            .where(Subscription.status != Status.ENDED, of.in_(names))
        )
        for catalog, plan_id, version, currency in rows:
            # Whichever of the list's currencies this is: its first one is not named.
            versions = (version, f"{version}:{currency}")
            items = {Item(Kind.PLAN, plan_id, one) for one in versions}
            found.setdefault(catalog, set()).update(items)
    return found


def _lists_in_use(connection: Connection) -> tuple[str, ...]:
    name = Subscription.plan["catalog"].astext
    statement = (
        select(name).distinct().where(Subscription.status != Status.ENDED, name.is_not(None))
    )
    return tuple(connection.scalars(statement.order_by(name)))


def _lock(connection: Connection) -> None:
    """Let one transaction publish at a time; before the first there is no row to lock."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("published"))))


def _write(
    connection: Connection,
    catalog: str,
    changes: Mapping[Item, Terms | None],
    at: datetime,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    newest = _revisions(connection, catalog, changes)
    rows = [
        {
            "catalog": catalog,
            "item": _text(item),
            "revision": newest.get(_text(item), 0) + 1,
            "terms": None if terms is None else msgspec.to_builtins(terms),
            "made_by": by,
            "reason": reason,
            "at": at,
        }
        for item, terms in changes.items()
    ]
    if rows:
        connection.execute(insert(PublishedRow), rows)


def _revisions(connection: Connection, catalog: str, items: Iterable[Item]) -> dict[str, int]:
    rows = connection.execute(
        select(PublishedRow.item, func.max(PublishedRow.revision))
        .where(PublishedRow.catalog == catalog, PublishedRow.item.in_(map(_text, items)))
        .group_by(PublishedRow.item)
    )
    return {item: int(revision) for item, revision in rows}


def _text(item: Item) -> str:
    return f"{item.kind} {item.name} {item.version}"


def _item(written: str) -> Item:
    kind, name, version = written.split(" ")
    return Item(Kind(kind), name, version)
