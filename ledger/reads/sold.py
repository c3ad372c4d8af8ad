"""Who is on which version of a plan."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a plan, as subscriptions were sold it."""

    catalog: str
    plan_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A live subscription."""

    subscription_id: str
    customer_id: str
    name: str
    status: str


def counts(connection: Connection, catalog: str) -> Mapping[Version, int]:
    """Return how many live subscriptions are on each version of a price list's plans."""
    rows = connection.execute(
        text("""
            SELECT plan ->> 'catalog', plan ->> 'plan_id', CAST(plan ->> 'version' AS integer),
                   count(*)
            FROM subscriptions WHERE status <> 'ended' AND plan ->> 'catalog' = :catalog
            GROUP BY 1, 2, 3
        """),
        {"catalog": catalog},
    )
    return {Version(*row[:3]): int(row[3]) for row in rows}


def subscribers(connection: Connection, of: Version, most: int) -> list[Subscriber]:
    """Return live subscriptions of a version, the newest first."""
    rows = connection.execute(
        text("""
            SELECT s.subscription_id, c.customer_id, c.name, s.status
            FROM subscriptions s JOIN customers c USING (account_id)
            WHERE s.status <> 'ended' AND s.plan ->> 'catalog' = :catalog
              AND s.plan ->> 'plan_id' = :plan AND s.plan ->> 'version' = :version
            ORDER BY s.recorded_at DESC, c.customer_id COLLATE "C" LIMIT :most
        """),
        {
            "catalog": of.catalog,
            "plan": of.plan_id,
            "version": str(of.version),
            "most": most,
        },
    )
    return [Subscriber(*row) for row in rows]
