"""Promotion codes of plans: looked up at the start, and kept by the subscription from then on."""

from datetime import UTC, datetime

import pytest

from tests.fleet import BEGINS, SECOND, Customer, RunningFleet
from tests.payer import card_in
from tests.workflows.promoted import Dashboard
from tests.workflows.test_plan_coupons import living, reason_of_failure

pytestmark = pytest.mark.long

APRIL = datetime(2027, 4, 1, 1, tzinfo=UTC)
HALF = {"percent_off": 50, "duration": "repeating", "duration_in_months": 3}


@pytest.fixture
def dashboard(fleet: RunningFleet) -> Dashboard:
    return Dashboard(fleet.standin)


def sound(*customers: Customer) -> None:
    for one in customers:
        one.check()


async def test_half_for_three_months_outlives_its_code(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    made = dashboard.made(coupon=HALF)
    customer = await living(fleet, str(made.code).lower())
    dashboard.stripe.coupons.delete(str(made.promotion.coupon))
    fleet.standin.post(
        "/_fault", fault="500", path="/v1/promotion_codes", method="GET", count=1_000
    )
    try:
        await customer.pass_until(APRIL)
    finally:
        fleet.standin.behave()
    assert customer.paid() == [500, 500, 500, 1_000]
    assert await reason_of_failure(fleet, str(made.code)) == "unknown_coupon"
    sound(customer)


async def test_all_of_a_first_period_begins_without_a_card(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    customer = await living(fleet, dashboard.code(coupon={"percent_off": 100}), card=None)
    assert customer.charges() == [("period", "paid", 0)]
    sound(customer)


async def test_an_amount_comes_off_before_the_tax(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    off = {"amount_off": 500, "currency": "usd", "duration": "forever"}
    customer = await living(
        fleet, dashboard.code(coupon=off), "grove_taxed", card=card_in(fleet, "GB")
    )
    assert customer.paid() == [600]
    sound(customer)


async def test_a_start_with_a_code_that_cannot_be_had_fails_by_its_name(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    least = {"minimum_amount": 1_001, "minimum_amount_currency": "usd"}
    code = dashboard.code(coupon=HALF, restrictions=least)
    assert await reason_of_failure(fleet, code) == "coupon_not_applicable"
    limited = dashboard.code(coupon=HALF | {"applies_to": {"products": ["prod_1"]}})
    assert await reason_of_failure(fleet, limited) == "coupon_not_applicable"


async def test_a_plan_redeems_once_however_long_it_lasts(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    code = dashboard.code(coupon=HALF, max_redemptions=2)
    first = await living(fleet, code)
    await first.pass_until(APRIL)
    second = await living(fleet, code)
    assert await reason_of_failure(fleet, code) == "coupon_used_up"
    sound(first, second)


async def test_a_start_waits_for_no_silent_processor_and_may_be_sent_again(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    code = dashboard.code(coupon=HALF, max_redemptions=1)
    fleet.standin.post("/_fault", fault="500", path="/v1/promotion_codes", method="GET", count=99)
    try:
        assert await reason_of_failure(fleet, code) == "processor_unavailable"
    finally:
        fleet.standin.behave()
    customer = await living(fleet, code)  # nothing was redeemed
    assert customer.paid() == [500]
    sound(customer)


async def test_a_code_of_one_customer_is_had_by_that_customer(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    known = await living(fleet, "FRIEND")
    await known.cancel("now")
    await known.outcome()
    code = dashboard.code(coupon=HALF, customer=known.processor()["payer"])
    assert await reason_of_failure(fleet, code) == "unknown_coupon"
    again = await fleet.subscribe("grove", catalog="orchard", again=known, coupon=code)
    assert again.paid()[-1] == 500
    sound(again)


async def test_a_scheduled_start_waits_until_the_processor_answers(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    """Nobody waits for it any more who could send it again."""
    code = dashboard.code(coupon=HALF)
    customer = await fleet.subscribe("grove", catalog="orchard", coupon=code, wait=False)
    fleet.standin.post("/_fault", fault="500", path="/v1/promotion_codes", method="GET", count=4)
    try:
        await customer.pass_until(BEGINS + SECOND)  # who waits for 15 seconds has no fifth call
    finally:
        fleet.standin.behave()
    assert customer.paid() == [500]
    sound(customer)
