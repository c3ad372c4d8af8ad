"""Charges with tax, through the whole engine: what the processor says is kept, charged and told."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from local.patience import until
from tests.fleet import Customer, RunningFleet
from tests.payer import card_in

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


async def living(fleet: RunningFleet, country: str | None, plan: str = "core_10k") -> Customer:
    """Subscribe a customer whose card says where it lives; None: nothing does."""
    card = "pm_card_visa" if country is None else card_in(fleet, country)
    return await fleet.subscribe(plan, catalog="make_europe", card=card)


def moves(customer: Customer, country: str) -> None:
    """Let a customer's address become known at the processor."""
    payer = customer.processor()["payer"]
    customer.ask_processor(f"customers/{payer}", {"address[country]": country})


async def hears_of_it(customer: Customer, times: int = 1) -> str:
    """Report the payer's change, as the processor does; return the status after it."""
    payer = customer.ask_processor(f"customers/{customer.processor()['payer']}")
    method = payer["invoice_settings"]["default_payment_method"]
    for _ in range(times):
        news = {"payment_method": method, "update": "default"}
        await customer.life.signal("payment_method_updated", news)
    return str((await customer.life.settle())["status"])


def taxes(customer: Customer) -> list[tuple[str, str, int, int]]:
    query = "SELECT kind, state, amount_minor, tax_minor FROM charges WHERE account_id = %s"
    return [tuple(row) for row in customer.rows(f"{query} ORDER BY opened_at, charge_id")]


async def test_a_plan_and_what_is_bought_are_charged_with_their_tax(fleet: RunningFleet) -> None:
    customer = await living(fleet, "GB")
    assert customer.paid() == [1_080]

    answer = await customer.buy("10000", "more")

    told = {"behavior": "exclusive", "net_minor": 900, "tax_minor": 180}
    assert (answer["status"], answer["amount_minor"]) == ("paid", 1_080)
    assert {name: answer["tax"][name] for name in told} == told
    assert [(one["place"], one["percent"]) for one in answer["tax"]["lines"]] == [("GB", "20")]
    assert await customer.buy("10000", "more") == answer
    assert taxes(customer) == [
        ("period", "paid", 900, 180),
        ("manual_purchase", "paid", 900, 180),
    ]
    assert customer.books() == {"cash": 2_160, "deferred_revenue": -1_800, "tax": -360}
    customer.check()


