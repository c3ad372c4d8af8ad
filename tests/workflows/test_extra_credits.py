"""Extra credits: included first, then extras; auto-purchase to its cap; payment failures."""

from tests.fleet import RunningFleet


async def test_m04_auto_purchase_stops_at_the_cap_with_one_notice(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_80k", auto=True)

    for _ in range(16):
        await customer.report(["10000"])
    answer = await customer.use("1")

    assert answer["reason"] == "cap_reached"
    assert customer.paid() == [7200, *([1170] * 8)]
    assert sum(customer.paid()) == 16560
    assert customer.mails().count("cap_reached") == 1
    customer.check()
