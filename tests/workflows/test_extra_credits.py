"""Extra credits: included first, then extras; manual purchases; auto-purchase to its cap."""

import asyncio
from datetime import UTC, datetime

import pytest

from domain.credits import MICRO
from tests.fleet import SECOND, RunningFleet

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)


async def test_m04_auto_purchase_stops_at_the_cap_with_one_notice(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_80k", auto=True)

    for _ in range(16):
        await customer.report(["10000"])
    answer = await customer.use("1")
    await customer.use("1")

    assert answer["reason"] == "cap_reached"
    assert customer.paid() == [7200, *([1170] * 8)]
    assert sum(customer.paid()) == 16560
    assert customer.mails().count("cap_reached") == 1
    customer.check()


async def test_m04_a_manual_purchase_delays_the_trigger_and_does_not_count(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.report(["10000"])
    assert (await customer.use("1"))["reason"] == "insufficient_credits"
    bought = await customer.buy("3000")
    await customer.switch(on=True)
    assert customer.paid() == [900, 270]
    await customer.report(["3000"])
    await customer.report(["10000"])
    answer = await customer.use("1")

    assert (bought["status"], bought["amount_minor"], bought["available"]) == ("paid", 270, "3000")
    assert answer["reason"] == "cap_reached"
    assert customer.paid() == [900, 270, 1170]
    assert sum(customer.paid()) == 2340
    assert sum(customer.used().values()) == 23_000 * MICRO
    customer.check()


async def test_m04_an_action_larger_than_the_rest_buys_first_and_is_split(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["9997"])

    answer = await customer.use("5", "m04-split")

    assert (answer["status"], answer["available"]) == ("debited", "9998")
    split = [line for line in customer.history() if "m04-split" in line.cause]
    assert [(line.change_micro, line.source) for line in split] == [
        (-3 * MICRO, "allowance"),
        (-2 * MICRO, "auto_purchase"),
    ]
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_m05_at_zero_exactly_what_is_left_is_debited(fleet: RunningFleet) -> None:
    off = await fleet.subscribe("core_10k")
    on = await fleet.subscribe("core_10k", auto=True)
    for customer in (off, on):
        await customer.report(["9997"])
        ones = [await customer.event("1") for _ in range(10)]
        answers, _ = await asyncio.gather(
            asyncio.gather(*(customer.life.ask("consume", one) for one in ones[:8])),
            customer.life.record(ones[8:]),
        )
        await customer.life.settle()
        succeeded = len(customer.used()) - 1
        refused = [answer for answer in answers if answer["status"] == "refused"]
        if customer is off:
            assert (succeeded, len(refused) + len(customer.refusals())) == (3, 7)
            assert {answer["reason"] for answer in refused} == {"insufficient_credits"}
        else:
            assert (succeeded, refused, customer.refusals()) == (10, [], [])
    assert (off.paid(), on.paid()) == ([900], [900, 1170])
    assert (await on.life.status())["available"] == "9993"
    off.check()
    on.check()


async def test_m05_one_key_ten_times_at_once_is_one_debit_and_equal_answers(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    event = await customer.event("4", "m05-same")

    answers = await asyncio.gather(
        *(customer.life.ask("consume", event) for _ in range(8)),
        *(customer.life.record([event]) for _ in range(2)),
    )

    await customer.life.settle()
    assert {(one["seq"], one["available"]) for one in answers if one} == {(2, "9996")}
    assert customer.used() == {"m05-same": 4 * MICRO}
    other = await customer.use("5", "m05-same")
    assert other["reason"] == "idempotency_conflict"
    customer.check()


async def test_m16_the_money_of_an_auto_purchase_is_earned_or_broken_to_the_cent(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["10000"])
    assert customer.books()["deferred_revenue"] == -2070
    await customer.report(["4000"])

    await customer.life.ask("cancel", {"when": "period_end"})
    await customer.pass_until(FEBRUARY + SECOND)

    books = customer.books()
    assert (books["revenue"], books["breakage"]) == (-900 - 468, -702)
    assert books.get("deferred_revenue", 0) == 0
    customer.check()


async def test_m19_a_crossing_that_arrives_after_a_purchase_buys_nothing(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.switch(on=False)
    at = await customer.life.now()
    assert (await customer.debit("10000", "m19-all", at)).crossed
    assert (await customer.buy("1000"))["status"] == "paid"
    await customer.switch(on=True)

    await customer.life.signal("balance_crossed", {"crossing": "zero"})
    await customer.life.settle()

    assert customer.paid() == [900, 90]
    customer.check()


async def test_a_crossing_at_zero_elsewhere_buys_one_unit(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    at = await customer.life.now()
    await customer.debit("10000", "elsewhere", at)

    await customer.life.signal("balance_crossed", {"crossing": "zero"})
    await customer.life.signal("balance_crossed", {"crossing": "zero"})
    status = await customer.life.settle()

    assert (customer.paid(), status["available"]) == ([900, 1170], "10000")
    customer.check()


async def test_a_shortfall_of_several_units_is_one_charge(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_40k", auto=True)
    await customer.report(["39000"])

    assert (await customer.use("22000"))["status"] == "debited"
    too_large = await customer.use("19001")

    assert customer.paid() == [2900, 2828]  # 30,000 x $0.000725 x 1.3 = $28.275
    assert too_large["reason"] == "cap_reached"
    assert (await customer.use("9000"))["status"] == "debited"
    customer.check()


async def test_a_cap_is_rounded_down_to_whole_units(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_25k", auto=True)
    small = await fleet.subscribe("core_5k")

    await customer.report(["25000", "10000", "10000"])
    answer = await customer.use("1")

    assert answer["reason"] == "cap_reached"
    assert customer.paid() == [1900, 988, 988]
    assert (await small.switch(on=True))["reason"] == "cap_below_unit"
    customer.check()


async def test_the_cap_begins_anew_with_the_window(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["10000", "10000"])
    assert (await customer.use("1"))["reason"] == "cap_reached"

    await customer.pass_until(FEBRUARY + SECOND)
    await customer.report(["10000", "10000"])

    assert (await customer.use("1"))["reason"] == "cap_reached"
    assert customer.paid() == [900, 1170, 900, 1170]
    assert customer.mails().count("cap_reached") == 2
    customer.check()


async def test_the_switch_needs_a_paid_plan_and_a_card(fleet: RunningFleet) -> None:
    free = await fleet.subscribe("free")
    cardless = await fleet.subscribe("free", card=None, catalog="mild")

    assert (await free.switch(on=True))["reason"] == "not_in_plan"
    assert (await cardless.switch(on=True))["reason"] == "not_in_plan"
    assert (await free.switch(on=False))["status"] == "done"


async def test_switching_on_at_zero_waits_for_the_next_event(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.report(["10000"])

    await customer.switch(on=True)
    assert customer.paid() == [900]

    assert (await customer.use("1"))["available"] == "9999"
    customer.check()


async def test_switching_off_lets_a_charge_in_flight_complete_and_grants(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)

    with customer.payment_held():
        await customer.life.record([await customer.event("10000")])
        await customer.reached("paying")
        assert (await customer.switch(on=False))["status"] == "done"
    status = await customer.life.settle()

    assert (customer.paid(), status["available"]) == ([900, 1170], "10000")
    await customer.report(["10000"])
    assert (await customer.use("1"))["reason"] == "insufficient_credits"
    customer.check()


async def test_a_purchase_by_hand_is_of_whole_units_on_a_paid_plan(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    free = await fleet.subscribe("free")

    assert (await customer.buy("1500"))["reason"] == "invalid_unit"
    assert (await free.buy("1000"))["reason"] == "not_in_plan"
    assert (await customer.buy("10000"))["amount_minor"] == 900
    assert customer.paid() == [900, 900]
    customer.check()


async def test_a_purchase_by_hand_under_one_key_is_one_charge(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")

    first, at_once = await asyncio.gather(customer.buy("2000", "key"), customer.buy("2000", "key"))
    again = await customer.buy("2000", "key")
    other = await customer.buy("3000", "key")

    assert [one["status"] for one in (first, at_once, again)] == ["paid"] * 3
    assert {one["charge_id"] for one in (first, at_once, again)} == {first["charge_id"]}
    assert other["reason"] == "idempotency_conflict"
    assert customer.paid() == [900, 180]
    assert customer.mails().count("receipt") == 2
    customer.check()


async def test_a_declined_purchase_by_hand_changes_nothing(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    customer.fault("decline")

    answer = await customer.buy("2000", "key")

    assert (answer["status"], answer["decline"]) == ("declined", "soft")
    status = await customer.life.settle()
    assert (status["status"], status["open_charges"]) == ("active", [])
    assert (await customer.buy("2000", "key"))["status"] == "declined"
    assert (await customer.buy("2000", "another"))["status"] == "paid"
    assert customer.charges() == [
        ("period", "paid", 900),
        ("manual_purchase", "void", 180),
        ("manual_purchase", "paid", 180),
    ]
    customer.check()


async def test_an_update_does_not_wait_for_a_slow_processor(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["9999"])
    customer.fault("429", path="/v1/invoices/*/pay", count=5)
    event = await customer.event("2", "patient")

    waiting = asyncio.create_task(customer.life.ask("consume", event))
    await customer.reached("paying")
    await customer.skip_to(await customer.life.now() + 20 * SECOND)

    assert (await waiting)["status"] == "pending"
    assert customer.paid() == [900]
    await customer.life.settle()
    assert (await customer.life.ask("consume", event))["status"] == "repeated"
    assert customer.used()["patient"] == 2 * MICRO
    customer.check()