async def test_an_auto_purchase_and_a_renewal_are_charged_with_their_tax(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    await customer.switch(on=True)
    await customer.report(["10000", "1"])
    assert customer.paid() == [1_080, 1_404]
    await customer.pass_until(FEBRUARY + HOUR)
    assert customer.paid() == [1_080, 1_404, 1_080]
    customer.check()


async def test_tax_inside_the_price_changes_no_price(fleet: RunningFleet) -> None:
    customer = await living(fleet, "GB", "shop")
    answer = await customer.buy("100", "more")
    assert (answer["amount_minor"], customer.paid()) == (120, [1_200, 120])
    assert taxes(customer) == [("period", "paid", 1_000, 200), ("manual_purchase", "paid", 100, 20)]
    assert [cost for *_, cost in customer.grants("allowance")] == [1_000]
    assert await customer.buy("100", "more") == answer
    customer.check()


async def test_without_a_place_nothing_is_charged_and_the_cure_is_told(fleet: RunningFleet) -> None:
    customer = await living(fleet, None)
    assert customer.paid() == []
    assert customer.found() == []
    assert customer.mails() == ["payment_failed"]

    moves(customer, "CH")
    await customer.update_card()

    assert customer.paid() == [973]
    customer.check()


async def test_a_purchase_without_a_place_is_refused_by_its_name(fleet: RunningFleet) -> None:
    customer = await living(fleet, "GB")
    await customer.update_card()  # one that says no place
    answer = await customer.buy("1000", "lost")
    assert (answer["status"], answer["reason"]) == ("declined", "tax_location_missing")
    assert "address" in answer["cure"]
    assert await customer.buy("1000", "lost") == answer
    assert (customer.paid(), customer.found()) == ([1_080], [])

    moves(customer, "GB")
    assert (await customer.buy("1000", "found"))["status"] == "paid"
    customer.check()


@pytest.mark.parametrize("shown", [90, 107])
async def test_another_total_than_was_shown_is_not_charged(fleet: RunningFleet, shown: int) -> None:
    customer = await living(fleet, "GB")
    wanted = {"key": "shown", "credits": "1000", "expected_minor": shown}
    answer = await customer.life.ask("buy_credits", wanted)
    assert (answer["status"], answer["reason"]) == ("refused", "price_changed")
    assert await customer.life.ask("buy_credits", wanted) == answer
    right = wanted | {"key": "right", "expected_minor": 108}
    assert (await customer.life.ask("buy_credits", right))["status"] == "paid"
    assert (customer.paid(), customer.found()) == ([1_080, 108], [])
    assert "payment_failed" not in customer.mails()
    customer.check()


async def test_an_upgrade_is_previewed_with_its_tax_and_costs_that(fleet: RunningFleet) -> None:
    customer = await living(fleet, "GB")
    shown = await customer.change_plan("core_40k", preview=True)
    assert shown["amount_minor"] == shown["tax"]["net_minor"] + shown["tax"]["tax_minor"]
    assert (await customer.change_plan("core_40k"))["amount_minor"] == shown["amount_minor"]
    assert customer.paid() == [1_080, shown["amount_minor"]]
    customer.check()


async def test_an_upgrade_at_another_total_than_was_shown_is_not_made(fleet: RunningFleet) -> None:
    customer = await living(fleet, "GB")
    shown = (await customer.change_plan("core_40k", preview=True))["amount_minor"]
    wanted = {"plan": "core_40k", "expected_minor": shown}
    assert (await customer.life.ask("change_plan", wanted | {"preview": True}))[
        "status"
    ] == "preview"

    moves(customer, "CH")
    previewed = await customer.life.ask("change_plan", wanted | {"preview": True})
    assert (previewed["status"], previewed["reason"]) == ("refused", "price_changed")
    for answer in [
        await customer.life.ask("change_plan", wanted | {"key": "up"}) for _ in range(2)
    ]:
        assert (answer["status"], answer["reason"]) == ("refused", "price_changed")
    assert (customer.paid(), customer.found()) == ([1_080], [])
    assert (await customer.life.status())["plan"] == "core_10k"

    now = (await customer.change_plan("core_40k", preview=True))["amount_minor"]
    right = {"plan": "core_40k", "expected_minor": now, "key": "right"}
    assert (await customer.life.ask("change_plan", right))["status"] == "changed"
    assert customer.paid() == [1_080, now]
    customer.check()


async def test_an_upgrade_without_a_place_is_not_previewed_as_zero(fleet: RunningFleet) -> None:
    customer = await living(fleet, "GB")
    await customer.update_card()
    shown = await customer.change_plan("core_40k", preview=True)
    assert (shown["status"], shown["reason"]) == ("refused", "tax_location_missing")


async def test_money_on_its_way_is_told_with_its_tax(fleet: RunningFleet) -> None:
    customer = await living(fleet, "GB")
    customer.fault("later")
    answer = await customer.buy("10000", "later")
    assert (answer["status"], answer["amount_minor"]) == ("processing", 1_080)
    customer.settle_later(customer.invoice_of("processing"))
    await customer.life.signal("invoice_paid", {"invoice": customer.invoice_of("processing")})
    await customer.life.settle()
    assert customer.paid() == [1_080, 1_080]
    customer.check()


async def test_a_preview_that_the_processor_does_not_answer_keeps_nobody_waiting(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    customer.fault("drop", path="/v1/invoices/create_preview", count=1_000)
    asked = asyncio.create_task(customer.change_plan("core_40k", preview=True))
    await until(customer.life.status, lambda now: now["busy"], "the preview to be under way")
    assert (await customer.use("1"))["status"] == "debited"
    assert (await customer.buy("10000"))["status"] == "paid"
    fleet.standin.behave()
    assert (await asked)["status"] in ("preview", "pending")
    customer.check()


async def test_an_address_has_what_waited_for_it_charged_once(fleet: RunningFleet) -> None:
    customer = await living(fleet, None)
    await hears_of_it(customer)
    assert (customer.attempts(), customer.paid()) == (0, [])

    moves(customer, "CH")
    await hears_of_it(customer, 3)

    assert (customer.attempts(), customer.paid()) == (1, [973])
    customer.check()


async def test_an_address_has_a_card_that_declines_tried_once(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe(
        "core_10k", catalog="make_europe", card="pm_card_chargeCustomerFail"
    )
    moves(customer, "CH")
    # One of two questions is answered only after the card was declined.
    customer.fault("drop", path="/v1/invoices/create_preview", count=3)
    await hears_of_it(customer, 2)
    assert (customer.attempts(), customer.paid()) == (1, [])
    await hears_of_it(customer)
    assert customer.attempts() == 1
    assert customer.mails() == ["payment_failed", "payment_failed"]  # the address, then the card
    customer.check()


@pytest.mark.parametrize("code", ["insufficient_funds", "expired_card"])
async def test_a_card_that_declines_after_an_address_was_missing_is_told_as_the_first_try(
    fleet: RunningFleet, code: str
) -> None:
    customer = await living(fleet, "GB")
    await customer.update_card()  # one that says no place
    await customer.pass_until(FEBRUARY + HOUR)
    customer.fault("decline", code=code)
    moves(customer, "GB")
    await hears_of_it(customer)
    told = customer.mails()
    assert (told.count("payment_failed"), told.count("paused")) == (2, 0)
    customer.check()


async def test_a_renewal_whose_place_is_unknown_pauses_nobody_before_it_is_due(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    await customer.update_card()  # one that says no place
    before = await customer.pass_until(FEBRUARY - SECOND)
    assert (before["status"], customer.mails().count("payment_failed")) == ("active", 0)
    after = await customer.pass_until(FEBRUARY + HOUR)
    assert after["paused_by"] == ["payment_failed"]
    assert customer.mails().count("payment_failed") == 1

    moves(customer, "GB")
    assert await hears_of_it(customer) == "active"
    assert customer.paid() == [1_080, 1_080]
    customer.check()


async def test_a_place_that_becomes_known_before_it_is_due_delays_no_renewal(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    await customer.update_card()
    await customer.pass_until(FEBRUARY - SECOND)
    moves(customer, "GB")
    assert (await customer.pass_until(FEBRUARY + HOUR))["status"] == "active"
    assert (customer.paid(), "payment_failed" in customer.mails()) == ([1_080, 1_080], False)
    customer.check()
