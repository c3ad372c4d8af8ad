"""Measure how long each page takes the server for one customer who has used much for a year.

The API serves in this process, so that neither network nor browser counts; the processor is the
stand-in. Each page is asked for several times. Beside the time is the CPU of this process and of
the database, which other work on the machine lengthens far less. Needs Linux: it reads /proc.
"""

import argparse
import asyncio
import logging
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

# In place of this folder, whose `http` would hide Python's own.
sys.path.remove(str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
import psycopg
from psycopg.types.json import Jsonb
from starlette.types import Receive, Scope, Send

from api.main import create_app
from api.pages.customer.pages import FRAME
from benchmarks.load.accounts import CREDIT, broken_laws
from benchmarks.load.machine import describe, fresh_postgres, ratio
from catalogs.reader import read_catalog
from domain.access.operators import Operator, OperatorRole
from ledger.access import operators, portal_sessions
from ledger.access.portal_sessions import Opening
from ledger.subscriptions import as_json
from ledger.usage import days
from local.postgres import DATABASE, OWNER, SUPERUSER, Postgres
from local.stripe_standin.process import StandIn
from models.base import connect
from settings import CATALOGS

ENTRIES = 1_000_000
MONTHS = 12
MONTH = timedelta(days=30)
TOGETHER = 1_000  # events of one call
ASKED = 9  # times each page is asked for, after two that fill caches
LONGEST_MS = 100
# Of the page of usage: every way to sum up, of the window and of a month, and what is narrowed.
WAYS = ("by=action", "by=day", "by=member", "by=tag&tag=campaign")
CHOICES = (
    *(f"?{way}" for way in WAYS),
    *(f"?range=month&{way}" for way in WAYS),
    "?range=month&action=llm_tokens",
    "?range=month&member=member-7",
)
PASSWORD = "correct horse battery"  # noqa: S105 - of an account that lives for minutes
NAME, MAIL = "customer-1", "ann@seller.example"

_OPEN = "SELECT open_wallet(%(name)s, 'Acme Inc.', 'acme@example.com', 'en_US', 'UTC', 'USD')"
_SUBSCRIBE = """
INSERT INTO subscriptions (subscription_id, account_id, plan, status, anchor, time_zone, period_k,
                           period_start, period_end, updated_at)
VALUES (%(name)s, %(account)s, %(plan)s, 'active', %(begun)s, 'UTC', 0, %(begun)s, %(ends)s, now())
"""
_WINDOWS = """
SELECT open_windows(%(account)s, %(name)s, array_agg(s), array_agg(s + %(month)s), %(begun)s)
FROM generate_series(%(begun)s::timestamptz, %(ends)s::timestamptz - %(month)s, %(month)s) AS s
"""
_GRANTS = """
SELECT grant_credits(%(account)s, 'window ' || n, 'allowance', 'credits', NULL, 20::smallint,
                     %(begun)s + n * %(month)s, %(begun)s + (n + 1) * %(month)s, 0, 0,
                     %(quantity)s, 0, 'USD', NULL, NULL, NULL, %(begun)s)
FROM generate_series(0, %(months)s::int - 1) AS n
"""
# As a team uses it: fifty members, twenty campaigns, three actions.
_USE = """
SELECT count(*) FILTER (WHERE d.status = 'debited') FROM (
    SELECT array_agg(%(account)s::bigint) AS accounts,
           array_agg(gen_random_uuid()::text) AS keys,
           array_agg((ARRAY['operation', 'operation', 'llm_tokens'])[1 + n %% 3]) AS actions,
           array_agg(jsonb_build_object('member', 'member-' || n %% 50,
                                        'campaign', 'campaign-' || n %% 20)) AS tags
    FROM generate_series(1, %(many)s::int) AS n) e
CROSS JOIN LATERAL debit(
    e.accounts, e.keys, e.actions, array_fill(%(credit)s::bigint, ARRAY[%(many)s::int]),
    array_fill('credits'::text, ARRAY[%(many)s::int]),
    array_fill(%(credit)s::bigint, ARRAY[%(many)s::int]),
    array_fill(%(at)s::timestamptz, ARRAY[%(many)s::int]), e.tags, %(at)s) d
"""


@dataclass(frozen=True, slots=True)
class Took:
    """How long one page took, in milliseconds; `cpu` is the median of what it cost."""

    page: str
    median: float
    slowest: float
    cpu: float


def customer_of_a_year(server: Postgres, entries: int) -> int:
    """Make a customer with monthly windows who used them evenly until now; return the account."""
    plan = as_json(read_catalog(CATALOGS / "make.yaml").plan("core_10k"))
    now = datetime.now(UTC)
    begun = now - (MONTHS - 1) * MONTH - MONTH / 2
    values = {
        "name": NAME,
        "plan": Jsonb(plan),
        "begun": begun,
        "ends": begun + MONTHS * MONTH,
        "month": MONTH,
        "months": MONTHS,
        "quantity": entries * CREDIT,
        "credit": CREDIT,
        "many": TOGETHER,
    }
    with psycopg.connect(server.dsn(DATABASE, OWNER), autocommit=True) as connection:
        (account,) = connection.execute(_OPEN, values).fetchone() or (0,)
        values["account"] = account
        for statement in (_SUBSCRIBE, _WINDOWS, _GRANTS):
            connection.execute(statement, values)
        calls = max(1, entries // TOGETHER)
        for number in range(calls):
            at = begun + (now - begun) * (number / calls)
            row = connection.execute(_USE, {**values, "at": at}).fetchone()
            if row != (TOGETHER,):
                raise SystemExit(f"the filling was refused: {row}")
            if number % 50 == 0:
                sys.stderr.write(f"\r{number / calls:6.1%} filled")
        connection.execute("VACUUM ANALYZE")
    return int(account)


@asynccontextmanager
async def browsers(
    server: Postgres, standin: StandIn
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Serve the pages here; yield what asks for them as a customer and as an operator does."""
    variables = {
        "DATABASE_URL": server.dsn(DATABASE),
        "TEMPORAL_ADDRESS": "127.0.0.1:9",
        "STRIPE_API_KEY": standin.api_key,
        "STRIPE_API_BASE": standin.base_url,
        "STRIPE_WEBHOOK_SECRET": "whsec_none",
        "LINK_SECRETS": "0123456789abcdef0123456789abcdef",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "MAIL_FROM": "billing@drawdown.example",
        "PUBLIC_URL": "http://door",
    }
    app = create_app(variables)
    async with app.pages.router.lifespan_context(app.pages) as state:

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        clients = [
            httpx.AsyncClient(transport=httpx.ASGITransport(serve), base_url="http://door")
            for _ in range(2)
        ]
        yield clients[0], clients[1]


async def entered(
    server: Postgres, account: int, customer: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    """Open the customer's console, and sign the operator in."""
    engine, at = connect(server.dsn(DATABASE, OWNER)), datetime.now(UTC)
    with engine.begin() as connection:
        token, _ = portal_sessions.create(connection, Opening(account, None, "credits", None), at)
        made = Operator(MAIL, "Ann", OperatorRole.ADMIN, 0)
        operators.create(connection, made, PASSWORD, by="benchmark", at=at)
    engine.dispose()
    await customer.get(f"/console/open/{token}")
    asked = await operator.get("/operator/sign_in")
    (sealed,) = re.findall(r'name="csrf" value="([^"]+)"', asked.text)
    fields = {"csrf": sealed, "email": MAIL, "password": PASSWORD}
    await operator.post("/operator/sign_in", data=fields)


def used_ms(monitor: psycopg.Connection[tuple[int]]) -> float:
    """Return the milliseconds of CPU that this process and the other backends have run."""
    pids = monitor.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ).fetchall()
    ran = [Path(f"/proc/{pid}/schedstat").read_text().split()[0] for (pid,) in pids]
    return time.process_time() * 1_000 + sum(map(int, ran)) / 1_000_000


async def took(
    browser: httpx.AsyncClient, address: str, monitor: psycopg.Connection[tuple[int]]
) -> Took:
    """Ask for a page again and again."""
    seen, cost = [], []
    for number in range(-2, ASKED):
        used, before = used_ms(monitor), time.perf_counter()
        answer = await browser.get(address)
        if answer.status_code != httpx.codes.OK:
            raise SystemExit(f"{address}: {answer.status_code} {answer.headers.get('location')}")
        if number >= 0:
            seen.append((time.perf_counter() - before) * 1_000)
            cost.append(used_ms(monitor) - used)
    return Took(address, statistics.median(seen), max(seen), statistics.median(cost))


def after_a_night(server: Postgres) -> None:
    """Sum up the days that are over, as `reconciliation` does every night."""
    engine = connect(server.dsn(DATABASE))
    began = time.perf_counter()
    kept = sum(days.sum_up_all(engine))
    print(f"\n{kept} days summed up in {time.perf_counter() - began:.1f} s")
    engine.dispose()


async def measured(server: Postgres, account: int, standin: StandIn) -> list[Took]:
    """Return how long each page of the customer took, and the operators' page about them."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # not a line for each page
    usage = [f"/console/usage{query}" for query in CHOICES]
    results = [f"/console/results?range=month&tag={tag}" for tag in ("campaign", "member")]
    own = [*(page.address for page in FRAME.pages.values()), *usage, *results]
    with psycopg.connect(server.dsn(role=SUPERUSER), autocommit=True) as monitor:
        async with browsers(server, standin) as (customer, operator):
            await entered(server, account, customer, operator)
            found = [await took(customer, address, monitor) for address in own]
            found.append(await took(operator, f"/operator/customer?id={NAME}", monitor))
    return found


def main() -> None:
    """Fill a ledger, ask for every page and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES, help="of the one customer")
    parser.add_argument("--no-night", action="store_true", help="sum up no days beforehand")
    asked = parser.parse_args()
    entries = asked.entries
    with fresh_postgres() as server:
        standin = StandIn.start(server.folder.parent)
        try:
            account = customer_of_a_year(server, entries)
            if not asked.no_night:
                after_a_night(server)
            print(f"\n{entries:,} entries in {MONTHS} months; {describe(server)}\n")
            found = asyncio.run(measured(server, account, standin))
        finally:
            standin.stop()
        print(f"{'page':<48}{'ms, median':>12}{'slowest':>10}{'of CPU':>10}")
        for one in found:
            print(f"{one.page:<48}{one.median:>12.1f}{one.slowest:>10.1f}{one.cpu:>10.1f}")
        dearest = max(one.cpu for one in found)
        print(f"\nbroken laws: {broken_laws(server)}; load {os.getloadavg()[0]:.2f}")
        print(ratio("dearest_page_of_100_ms_of_cpu", dearest / LONGEST_MS))


if __name__ == "__main__":
    main()
