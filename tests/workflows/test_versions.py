"""An edited price list touches no running subscription; moving to a version is a command."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fleet import SECOND, RunningFleet

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
MID_JANUARY = datetime(2027, 1, 16, 12, tzinfo=UTC)
SECOND_VERSION = """
  - id: plain
    family: plain
    version: 2
    name: Plain
    price: "12.00"
    allowances: [{type: credits, quantity: 1500}]
  - {id: plain, family: plain, version: 3, name: Plain, price: 99, interval: year, window: month}
"""


async def edit(
    fleet: RunningFleet, catalogs: Path, name: str, *, more: str = "", granted: int = 1000
) -> None:
    """Write a price list as `clocks` with changes, and restart the workers."""
    text = (catalogs / "clocks.yaml").read_text().replace("name: clocks", f"name: {name}", 1)
    text = text.replace("quantity: 1000}", f"quantity: {granted}}}", 1)
    (catalogs / f"{name}.yaml").write_text(text + more)
    assert fleet.restart is not None
    await fleet.restart()


async def test_an_edit_touches_nobody_who_runs_until_an_operator_moves_them(
    fleet: RunningFleet, catalogs: Path
) -> None:
    await edit(fleet, catalogs, "edited", more="")
    old = await fleet.subscribe("plain", catalog="edited")
    mover = await fleet.subscribe("plain", catalog="edited")
    waiter = await fleet.subscribe("plain", catalog="edited")

    await edit(fleet, catalogs, "edited", more=SECOND_VERSION)
    new = await fleet.subscribe("plain", catalog="edited")
    assert (await new.life.status())["available"] == "1000"  # the newest: version 3
    assert new.paid() == [9900]

    await mover.pass_until(MID_JANUARY)
    preview = await mover.migrate(2, "now", preview=True)
    changed = await mover.migrate(2, "now")
    assert (preview["amount_minor"], preview["extra_credits"]) == (0, {"credits": "500"})
    assert (changed["status"], changed["available"]) == ("changed", "1500")
    assert changed["extra_credits"] == preview["extra_credits"]
    assert (await mover.migrate(2, "now"))["status"] == "unchanged"
    assert (await mover.migrate(3, "now"))["reason"] == "needs_next_period"

    scheduled = await waiter.migrate(2, "next_period")
    assert (scheduled["status"], scheduled["price_minor"]) == ("scheduled", 1200)
    assert scheduled["effective_at"] == FEBRUARY.isoformat()
    assert (await waiter.migrate(2, "next_period"))["status"] == "unchanged"
    assert (await waiter.life.status())["available"] == "1000"
    assert (await waiter.migrate(9, "now"))["reason"] == "unknown_plan"

    assert (await old.use("1"))["available"] == "999"
    for customer in (old, mover, waiter):
        await customer.pass_until(FEBRUARY + SECOND)
    assert [(await one.life.status())["available"] for one in (old, mover, waiter)] == [
        "1000",
        "1500",
        "1500",
    ]
    assert [one.paid() for one in (old, mover, waiter)] == [[900, 900], [900, 1200], [900, 1200]]
    for customer in (old, mover, waiter, new):
        customer.check()


async def test_a_month_becomes_a_year_of_the_next_version_when_the_period_ends(
    fleet: RunningFleet, catalogs: Path
) -> None:
    await edit(fleet, catalogs, "lengthened", more="")
    customer = await fleet.subscribe("plain", catalog="lengthened")
    await edit(fleet, catalogs, "lengthened", more=SECOND_VERSION)

    await customer.migrate(0, "next_period")
    status = await customer.pass_until(MARCH + timedelta(days=1))

    assert (status["available"], status["period_start"]) == ("1000", FEBRUARY.isoformat())
    assert customer.paid() == [900, 9900]
    customer.check()


async def test_who_was_sold_a_version_before_it_was_rated_anew_is_moved_to_it(
    fleet: RunningFleet, catalogs: Path
) -> None:
    await edit(fleet, catalogs, "rated")
    mover = await fleet.subscribe("plain", catalog="rated")
    waiter = await fleet.subscribe("plain", catalog="rated")
    await edit(fleet, catalogs, "rated", granted=1500)

    preview = await mover.migrate(0, "now", preview=True)
    changed = await mover.migrate(0, "now")
    scheduled = await waiter.migrate(1, "next_period")

    assert (preview["why"], preview["extra_credits"]) == ("new_version", {"credits": "500"})
    assert (changed["status"], changed["available"], changed["version"]) == ("changed", "1500", 1)
    assert scheduled["status"] == "scheduled"
    assert (await mover.migrate(0, "now"))["status"] == "unchanged"
    assert (await waiter.migrate(1, "next_period"))["status"] == "unchanged"
    assert (await waiter.life.status())["available"] == "1000"
    for customer in (mover, waiter):
        status = await customer.pass_until(FEBRUARY + SECOND)
        assert (status["available"], customer.paid()) == ("1500", [900, 900])
        customer.check()
