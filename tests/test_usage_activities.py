"""A batch of usage whose answer was lost is decided once: debited or refused, never both."""

import json
from dataclasses import replace
from datetime import datetime

import pytest
from temporalio.testing import ActivityEnvironment

from activities.context import BillingContext
from activities.usage.batches import UsageMessage
from activities.usage.events import Batch, UsageActivities
from catalogs.reader import read_catalog
from ledger import accounts, balances, grants
from models.base import connect
from settings import CATALOGS
from tests.builders import NOON, a_grant, a_subscribed_wallet, micro

MAKE = read_catalog(CATALOGS / "make.yaml")
CORE = MAKE.plan("core_10k")


@pytest.fixture
def engine(database):
    made = connect(database.url)
    yield made
    made.dispose()


def a_batch(wallet, quantities, at: datetime) -> Batch:
    events = [
        {"key": f"k{k}", "action": "operation", "quantity": quantity, "event_at": at.isoformat()}
        for k, quantity in enumerate(quantities)
    ]
    message = UsageMessage("run:usage-1", json.dumps({"events": events}), None, 0)
    return Batch(
        subscription_id=wallet.subscription_id,
        account_id=wallet.account_id,
        plan=CORE,
        window_end=None,
        events=(),
        refusals=(),
        at=at,
        messages=(message,),
    )


def attempt(engine, batch, number):
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=number)
    activities = UsageActivities(BillingContext(engine, {"make": MAKE}, "http://x", ("s",)))
    return environment.run(activities.debit, batch)


def test_what_a_lost_answer_refused_stays_refused_though_it_would_fit_now(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 10, auto_on=False)
    batch = a_batch(wallet, ["8", "5", "2"], NOON)
    lost = attempt(engine, batch, 1)
    with engine.begin() as connection:
        grants.give(connection, wallet.account_id, a_grant(quantity_micro=micro(100)), NOON)

    again = attempt(engine, batch, 2)

    assert again.deviations[0].refused == lost.deviations[0].refused
    assert again.deviations[0].decided == lost.deviations[0].decided == 2
    with engine.connect() as connection:
        assert balances.available(connection, wallet.account_id, "credits", NOON) == micro(100)
        (refused,) = balances.refusals(connection, wallet.account_id, limit=9)
    assert refused["key"] == "k1"


def test_another_message_with_the_same_event_may_succeed(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 1, auto_on=False)
    batch = a_batch(wallet, ["5"], NOON)
    attempt(engine, batch, 1)
    with engine.begin() as connection:
        accounts.lock(connection, wallet.account_id, NOON)
        grants.give(connection, wallet.account_id, a_grant(quantity_micro=micro(100)), NOON)
    sent_again = replace(batch, messages=(replace(batch.messages[0], name="run:usage-2"),))

    assert attempt(engine, sent_again, 2).deviations[0].decided == 1
