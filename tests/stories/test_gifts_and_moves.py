"""Zaplify's gifts end when its seller says, and a team that moves is billed by its new hours."""

import pytest

from ledger import accounts
from tests.fleet import RunningFleet
from tests.stories.telling import day, subscribed

pytestmark = pytest.mark.long


async def test_a_gift_ends_with_the_period_on_a_day_or_after_some(fleet: RunningFleet) -> None:
    team = await subscribed(fleet, "zaplify", "team_500")
    await team.ask("give_bonus", bonus="referral", invitee="ben")
    await team.ask("give_bonus", bonus="referral", invitee="cyd", valid_days=45)
    until = day("2027-01-10").isoformat()
    given = await team.ask("give_bonus", bonus="referral", invitee="dan", expires_at=until)
    assert given["status"] == "given"
    await team.has("560")

    await team.lives_until("2027-01-10")
    await team.has("540")
    await team.lives_until("2027-02-01")  # the first ended with January
    await team.has("520")
    await team.lives_until("2027-02-16")
    await team.has("500")
    team.ends_well()


async def test_a_team_that_moves_keeps_its_period_and_renews_by_the_hours_there(
    fleet: RunningFleet,
) -> None:
    """From UTC to Berlin, where the same hour comes earlier as soon as it is summer."""
    team = await subscribed(fleet, "zaplify", "team_500")
    await team.lives_until("2027-01-20")
    with fleet.engine.begin() as connection:
        accounts.set_time_zone(connection, team.customer.name, "Europe/Berlin")

    assert (await team.is_now("active"))["period_end"] == day("2027-02-01").isoformat()
    await team.lives_until("2027-02-01")  # one in the morning there, as on each first from now on
    february = await team.is_now("active")
    assert february["period_start"] == day("2027-02-01").isoformat()
    assert february["period_end"] == day("2027-03-01").isoformat()
    await team.lives_until("2027-03-01")
    march = await team.is_now("active")
    assert march["period_end"] == day("2027-03-31T23:00").isoformat()
    await team.lives_until("2027-03-31T23:00")
    team.has_paid("49.00", "49.00", "49.00", "49.00")
    team.ends_well()
