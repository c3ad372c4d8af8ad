"""A correction gives back what the event was charged, whatever its rate has become."""

from dataclasses import replace

import pytest

from activities.context import BillingContext
from activities.usage.corrections import Correction, CorrectionActivities
from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.messages.corrections import CorrectUsage
from domain.pricing.rates import Rate
from ledger import published, subscriptions
from ledger.usage import debits
from models.base import connect
from settings import CATALOGS
from tests.builders import NOON, START, a_subscribed_wallet, an_event, micro

MAKE = read_catalog(CATALOGS / "make.yaml")
CORE = MAKE.plan("core_10k")


def rated(cost):
    """Return our list with another price of an operation, for all time."""
    action = MAKE.action("operation")
    (rate,) = action.rates
    ways = tuple(replace(way, rate=Rate(cost, MICRO)) for way in rate.ways)
    dearer = replace(action, rates=(replace(rate, ways=ways),))
    return replace(MAKE, actions=tuple(dearer if one is action else one for one in MAKE.actions))


@pytest.fixture
def engine(database):
    made = connect(database.url)
    yield made
    made.dispose()


@pytest.mark.parametrize("cost", [7 * MICRO, MICRO // 2])
def test_an_event_priced_before_a_re_rate_gives_back_in_proportion(engine, cost):
    with engine.begin() as connection:
        published.publish(connection, MAKE, START)
        wallet = a_subscribed_wallet(connection)
        kept = subscriptions.as_json(CORE)
        subscriptions.write(connection, wallet.subscription_id, START, plan=kept)
        debits.debit(connection, [an_event(wallet.account_id, 10, key="old")], NOON)
    anew = rated(cost)
    with engine.begin() as connection:
        published.rerate(connection, catalog=anew, at=NOON, by="ann", reason="agreed with all")
    activities = CorrectionActivities(BillingContext(engine, {"make": anew}, "http://x", ("s",)))

    half = CorrectUsage(
        key="fix", event="old", quantity_micro=micro(5), reason="counted twice", by="ann"
    )
    corrected = activities.correct(Correction(wallet.account_id, CORE, half, NOON))

    assert (corrected.outcome.status, corrected.outcome.given) == (
        "corrected",
        (("credits", micro(5)),),
    )
