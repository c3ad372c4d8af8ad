"""Make: included credits first, then extras, which a switch may buy up to a cap."""

from tests.fleet import RunningFleet
from tests.stories.telling import Told, subscribed

BYTES_PER_CREDIT = 524_288


async def test_the_40_001st_credit_is_the_first_extra_and_extras_last_until_the_cycles_last_day(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "make", "core_40k", begins="2027-01-01")
    await maker.lives_until("2027-01-20")
    await maker.buys(1_000, "0.73")  # $29 / 40,000 each, without a surcharge
    await maker.has("41000")
    await maker.has(str(1_000 * BYTES_PER_CREDIT), of="data_transfer")

    await maker.uses("operation", 40_000)  # all that is included, and no extra one
    await maker.uses("operation", 1)
    drawn = [line for line in maker.customer.history() if line.kind == "debit"]
    assert [line.source for line in drawn] == ["allowance", "manual_purchase"]

    await maker.lives_until("2027-01-31T23:59:58")
    await maker.has("999")
    await maker.lives_until("2027-02-01")  # the cycle ends: extras and their data transfer go
    await maker.has("40000")
    await maker.has("0", of="data_transfer")
    maker.has_paid("29.00", "0.73", "29.00")
    maker.ends_well()


async def test_extras_by_hand_are_for_paid_plans_by_card_in_thousands_at_the_plans_own_price(
    fleet: RunningFleet,
) -> None:
    free = await subscribed(fleet, "make", "free", card=None)
    await free.is_told_no("not_in_plan", "buy_credits", key="wish", credits="1000")
    await free.uses("operation", 1_000)
    await free.uses("operation", 1, refused="insufficient_credits")
    free.has_paid()

    maker = await subscribed(fleet, "make", "core_10k")
    await maker.is_told_no("invalid_unit", "buy_credits", key="half", credits="1500")
    await maker.buys(1_000, "0.90")
    await maker.buys(10_000, "9.00")
    await maker.has("21000")
    maker.has_paid("9.00", "0.90", "9.00")
    maker.ends_well()


async def test_a_switch_buys_ten_thousand_at_thirty_percent_more_until_the_cap(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "make", "core_25k", auto=True)  # 25,000 allow two units
    await maker.uses("operation", 25_000)  # all is used: the first 10,000 are bought
    await maker.is_now("active")
    await maker.has("10000")
    await maker.uses("operation", 10_000)  # all is used again: the second
    await maker.is_now("active")
    await maker.has("10000")
    await maker.uses("operation", 10_000)
    await maker.uses("operation", 1, refused="cap_reached")
    await maker.buys(1_000, "0.76")  # by hand it goes on: that does not count against the cap
    await maker.uses("operation", 1_000)
    await maker.uses("operation", 1, refused="cap_reached")
    maker.has_paid("19.00", "9.88", "9.88", "0.76")  # 10,000 * $19 / 25,000 + 30 %

    await maker.lives_until("2027-02-01")  # a new cycle has a new cap
    await maker.uses("operation", 25_001)
    await maker.has("9999")
    maker.has_paid("19.00", "9.88", "9.88", "0.76", "19.00", "9.88")
    maker.ends_well()


async def test_five_thousand_included_allow_no_unit_so_the_switch_is_refused(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "make", "core_5k")
    await maker.is_told_no("cap_below_unit", "set_auto_purchase", on=True)
    maker.has_paid("6.00")
    maker.ends_well()


async def test_a_failed_payment_pauses_what_is_metered_until_the_card_is_updated(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "make", "core_10k", auto=True)
    maker.customer.fault("decline", count=1)
    await maker.uses("operation", 10_000)
    paused = await maker.is_now("paused")
    assert paused["paused_by"] == ["payment_failed"]
    await maker.finds_mail("Action needed")
    await maker.uses("operation", 1, refused="paused:payment_failed")
    await maker.is_told_no("paused:payment_failed", "buy_credits", key="more", credits="1000")
    await maker.uses("ping")  # what is free goes on

    await maker.lives_until("2027-01-09")  # nothing is tried meanwhile
    assert maker.customer.attempts() == 2
    await maker.customer.update_card()
    await maker.is_now("active")
    await maker.has("10000")
    maker.has_paid("9.00", "11.70")
    await maker.customer.switch(on=False)
    await maker.uses("operation", 10_000)
    await maker.uses("operation", 1, refused="insufficient_credits")  # switched off, none is bought
    maker.ends_well()


async def test_a_year_up_front_keeps_extras_and_the_cap_for_the_year(fleet: RunningFleet) -> None:
    maker = await subscribed(fleet, "make", "pro_120k_yearly", begins="2027-01-15", auto=True)
    await maker.has("120000")
    await maker.lives_until("2027-03-20")
    await maker.buys(1_000, "1.60")  # $192 / 120,000 each
    await maker.uses("operation", 120_000)
    await maker.uses("operation", 120_000)  # the cap is the year's 120,000: twelve units at once
    await maker.has("1000")
    await maker.lives_until("2028-01-14T23:00")
    await maker.has("1000")  # until the end of the billing year
    await maker.uses("operation", 1_001, refused="cap_reached")
    await maker.lives_until("2028-01-15")
    await maker.has("120000")
    maker.has_paid("192.00", "1.60", "249.60", "192.00")
    maker.ends_well()


async def test_core_billed_yearly_resets_credits_extras_and_the_cap_every_month(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "make", "core_10k_yearly", begins="2027-01-15", auto=True)
    await maker.uses("operation", 20_000)  # 10,000 included, 10,000 bought
    await maker.uses("operation", 1, refused="cap_reached")
    await maker.buys(1_000, "0.90")
    await maker.lives_until("2027-02-15")
    await maker.has("10000")  # extras expired with the monthly reset
    await maker.uses("operation", 10_001)  # and the cap began anew
    await maker.has("9999")
    maker.has_paid("108.00", "11.70", "0.90", "11.70")
    maker.ends_well()


async def test_events_are_decided_in_order_and_one_that_does_not_fit_is_refused_alone(
    fleet: RunningFleet,
) -> None:
    careful = await subscribed(fleet, "make", "core_10k")
    await careful.customer.report(["9990", "20", "7", "4", "3"])
    assert _used(careful) == [9_990, 7, 3]
    await careful.has("0")
    careful.ends_well()

    generous = await subscribed(fleet, "make", "core_10k", auto=True)
    await generous.customer.report(["9990", "20", "7", "4", "3"])
    assert _used(generous) == [9_990, 20, 7, 4, 3]  # the 20 bought first, the rest went on in order
    await generous.has("9976")
    generous.has_paid("9.00", "11.70")
    generous.ends_well()


def _used(maker: Told) -> list[int]:
    return [micro // 1_000_000 for micro in maker.customer.used().values()]
