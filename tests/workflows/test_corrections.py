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


async def test_what_was_captured_of_held_work_is_corrected_by_the_holds_key(fleet):
    customer = await fleet.subscribe("starter", catalog="salestools")
    lapse = {"lapses_at": (BEGINS + timedelta(days=1)).isoformat()}
    held = await customer.life.ask("hold", await customer.event("40", "job", "ai_email") | lapse)
    assert held["status"] == "held", held
    fix = FIX | {"event": "job", "quantity": "10"}
    assert (await customer.life.ask("correct", fix))["reason"] == "event_held"
    captured = await customer.life.ask("capture", {"key": "job", "quantity": "30"})
    assert captured["available"] == "470"

    corrected = await customer.life.ask("correct", fix)

    assert corrected == {
        "status": "corrected", "given": {"credits": "20"}, "closed": {}, "available": "490",
    }  # fmt: skip
    assert await customer.life.ask("correct", fix) == corrected
    again = await customer.life.ask("capture", {"key": "job", "quantity": "30"})
    assert (again["status"], again["taken"]) == ("repeated", {"credits": "30"})
    customer.check()
