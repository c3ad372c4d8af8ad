"""Group commit: each of many waiting callers gets its own answer, whatever happens to the rest."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count

import psycopg
import pytest
from sqlalchemy import select

from domain.errors import InvalidInput
from ledger.usage import queues
from ledger.usage.checks import UNNAMED
from ledger.usage.group_commit import GroupCommit
from ledger.usage.queues import LedgerBusyError
from local.processes import free_port
from models.tables import Wallet
from tests.builders import NOON, START, a_subscribed_wallet, an_event, left, micro


@pytest.fixture
async def door(database) -> AsyncIterator[GroupCommit]:
    async with GroupCommit(database.url) as opened:
        yield opened


@pytest.fixture
def wallets(engine):
    with engine.begin() as connection:
        return [a_subscribed_wallet(connection, allowance=1_000) for _ in range(4)]


def sent(door, wallet, amount=1, *, at=NOON, **facts):
    demand = an_event(wallet.account_id, amount, **facts)
    return door.debit(demand.account_id, demand.priced, at)


async def sent_until_answered(door, wallet, *, key):
    """Come back as often as one is told to."""
    while True:
        with suppress(LedgerBusyError):
            return await sent(door, wallet, key=key)


async def test_a_thousand_callers_each_get_their_own_answer(door, wallets, engine):
    asked = [(wallet, f"k{k}") for k in range(250) for wallet in wallets]

    answers = await asyncio.gather(*(sent(door, wallet, key=key) for wallet, key in asked))

    assert [a.key for a in answers] == [key for _, key in asked]
    assert {a.status for a in answers} == {"debited"}
    of_first = answers[:: len(wallets)]
    assert [a.available_micro for a in of_first] == [micro(999 - k) for k in range(250)]
    with engine.begin() as connection:
        assert [left(connection, wallet) for wallet in wallets] == [micro(750)] * 4


async def test_no_more_callers_pass_than_there_are_credits(door, engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, allowance=30)

    answers = await asyncio.gather(*(sent(door, wallet) for _ in range(100)))

    assert Counter(a.status for a in answers) == {"debited": 30, "insufficient_credits": 70}
    assert [a.crossed for a in answers].count(True) == 1


async def test_one_key_from_many_callers_is_debited_once(door, wallets):
    same = [sent(door, wallets[0], key="same") for _ in range(50)]

    answers = await asyncio.gather(*same)

    assert Counter(a.status for a in answers) == {"debited": 1, "repeated": 49}
    assert {(a.seq, a.available_micro) for a in answers} == {(2, micro(999))}


async def test_nothing_is_lost_or_doubled_when_its_connections_are_killed(
    door, wallets, engine, database
):
    numbers, killed = count(1), []

    async def answered(wallet, key):
        answer = await sent(door, wallet, key=key)
        if next(numbers) % 150 == 0:
            killed.append(await terminate(database))
        return answer

    work = [answered(wallet, f"k{k}") for k in range(250) for wallet in wallets]
    answers = await asyncio.gather(*work)

    assert sum(killed) > 0
    # A caller whose commit succeeded before its answer came back reads `repeated`.
    assert {a.status for a in answers} <= {"debited", "repeated"}
    with engine.begin() as connection:
        assert [left(connection, wallet) for wallet in wallets] == [micro(750)] * 4


async def terminate(database) -> int:
    """End the connections of group commit; only the superuser may."""
    superuser = database.url.replace("drawdown_app@", "postgres@")
    async with await psycopg.AsyncConnection.connect(superuser) as connection:
        ended = await connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'drawdown_app'"
            " AND query LIKE '%FROM debit(%'"
        )
        row = await ended.fetchone()
        return row[0] if row else 0


POISON = {
    "a NUL in the key": {"key": "a\x00b"},
    "a lone surrogate": {"key": "a\ud800b"},
    "a huge quantity": {"quantity_micro": 10**30},
    "a NUL in a tag": {"tags": (("member", "a\x00b"),)},
    "a lone surrogate in an action": {"action": "a\udfffb"},
}


@pytest.mark.parametrize("facts", POISON.values(), ids=POISON)
async def test_input_that_cannot_be_kept_fails_alone(door, wallets, facts):
    async def poisoned():
        with pytest.raises(InvalidInput) as refusal:
            await sent(door, wallets[0], **facts)
        return refusal.value.reason

    work = [sent(door, wallets[k % 2], key=f"k{k}") for k in range(40)]
    work.insert(17, poisoned())
    answers = await asyncio.gather(*work)

    assert answers.pop(17) == "malformed"
    assert {a.status for a in answers} == {"debited"}


REFUSED = {
    "zero": ({"quantity_micro": 0}, "invalid_quantity"),
    "negative": ({"quantity_micro": -1}, "invalid_quantity"),
    "no key": ({"key": "x" * 201}, "invalid_key"),
    "a key of the ledger's own": ({"key": "ledger::expiry:2"}, "invalid_key"),
}


@pytest.mark.parametrize(("facts", "reason"), REFUSED.values(), ids=REFUSED)
async def test_unusable_events_are_refused_by_name_beside_good_ones(door, wallets, facts, reason):
    work = [sent(door, wallets[0], **facts), *(sent(door, wallets[0]) for _ in range(5))]

    answers = await asyncio.gather(*work)

    assert [a.status for a in answers] == [reason] + ["debited"] * 5


async def test_one_customers_clock_does_not_move_anothers(door, wallets, engine):
    ahead = timedelta(days=20)
    first, second = wallets[0], wallets[2]  # of the same writer

    await asyncio.gather(
        *(sent(door, w, at=at) for w, at in ((first, NOON), (second, NOON + ahead)) * 5)
    )

    with engine.begin() as connection:
        times = connection.scalars(select(Wallet.decided_at).order_by(Wallet.account_id)).all()
    assert times == [NOON, START, NOON + ahead, START]


async def test_callers_beyond_the_queue_are_told_to_come_back(database, wallets, monkeypatch):
    monkeypatch.setattr(queues, "MOST_WAITING", 10)
    wallet = wallets[0]
    async with GroupCommit(database.url, writers=1) as door:
        work = [sent(door, wallet, key=f"k{k}") for k in range(30)]
        answers = await asyncio.gather(*work, return_exceptions=True)
        assert [isinstance(a, LedgerBusyError) for a in answers] == [False] * 10 + [True] * 20

        again = await asyncio.gather(*(sent(door, wallet, key=f"k{k}") for k in range(10)))
    assert {a.status for a in again} == {"repeated"}


async def test_a_caller_is_told_to_come_back_when_the_wallet_stays_locked(
    database, wallets, engine
):
    wallet = wallets[0]
    async with GroupCommit(database.url, deadline_seconds=1) as door:
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT FROM lock_wallet(%s, %s)", (wallet.account_id, NOON))
            with pytest.raises(LedgerBusyError):
                await sent(door, wallet, key="waits")
        answer = await sent_until_answered(door, wallet, key="waits")
    assert answer.status in ("debited", "repeated")
    with engine.begin() as connection:
        assert left(connection, wallet) == micro(999)


async def test_callers_that_wait_when_the_door_closes_are_told_so(database, wallets):
    async with GroupCommit(database.url) as door:
        waiting = [asyncio.ensure_future(sent(door, wallets[0])) for _ in range(20)]
        await asyncio.sleep(0)

    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(a, LedgerBusyError) for a in answers)
    with pytest.raises(LedgerBusyError):
        await sent(door, wallets[0])


async def test_a_caller_is_told_to_come_back_while_the_database_is_away(wallets, database):
    nowhere = re.sub(r":\d+/", f":{free_port()}/", database.url)
    async with GroupCommit(nowhere, deadline_seconds=1) as door:
        with pytest.raises(LedgerBusyError):
            await sent(door, wallets[0])


async def test_a_check_that_can_be_read_waits_for_no_lock(door, wallets, engine):
    usual, empty = wallets[:2]
    with engine.begin() as connection:
        connection.execute(
            select(Wallet).where(Wallet.account_id == usual.account_id).with_for_update()
        )
        asked = replace(an_event(usual.account_id, 3, key=UNNAMED), revision=0)
        dear = replace(an_event(empty.account_id, 1_001, key=UNNAMED), revision=0)
        answers = await asyncio.gather(*(door.check(one, NOON) for one in (asked, dear)))
    assert [one.status for one in answers] == ["debited", "insufficient_credits"]
    assert (answers[0].seq, answers[0].available_micro) == (None, micro(997))
    assert answers[1].missing_micro == micro(1)
    assert door.committed == 1  # what is read is no transaction
