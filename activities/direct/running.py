"""What decides usage without a workflow, with its connections, for as long as a process runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial

from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client

from activities.context import BillingContext
from activities.direct.shortfalls import Shortfalls
from activities.direct.usage import DirectUsage
from ledger.direct.lists import ListsInForce
from ledger.direct.plans import PlansInForce
from ledger.direct.wakeups import Wakeups
from ledger.usage.group_commit import GroupCommit

READERS = 4  # connections that look up plans; debits have their own
DEADLINE_SECONDS = 10  # after which a debit without an answer is to be repeated


@asynccontextmanager
async def direct_usage(
    database_url: str,
    context: BillingContext,
    temporal: Client,
    *,
    deadline_seconds: int = DEADLINE_SECONDS,
    wakeups: Wakeups | None = None,
) -> AsyncIterator[DirectUsage]:
    """Yield it; its connections are made when first needed, and again if lost.

    `wakeups`: the process's own, if it listens already: one connection listens for all.
    """
    url = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    async with (
        AsyncConnectionPool(
            url, min_size=0, max_size=READERS, open=False, kwargs={"autocommit": True}
        ) as pool,
        nullcontext(wakeups) if wakeups else Wakeups(url) as heard,
        ListsInForce(context.engine, context.catalogs) as lists,
        GroupCommit(url, deadline_seconds=deadline_seconds, tell=context.tell) as commit,
    ):
        yield DirectUsage(
            context,
            commit=commit,
            plans=PlansInForce(pool),
            shortfalls=Shortfalls(context, temporal, heard),
            lists=lists,
            now=partial(datetime.now, UTC),
        )
