"""Promotion codes of the processor through the whole engine: it says what they promise, once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local.patience import until
from tests.fleet import Customer, RunningFleet
from tests.payer import card_in
from tests.workflows.promoted import Dashboard
from tests.workflows.test_coupons import buys

pytestmark = pytest.mark.long

FIFTH = {"percent_off": 20}
FEBRUARY = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp())


@pytest.fixture
def dashboard(fleet: RunningFleet) -> Dashboard:
    return Dashboard(fleet.standin)


async def living(fleet: RunningFleet, plan: str = "grove", **more: Any) -> Customer:
    return await fleet.subscribe(plan, catalog="orchard", **more)


async def refusal(customer: Customer, key: str, code: str, **more: Any) -> str:
    answer = await buys(customer, key, code, **more)
    assert answer["status"] == "refused", answer
    return str(answer["reason"])


def waiting(customer: Customer) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return customer.is_held()

    return look


def asked(fleet: RunningFleet) -> int:
    return int(fleet.standin.get("/_health")["requests"])


async def test_a_fifth_off_is_charged_earned_and_told_once(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    customer = await living(fleet)
    code = dashboard.code(coupon=FIFTH)
    answer = await buys(customer, "one", code.lower(), expected_minor=400)
    assert (answer["status"], answer["amount_minor"]) == ("paid", 400)
    assert answer["discount"] == {"coupon": code, "price_minor": 500, "discount_minor": 100}

    dashboard.switch_off(code)  # what was bought is bought: the processor is not asked again
    before = asked(fleet)
    assert await buys(customer, "one", code, expected_minor=400) == answer
    assert (await buys(customer, "one", "FIFTH"))["reason"] == "idempotency_conflict"
    assert asked(fleet) == before
    assert await refusal(customer, "two", code) == "unknown_coupon"
    assert customer.paid() == [1_000, 400]
    assert customer.mails().count("receipt") == 2
    customer.check()


async def test_the_lists_own_code_comes_first(fleet: RunningFleet, dashboard: Dashboard) -> None:
    customer = await living(fleet)
    name = dashboard.stripe.coupons.create({"percent_off": 90}).id
    dashboard.another("FIFTH", name)
    fleet.standin.post("/_fault", fault="500", path="/v1/promotion_codes", method="GET", count=100)
    assert (await buys(customer, "own", "FIFTH"))["amount_minor"] == 400
    fleet.standin.behave()
    customer.check()


async def test_what_cannot_be_a_code_is_not_asked_for(fleet: RunningFleet) -> None:
    customer = await living(fleet)
    before = asked(fleet)
    for number, code in enumerate(["50% OFF", "A_B", "X" * 41, "Ü", "a'); --"]):
        assert await refusal(customer, f"odd-{number}", code) == "unknown_coupon"
    assert asked(fleet) == before


async def test_a_list_that_says_nothing_of_codes_asks_for_none(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    customer = await fleet.subscribe("core_10k")
    code, before = dashboard.code(coupon=FIFTH), asked(fleet)
    wanted = {"key": "k", "credits": "1000", "coupon": code}
    assert (await customer.life.ask("buy_credits", wanted))["reason"] == "unknown_coupon"
    assert asked(fleet) == before
    customer.check()


async def test_all_of_a_basket_costs_nothing_and_charges_nothing(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    customer = await living(fleet)
    code = dashboard.code(coupon={"percent_off": 100})
    answer = await buys(customer, "free", code, expected_minor=0)
    assert (answer["status"], answer["amount_minor"], answer["available"]) == ("paid", 0, "1500")
    assert (await buys(customer, "three", code, count=3))["amount_minor"] == 1_000
    assert customer.paid() == [1_000, 1_000]
    customer.check()


async def test_a_discount_comes_before_the_tax(fleet: RunningFleet, dashboard: Dashboard) -> None:
    customer = await living(fleet, "grove_taxed", card=card_in(fleet, "GB"))
    code = dashboard.code(coupon={"amount_off": 100, "currency": "usd"})
    answer = await buys(customer, "taxed", code, expected_minor=480)
    assert (answer["amount_minor"], answer["tax"]["net_minor"]) == (480, 400)
    customer.check()


async def test_what_a_code_is_not_for_is_refused_by_its_reason(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    customer, other = await living(fleet), await living(fleet)
    theirs = dashboard.code(coupon=FIFTH, customer=other.processor()["payer"])
    assert await refusal(customer, "theirs", theirs) == "unknown_coupon"
    assert (await buys(other, "theirs", theirs))["amount_minor"] == 400
    euros = dashboard.code(coupon={"amount_off": 100, "currency": "eur"})
    assert await refusal(customer, "euros", euros) == "coupon_not_applicable"
    limited = dashboard.code(coupon={"percent_off": 20, "applies_to": {"products": ["prod_1"]}})
    assert await refusal(customer, "limited", limited) == "coupon_not_applicable"
    ends = dashboard.code(coupon=FIFTH, expires_at=FEBRUARY)
    assert (await buys(customer, "in-time", ends))["amount_minor"] == 400
    first = {"first_time_transaction": True}
    newcomers = dashboard.code(coupon=FIFTH, restrictions=first)
    assert await refusal(customer, "first", newcomers) == "coupon_for_first_purchase"
    least = {"minimum_amount": 1_000, "minimum_amount_currency": "usd"}
    two = dashboard.code(coupon=FIFTH, restrictions=least)
    assert await refusal(customer, "least", two) == "coupon_not_applicable"
    assert (await buys(customer, "least", two, count=2))["amount_minor"] == 800
    await customer.pass_until(datetime.fromtimestamp(FEBRUARY, UTC))
    assert await refusal(customer, "late", ends) == "coupon_expired"
    for one in (customer, other):
        one.check()


async def test_the_last_redemption_is_had_by_one_of_two_at_once(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    both = [await living(fleet) for _ in range(2)]
    made = dashboard.made(coupon={"percent_off": 20, "max_redemptions": 3})
    dashboard.redeemed_elsewhere(made.id, 2)
    answers = await asyncio.gather(*(buys(one, "last", str(made.code)) for one in both))
    assert sorted(one.get("reason", "") for one in answers) == ["", "coupon_used_up"]
    twin = dashboard.another(f"{made.code}-TWIN", str(made.promotion.coupon))
    assert await refusal(both[0], "twin", str(twin.code)) == "coupon_used_up"
    dashboard.redeemed_elsewhere(made.id)
    assert await refusal(both[1], "over", str(made.code)) == "coupon_used_up"
    for one in both:
        one.check()


async def test_a_declined_charge_gives_its_redemption_back(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    poor, rich = await living(fleet), await living(fleet)
    code = dashboard.code(coupon=FIFTH, max_redemptions=1)
    poor.fault("decline")
    assert (await buys(poor, "poor", code))["status"] == "declined"
    await poor.life.settle()
    assert (await buys(rich, "rich", code))["amount_minor"] == 400
    for one in (poor, rich):
        one.check()


async def test_while_the_processor_is_silent_nothing_is_bought_and_the_key_stays_free(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    customer = await living(fleet)
    code = dashboard.code(coupon=FIFTH)
    fleet.standin.post("/_fault", fault="500", path="/v1/promotion_codes", method="GET", count=100)
    assert await refusal(customer, "key", code) == "processor_unavailable"
    assert (await customer.life.status())["available"] == "1000"
    await customer.use("10")
    fleet.standin.behave()
    fleet.standin.post(
        "/_fault", fault="drop", path="/v1/promotion_codes", method="GET"
    )  # one: asked again
    assert (await buys(customer, "key", code))["amount_minor"] == 400
    assert customer.paid() == [1_000, 400]
    customer.check()


async def test_usage_does_not_wait_for_a_code_that_is_being_looked_up(
    fleet: RunningFleet, dashboard: Dashboard
) -> None:
    customer = await living(fleet)
    code = dashboard.code(coupon=FIFTH)
    fleet.standin.post("/_fault", fault="held", path="/v1/promotion_codes", method="GET")
    buying = asyncio.create_task(buys(customer, "slow", code))
    await until(waiting(customer), bool, "the lookup to wait")
    await customer.use("10")
    assert not buying.done()
    fleet.standin.post("/_release")
    assert (await buying)["amount_minor"] == 400
    customer.check()
