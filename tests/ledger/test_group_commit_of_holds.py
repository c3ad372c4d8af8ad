"""Holds and checks go along with debits: each is answered, in a transaction that locks in order."""

import asyncio
from datetime import timedelta

from ledger import balances
from ledger.usage import debits, holds
from ledger.usage.group_commit import GroupCommit
from tests.builders import NOON, START, a_subscribed_wallet, an_event, micro

WALLETS, CALLERS = 12, 40
LATER = NOON + timedelta(days=1)


def some_wallets(engine, credits_each=1_000):
    with engine.begin() as connection:
        return [a_subscribed_wallet(connection, credits_each) for _ in range(WALLETS)]


def holding(wallet, amount):
    priced = an_event(wallet.account_id, amount, event_at=START).priced
    return holds.holding(wallet.account_id, priced, lapses_at=LATER, at=NOON)


async def test_two_processes_hold_and_debit_the_same_wallets_at_once(database, engine):
    wallets = some_wallets(engine)
    url = database.url
    async with GroupCommit(url) as one, GroupCommit(url) as other:

        async def call(number):
            commit = (one, other)[number % 2]
            found = []
            for step in range(WALLETS):
                wallet = wallets[(number * 5 + step * 7) % WALLETS]
                if (number + step) % 3:
                    priced = an_event(wallet.account_id, 1).priced
                    found.append(await commit.debit(wallet.account_id, priced, NOON))
                else:
                    found.append(await commit.ask(holding(wallet, 2), NOON))
            return found

        answers = await asyncio.gather(*map(call, range(CALLERS)))

    statuses = [answer.status for found in answers for answer in found]
    assert set(statuses) == {"debited", "held"}
    assert len(statuses) == CALLERS * WALLETS
    with engine.connect() as connection:
        left = sum(
            balances.available(connection, wallet.account_id, "credits", NOON) for wallet in wallets
        )
        assert balances.violations(connection) == []
    taken = statuses.count("debited") + 2 * statuses.count("held")
    assert left == micro(1_000 * WALLETS - taken)


async def test_checks_beside_debits_are_answered_and_move_nothing(database, engine):
    wallet, *_ = some_wallets(engine, 5)
    async with GroupCommit(database.url, writers=1) as commit:

        def check(amount):
            demand = an_event(wallet.account_id, amount)
            return commit.ask(debits.checking(demand, NOON), NOON)

        def debit():
            return commit.debit(wallet.account_id, an_event(wallet.account_id, 1).priced, NOON)

        alone = await asyncio.gather(*(check(3) for _ in range(8)))
        mixed = await asyncio.gather(check(9), debit(), check(3), debit())

    assert [one.status for one in alone] == ["debited"] * 8
    assert [one.status for one in mixed[1::2]] == ["debited"] * 2
    assert mixed[0].status == "insufficient_credits"
    with engine.connect() as connection:
        assert balances.available(connection, wallet.account_id, "credits", NOON) == micro(3)
