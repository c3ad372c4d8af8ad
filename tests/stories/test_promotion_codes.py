"""Marketing people make a code in the processor's dashboard, and customers type it."""

import pytest

from tests.fleet import Json, RunningFleet
from tests.stories.telling import Told, dollars, subscribed
from tests.stories.test_coupons import buys, sees_the_price
from tests.workflows.promoted import Dashboard

pytestmark = pytest.mark.long


@pytest.fixture
def dashboard(fleet: RunningFleet) -> Dashboard:
    return Dashboard(fleet.standin)


async def is_shown_no(buyer: Told, code: str, reason: str) -> Json:
    """Be refused the price before the click, and the purchase after it, for one reason."""
    assert (await sees_the_price(buyer, code))["reason"] == reason
    return await buyer.is_told_no(reason, "buy_pack", key="no", pack="basket", coupon=code)


async def test_spring_is_20_percent_off_a_5_00_basket_until_it_is_switched_off(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    spring = dashboard.code("SPRING", coupon={"percent_off": 20})
    buyer = await subscribed(fleet, "orchard", "grove")
    await buys(buyer, spring, "4.00", key="one")
    receipt = await buyer.finds_mail("Receipt: 500 credits, $4.00")
    assert f"Coupon {spring}" in receipt["text"]

    shown = await sees_the_price(buyer, spring)
    dashboard.switch_off(spring)
    late = {"pack": "basket", "coupon": spring, "expected_minor": shown["amount_minor"]}
    await buyer.is_told_no("unknown_coupon", "buy_pack", key="late", **late)
    await is_shown_no(buyer, spring, "unknown_coupon")
    again = await buyer.ask("buy_pack", key="one", **late)  # the first answer, once more
    assert (again["status"], dollars(again["amount_minor"])) == ("paid", "4.00")
    buyer.has_paid("10.00", "4.00")
    buyer.ends_well()


async def test_a_third_off_is_33_33_percent_to_the_cent(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    third = dashboard.code("THIRD", coupon={"percent_off": 33.33})
    buyer = await subscribed(fleet, "orchard", "grove")
    await buys(buyer, third, "3.33", key="one")  # 3.3335 is left of 5.00
    await buys(buyer, third, "6.67", key="two", count=2)  # and 6.667 of 10.00
    buyer.ends_well()


async def test_a_gift_of_100_percent_is_one_basket_at_most_a_purchase(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    gift = dashboard.code("GIFT", coupon={"percent_off": 100})
    buyer = await subscribed(fleet, "orchard", "grove")
    await buys(buyer, gift, "0.00", key="gift")
    await buys(buyer, gift, "45.00", key="ten", count=10)  # the list says: at most 5.00
    buyer.has_paid("10.00", "45.00")
    buyer.ends_well()


async def test_two_codes_of_one_campaign_share_its_last_redemption(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    radio = dashboard.made("RADIO", coupon={"amount_off": 200, "currency": "usd",
                                            "max_redemptions": 5})  # fmt: skip
    paper = dashboard.another(f"{radio.code}-PAPER", str(radio.promotion.coupon))
    dashboard.redeemed_elsewhere(radio.id, 4)
    one, other = [await subscribed(fleet, "orchard", "grove") for _ in range(2)]
    await buys(one, str(radio.code), "3.00", key="last")
    await is_shown_no(other, str(paper.code), "coupon_used_up")
    for buyer in (one, other):
        buyer.ends_well()


async def test_half_for_three_months_is_kept_when_the_campaign_is_deleted(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    half = dashboard.made("HALF", coupon={"percent_off": 50, "duration": "repeating",
                                          "duration_in_months": 3})  # fmt: skip
    member = await subscribed(fleet, "orchard", "grove", coupon=str(half.code))
    dashboard.stripe.coupons.delete(str(half.promotion.coupon))
    await member.lives_until("2027-04-01")
    member.has_paid("5.00", "5.00", "5.00", "10.00")
    member.ends_well()


async def test_schematic_takes_40_00_off_in_dollars_and_37_00_in_euros(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    forty = {"amount_off": 4_000, "currency": "usd"}
    euros = {"currency_options": {"eur": {"amount_off": 3_700}}}
    trade, dollars_only = (dashboard.code("TRADE", coupon=one) for one in (forty | euros, forty))
    pack = {"pack": "enterprise_50000"}
    for currency, cost in (("USD", "360.00"), ("EUR", "333.00")):
        buyer = await subscribed(fleet, "schematic", "enterprise", currency=currency)
        bought = await buyer.ask("buy_pack", key="trade", coupon=trade, **pack)
        assert (bought["status"], bought["currency"]) == ("paid", currency), bought
        assert dollars(bought["amount_minor"]) == cost
        assert buyer.written(buyer.customer.paid()[-1]) == cost
        (line,) = await buyer.sees_report("discounts")
        told = [line[column] for column in ("price list", "coupon", "currency", "charged")]
        assert told == ["schematic", trade, currency, cost]
        buyer.ends_well()
    await buyer.is_told_no("coupon_not_applicable", "buy_pack",
                           key="no", coupon=dollars_only, **pack)  # fmt: skip


async def test_half_for_three_months_is_over_in_a_year_though_the_plan_became_yearly(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    half = dashboard.code("HALF", coupon={"percent_off": 50, "duration": "repeating",
                                          "duration_in_months": 3})  # fmt: skip
    member = await subscribed(fleet, "anything", "small", coupon=half)
    member.has_paid("5.00")
    change = {"plan": "yearly", "when": "now"}
    shown = await member.ask("change_plan", preview=True, **change)
    assert member.written(shown["renewal_minor"]) == "600.00"
    await member.ask("change_plan", key="year", **change)
    await member.lives_until("2028-01-03")
    assert [member.written(one) for one in member.customer.paid()][2:] == ["600.00"]
    member.ends_well()
