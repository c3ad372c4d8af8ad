"""An operator lets usage be less than it said, while life goes on."""

from datetime import timedelta

from tests.fleet import BEGINS

FIX = {"key": "fix", "event": "mail", "quantity": "12", "reason": "twice", "by": "ann"}


async def test_usage_of_a_month_that_is_over_is_corrected_into_it_and_into_the_pack(fleet):
    customer = await fleet.subscribe("starter", catalog="salestools")
    await customer.life.ask("buy_pack", {"key": "one", "pack": "pack_500", "count": 1})
    await customer.report(["49"] * 10, action="ai_email")
    used = await customer.use("20", "mail", action="ai_email")
    assert (used["status"], used["available"]) == ("debited", "490")
    await customer.pass_until(BEGINS + timedelta(days=32))

    corrected = await customer.life.ask("correct", FIX)

    # 10 were the month's and 10 the pack's: what was drawn last comes back first.
    assert corrected == {
        "status": "corrected", "given": {"credits": "8"}, "closed": {}, "available": "998",
    }  # fmt: skip
    assert await customer.life.ask("correct", FIX) == corrected
    more = await customer.life.ask("correct", FIX | {"key": "fix-2", "quantity": "5"})
    assert (more["given"], more["closed"]) == ({"credits": "7"}, {"credits": "5"})
    assert more["available"] == "1000"
    for facts, reason in (
        ({"quantity": "3"}, "idempotency_conflict"),
        ({"key": "fix-3", "quantity": "5"}, "not_less"),
        ({"key": "fix-3", "event": "none"}, "unknown_event"),
    ):
        assert (await customer.life.ask("correct", FIX | facts))["reason"] == reason
    customer.check()
