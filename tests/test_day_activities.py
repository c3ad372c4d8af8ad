"""The night's sums of days hold up no worker that shuts down; the next night goes on with them."""

from temporalio.testing import ActivityEnvironment

from activities.context import BillingContext
from activities.usage.days import DayActivities
from ledger.usage import days
from models.base import connect
from tests.ledger.sum_laws import four_days


def test_a_worker_that_shuts_down_leaves_the_rest_of_the_days_to_the_next_night(
    database, monkeypatch
):
    monkeypatch.setattr(days, "LEAST", 1)
    engine = connect(database.url)
    with engine.begin() as ledger:
        for _ in range(3):
            four_days(ledger)
    activities = DayActivities(BillingContext(engine, {}, "http://x", ("s",)))
    ending = ActivityEnvironment()
    ending.worker_shutdown()
    first = ending.run(activities.sum_up)
    rest = ActivityEnvironment().run(activities.sum_up)
    assert (first, rest) == (1, 2)
    engine.dispose()
