"""Holds asked of a subscription: in order with usage, over purchases, windows and pauses."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.fleet import Customer, Json, RunningFleet

MINUTE = timedelta(minutes=1)
JANUARY_END = datetime(2027, 2, 1, tzinfo=UTC)


async def hold(customer: Customer, quantity: str, key: str, lapses_in: timedelta) -> Json:
    event = await customer.event(quantity, key)
    until = await customer.life.now() + lapses_in
    return await customer.life.ask("hold", event | {"lapses_at": until.isoformat()})


async def capture(customer: Customer, quantity: str, key: str) -> Json:
    return await customer.life.ask("capture", {"key": key, "quantity": quantity})


async def test_a_hold_comes_after_the_usage_sent_before_it(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.life.record([await customer.event("9990")])

    short = await hold(customer, "20", "job", 5 * MINUTE)
    held = await hold(customer, "10", "job", 5 * MINUTE)

    assert (short["status"], short["missing"]) == ("refused", "10")
    assert (held["status"], held["available"]) == ("held", "0")
    assert (await customer.use("1"))["reason"] == "insufficient_credits"
    assert (await capture(customer, "4", "job"))["taken"] == {"credits": "4"}
    assert (await customer.life.status())["available"] == "6"
    customer.check()


async def test_a_hold_that_falls_short_buys_and_usage_behind_it_waits(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["9999"])

    job = asyncio.create_task(hold(customer, "5", "job", 5 * MINUTE))
    held = await job
    used = await customer.use("1")

    assert (held["status"], held["available"]) == ("held", "9996")
    assert (used["status"], used["available"]) == ("debited", "9995")
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_a_hold_lapses_at_its_instant_and_is_written_down_when_the_window_ends(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await hold(customer, "9000", "job", 5 * MINUTE)
    lapse = customer.rows("SELECT lapses_at FROM holds WHERE account_id = %s")[0][0]

    await customer.pass_until(JANUARY_END + MINUTE)

    kinds = [(line.kind, line.at) for line in customer.history() if line.kind != "grant"]
    assert [kind for kind, _ in kinds] == ["hold", "release", "expiry"]
    assert kinds[1][1] == lapse
    assert (await capture(customer, "1", "job"))["reason"] == "hold_lapsed"
    customer.check()


async def test_work_that_spans_the_windows_end_is_captured_from_what_was_held(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(JANUARY_END - MINUTE)
    await hold(customer, "100", "job", timedelta(hours=2))
    await customer.pass_until(JANUARY_END + MINUTE)

    extended = await customer.life.ask(
        "extend", {"key": "job", "lapses_at": (JANUARY_END + timedelta(days=1)).isoformat()}
    )
    captured = await capture(customer, "90", "job")

    assert (extended["status"], captured["status"]) == ("extended", "captured")
    assert captured["taken"] == {"credits": "90"}
    assert (await customer.life.status())["available"] == "10000"
    customer.check()


async def test_a_hold_before_a_late_renewal_waits_for_it_and_an_old_one_is_captured_meanwhile(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(JANUARY_END - MINUTE)
    await hold(customer, "100", "old", timedelta(days=2))

    with customer.payment_held():
        await customer.skip_to(JANUARY_END)
        new = asyncio.create_task(hold(customer, "5", "new", 5 * MINUTE))
        captured = await capture(customer, "100", "old")
    held = await new

    assert (captured["status"], captured["taken"]) == ("captured", {"credits": "100"})
    assert (held["status"], held["available"]) == ("held", "9995")
    await customer.life.settle()
    customer.check()


async def test_while_paused_nothing_new_is_held_and_what_is_held_can_be_captured_or_released(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    for key in ("a", "b"):
        await hold(customer, "10", key, timedelta(hours=1))
    await customer.life.ask("pause", {"reason": "fraud?", "by": "ada"})

    assert (await hold(customer, "1", "c", MINUTE))["reason"] == "paused:by_operator"
    assert (await capture(customer, "10", "a"))["status"] == "captured"
    assert (await customer.life.ask("release", {"key": "b"}))["status"] == "released"
    assert (await customer.life.ask("release", {"key": "b"}))["status"] == "repeated"
    customer.check()


async def test_an_action_that_nobody_sells_is_not_held(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    event = await customer.event("1", "job", "dance") | {"lapses_at": "2099-01-01T00:00:00Z"}

    assert (await customer.life.ask("hold", event))["reason"] == "unknown_action"
    assert (await hold(customer, "1", "job", -MINUTE))["reason"] == "invalid_lapse"
    assert (await capture(customer, "1", "job"))["reason"] == "unknown_hold"


async def test_a_capture_beyond_its_hold_spends_the_wallet_only_if_somebody_agreed(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("growth", catalog="scalenut")
    await customer.life.ask("buy_credits", {"key": "wallet", "credits": "10"})
    for key in ("asked", "agreed"):
        event = await customer.event("500", key, "ai_words")
        until = (await customer.life.now() + timedelta(hours=1)).isoformat()
        held = await customer.life.ask("hold", event | {"lapses_at": until})
        assert held["held"] == {"ai_word_quota": "500"}
    rest = await customer.event("199000", None, "ai_words")
    assert (await customer.life.ask("consume", rest))["status"] == "debited"

    asked = await customer.life.ask("capture", {"key": "asked", "quantity": "1500"})
    message = {"key": "agreed", "quantity": "1500", "confirmed": True}
    agreed = await customer.life.ask("capture", message)

    assert asked["taken"] == {"ai_word_quota": "500"}
    assert asked["uncollected"] == {"usd_wallet": "2"}
    assert agreed["taken"] == {"ai_word_quota": "500", "usd_wallet": "2"}
    assert agreed["uncollected"] == {}
    customer.check()
