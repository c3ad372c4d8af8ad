"""Who watches wallets is told of every change, after its commit, in notices that fit."""

import asyncio
import threading
from datetime import UTC, datetime

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from ledger.direct.telling import LARGEST, Teller, notices
from ledger.direct.wakeups import SPENT
from ledger.usage.group_commit import GroupCommit
from tests.builders import START, a_subscribed_wallet, an_event


@given(st.sets(st.integers(1, 2**63 - 1), max_size=1_000))
def test_notices_name_every_account_once_and_fit(accounts):
    texts = list(notices(accounts))
    assert all(0 < len(text) <= LARGEST for text in texts)
    assert [int(one) for text in texts for one in text.split(",")] == sorted(accounts)


def test_a_teller_tells_many_changes_at_once_and_ends(session_engine, session_database):
    teller = Teller(session_engine)
    with psycopg.connect(session_database.url, autocommit=True) as listener:
        listener.execute(f"LISTEN {SPENT}")
        many = set(range(10**9, 10**9 + 2_000))
        for account in many:
            teller.tell((account,))
        heard, told = set(), 0
        for notice in listener.notifies():
            told += 1
            heard |= set(map(int, notice.payload.split(",")))
            if many <= heard:
                break
        assert many <= heard
        assert told < 100
    for one in threading.enumerate():
        if one.name == "teller":
            one.join()  # it ends by itself when there is no news


def test_the_group_commit_tells_what_it_has_changed(session_engine, session_database):
    with session_engine.begin() as connection:
        wallets = [a_subscribed_wallet(connection).account_id for _ in range(3)]
    told: set[int] = set()

    async def use() -> None:
        async with GroupCommit(session_database.url, tell=told.update) as commit:
            for account in wallets[:2]:
                one = an_event(account, event_at=START)
                await commit.debit(account, one.priced, datetime(2027, 1, 1, 1, tzinfo=UTC))

    asyncio.run(use())
    assert told == set(wallets[:2])
