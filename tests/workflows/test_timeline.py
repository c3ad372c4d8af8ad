"""What an error says of a subscription that does not come to rest."""

from tests.fleet import RunningFleet


async def test_the_last_events_and_what_is_waited_for_are_told(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")

    told = await customer.life.last_events()

    assert "TIMER_STARTED" in told
    assert told.splitlines()[-2:] == ["pending:", "nothing"]
