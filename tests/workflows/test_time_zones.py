"""A customer moves: the running period keeps its end, the next begins there in the new zone."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger import accounts
from tests.fleet import SECOND, Customer, RunningFleet
from tests.workflows.test_rebuilding import lose, rebuild

pytestmark = pytest.mark.long

APIA, PAGO = "Pacific/Apia", "Pacific/Pago_Pago"  # 24 hours apart, across the date line
HOUR = timedelta(hours=1)


def boundaries(customer: Customer) -> list[datetime]:
    """Return the instants between windows; each ends where the next begins."""
    rows = customer.rows(
        "SELECT window_start, window_end FROM windows WHERE account_id = %s ORDER BY window_start"
    )
    assert [end for _, end in rows[:-1]] == [start for start, _ in rows[1:]]
    return [rows[0][0], *(end for _, end in rows)]


async def moves(customer: Customer, zone: str) -> None:
    with customer.fleet.engine.begin() as connection:
        accounts.set_time_zone(connection, customer.name, zone)


@pytest.mark.parametrize(
    ("old", "new", "offset"), [(APIA, PAGO, 11 * HOUR), (PAGO, APIA, -13 * HOUR)]
)
async def test_across_the_date_line_there_is_no_hole_and_no_overlap(
    fleet: RunningFleet, old: str, new: str, offset: timedelta
) -> None:
    begins = datetime(2027, 1, 1, tzinfo=UTC) - (13 * HOUR if old == APIA else -11 * HOUR)
    customer = await fleet.subscribe("core_10k", begins=begins, time_zone=old)
    (_, ends) = boundaries(customer)
    await customer.pass_until(begins + timedelta(days=10))

    await moves(customer, new)
    again = await rebuild(customer, await lose(customer))  # a lost workflow does not forget it
    assert (await again.life.settle())["period_end"] == ends.isoformat()
    await again.pass_until(ends + SECOND)
    await again.pass_until(ends + timedelta(days=31))

    (_, kept, next_end, *_) = boundaries(customer)
    assert kept == ends
    local = [(at - offset).replace(tzinfo=None) for at in (kept, next_end)]
    assert [one.time() for one in local] == [datetime.min.time()] * 2  # midnights of the new zone
    assert local[0].day == local[1].day or local[1].day == 28  # February is short
    assert customer.paid() == [900] * 3
    again.check()


async def test_a_renewal_that_was_prepared_before_keeps_its_calendar_and_the_next_takes_the_new(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    february = boundaries(customer)[-1]
    await customer.pass_until(february - SECOND)
    prepared = bool(customer.open_invoices())

    await moves(customer, "Asia/Tokyo")
    await customer.pass_until(february + SECOND)
    await customer.pass_until(february + timedelta(days=40))

    ((zone,),) = customer.rows("SELECT time_zone FROM subscriptions WHERE account_id = %s")
    assert (prepared, zone) == (True, "Asia/Tokyo")
    boundaries(customer)
    assert customer.paid() == [900] * 3
    customer.check()
