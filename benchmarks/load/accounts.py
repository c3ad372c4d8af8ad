"""Accounts to debit: real ones, made by the ledger's own functions."""

from datetime import timedelta

import psycopg

from local.postgres import DATABASE, OWNER, Postgres

GRANTS = 3
CREDIT = 1_000_000
DAY = timedelta(days=1)
PLAN = '{"id": "core_10k"}'

_OPEN = """
SELECT open_wallet('customer-' || n, 'Customer ' || n, n || '@example.com', 'en', 'UTC', 'USD')
FROM generate_series(%(first)s::int, %(last)s) AS n
"""
_SUBSCRIBE = """
INSERT INTO subscriptions (subscription_id, account_id, plan, status, anchor, time_zone, period_k,
                           period_start, period_end, updated_at)
SELECT 'subscription-' || a, a, %(plan)s::jsonb, 'active', now() - %(age)s, 'UTC', 0,
       now() - %(age)s, now() + interval '29 days', now()
FROM unnest(%(accounts)s::bigint[]) AS a
"""
_WINDOWS = """
SELECT open_windows(a, 'subscription-' || a, ARRAY[now() - %(age)s],
                    ARRAY[now() + interval '29 days'], now() - %(age)s)
FROM unnest(%(accounts)s::bigint[]) AS a
"""
# Burnt in this order: the allowance, a bonus that expires later, one that never does.
_GRANTS = """
SELECT grant_credits(a, g.source, g.source, 'credits', NULL, g.priority, now() - %(age)s,
                     g.expires_at, 0, 0, %(quantity)s, 0, 'USD', NULL, NULL, NULL,
                     now() - %(age)s)
FROM unnest(%(accounts)s::bigint[]) AS a,
     (VALUES ('allowance', 20::smallint, now() + interval '29 days'),
             ('bonus', 20::smallint, now() + interval '60 days'),
             ('adjustment', 30::smallint, 'infinity'::timestamptz)
     ) AS g (source, priority, expires_at)
"""


def open_accounts(
    server: Postgres,
    count: int,
    credits_each: int,
    *,
    age: timedelta = DAY,
    plan: str = PLAN,
    database: str = DATABASE,
) -> list[int]:
    """Open `count` serving wallets with three open grants of `credits_each`; return their keys.

    Their only window began `age` ago; `plan` is their subscriptions', as JSON.
    """
    with psycopg.connect(server.dsn(database, OWNER)) as connection:
        taken = connection.execute("SELECT count(*) FROM customers").fetchone()
        first = (taken[0] if taken else 0) + 1
        rows = connection.execute(_OPEN, {"first": first, "last": first + count - 1}).fetchall()
        accounts = [int(row[0]) for row in rows]
        values = {
            "accounts": accounts,
            "quantity": credits_each * CREDIT,
            "age": age,
            "plan": plan,
        }
        for statement in (_SUBSCRIBE, _WINDOWS, _GRANTS):
            connection.execute(statement, values)
    return accounts


def broken_laws(server: Postgres, database: str = DATABASE) -> int:
    """Return how many laws of the ledger the benchmark has broken: it must be none."""
    with psycopg.connect(server.dsn(database, OWNER)) as connection:
        connection.execute("SET work_mem = '256MB'")  # it reads the whole journal, several times
        row = connection.execute("SELECT count(*) FROM violations").fetchone()
        return int(row[0]) if row else -1
