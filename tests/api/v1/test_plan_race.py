"""Plans change while 64 callers use: each event is priced by the plan in force at its place."""

import asyncio
from bisect import bisect_left
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.context import BillingContext
from activities.direct.shortfalls import Shortfalls
from activities.direct.usage import CustomersEvent, DirectUsage
from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.usage import UsageEvent
from ledger import accounts, balances
from ledger.direct.lists import ListsInForce
from ledger.direct.plans import PlansInForce
from ledger.direct.wakeups import Wakeups
from ledger.usage.group_commit import GroupCommit
from ledger.usage.queues import LedgerBusyError
from settings import CATALOGS
from tests.api.v1.conftest import put_on
from tests.builders import START, a_subscribed_wallet, shipped_plan

CALLERS, CHANGES = 64, 40
BOUND = 5 * MICRO  # what the strict plan lets nobody use alone
OPEN = replace(shipped_plan("make", "core_10k"), approval_above_micro=None)
STRICT = replace(OPEN, approval_above_micro=BOUND)


@pytest.fixture
async def usage(session_database, engine, temporal):
    url = session_database.url
    catalog = read_catalog(CATALOGS / "make.yaml")
    context = BillingContext(engine, {catalog.name: catalog}, "", ("x" * 32,))
    pool = AsyncConnectionPool(url, min_size=0, max_size=2, open=False)
    async with pool, Wakeups(url) as wakeups, GroupCommit(url) as commit:
        yield DirectUsage(
            context,
            commit=commit,
            plans=PlansInForce(pool),
            shortfalls=Shortfalls(context, temporal, wakeups),
            lists=ListsInForce(engine, {}),
            now=partial(datetime.now, UTC),
        )


def change(engine, wallet, plan):
    """Put a plan in force; return the last line of the journal before it."""
    with engine.begin() as connection:
        accounts.lock(connection, wallet.account_id, START)
        query = "SELECT seq FROM wallets WHERE account_id = %s"
        seq = connection.exec_driver_sql(query, (wallet.account_id,)).scalar_one()
        put_on(connection, wallet, plan)
    return seq


async def until_answered(usage, asked):
    while True:  # plans change faster here than a busy machine may read them
        with suppress(LedgerBusyError):
            return await usage.use([asked], catalog=None, patience=0)


async def test_no_event_is_priced_by_a_plan_that_is_not_in_force(usage, engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 1_000_000)
    begins = [(change(engine, wallet, OPEN), OPEN)]
    outcomes, answered = [], asyncio.Event()

    async def call(caller):
        number = 0
        while not changing.done():
            event = UsageEvent(f"{caller}-{number}", "operation", BOUND + MICRO, START)
            asked = CustomersEvent(wallet.customer_id, event)
            outcomes.extend(await until_answered(usage, asked))
            answered.set()
            number += 1

    async def change_plans():
        for number in range(CHANGES):
            plan, status = ((STRICT, "approval_required"), (OPEN, "debited"))[number % 2]
            seen = len(outcomes)
            begins.append((await asyncio.to_thread(change, engine, wallet, plan), plan))
            # Every other pair is changed at once, under whoever has read the plan before it.
            while number % 4 < 2 and status not in {one.status for one in outcomes[seen:]}:
                answered.clear()
                await answered.wait()

    changing = asyncio.ensure_future(change_plans())
    await asyncio.gather(changing, *(call(caller) for caller in range(CALLERS)))

    assert {one.status for one in outcomes} == {"debited", "approval_required"}
    ends = [seq for seq, _ in begins]
    for one in outcomes:
        if one.status == "debited":
            plan = begins[bisect_left(ends, one.seq) - 1][1]
            assert plan is OPEN, f"{one.key} at {one.seq} was let through by the plan before"
    assert len({one.key for one in outcomes}) == len(outcomes)
    with engine.connect() as connection:
        assert balances.violations(connection) == []
