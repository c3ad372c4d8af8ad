"""Make, sold in Europe: the processor computes the tax, and everybody sees it before they pay."""

import pytest

from activities.purchases.quotes import Books, quote
from domain.credits import parse_quantity
from domain.messages.purchases import BuyCredits
from domain.payments.kinds import SavingPage
from gateways.stripe import StripePayments
from ledger.payments import processor_ids
from tests.fleet import Json, RunningFleet
from tests.payer import card_in
from tests.stories.telling import Told, dollars, subscribed
from tests.workflows.test_every_event import deliver

pytestmark = pytest.mark.long


async def a_customer_in(fleet: RunningFleet, country: str, plan: str = "core_10k") -> Told:
    return await subscribed(fleet, "make_europe", plan, card=card_in(fleet, country))


async def is_quoted(buyer: Told, credits_wanted: str) -> Json:
    """Return what the buyer is shown before the click."""
    fleet, now = buyer.customer.fleet, await buyer.customer.life.now()
    wanted = BuyCredits("preview", parse_quantity(credits_wanted))
    standin = fleet.standin
    with StripePayments(standin.api_key, base_url=standin.base_url) as payments:
        subscription = buyer.customer.life.handle.id.removeprefix("subscription:")
        return quote(Books(fleet.engine, payments), subscription, wanted, now)


async def test_11_70_of_extra_credits_in_britain_cost_14_04_and_6_000_given_back_8_42(
    fleet: RunningFleet,
) -> None:
    buyer = await a_customer_in(fleet, "GB")
    buyer.has_paid("10.80")
    await buyer.ask("set_auto_purchase", on=True)
    await buyer.uses("operation", 10_000)
    await buyer.is_now("active")
    buyer.has_paid("10.80", "14.04")
    await buyer.has("10000")
    receipt = await buyer.finds_mail("$14.04")
    for words in ("$11.70", "VAT 20 % (GB)", "$2.34"):
        assert words in receipt["text"], receipt["text"]

    await buyer.uses("operation", 4_000)
    ((charge,),) = buyer.customer.rows(
        "SELECT charge_id FROM charges WHERE account_id = %s AND kind = 'auto_purchase'"
    )
    wanted = {"charge_id": charge, "amount_minor": "all", "reason": "not needed", "by": "ann"}
    shown = await buyer.ask("refund", key="back", **wanted, preview=True)
    assert dollars(shown["amount_minor"]) == "8.42"
    assert shown["tax"] == {"net_minor": 702, "tax_minor": 140}
    await buyer.has("6000")
    done = await buyer.ask("refund", key="back", **wanted)
    assert (done["status"], done["amount_minor"], done["tax"]) == ("refunded", 842, shown["tax"])
    mail = await buyer.finds_mail("We refunded $8.42")
    assert "$7.02" in mail["text"]
    assert "$1.40" in mail["text"]
    await buyer.has("0")

    assert buyer.customer.books()["refunds"] == -842
    assert buyer.customer.books()["tax"] == -(180 + 234 - 140)
    (row,) = await buyer.sees_report("taxes")
    assert row == {
        "month": "2027-01",
        "currency": "USD",
        "place": "GB",
        "tax": "VAT 20 %",
        "charges": "2",
        "net": "20.70",
        "charged": "4.14",
        "given back": "1.40",
        "kept": "2.74",
    }
    buyer.ends_well()


async def test_a_wallet_of_100_00_in_switzerland_is_quoted_and_paid_at_108_10(
    fleet: RunningFleet,
) -> None:
    writer = await a_customer_in(fleet, "CH", "wallet")
    shown = await is_quoted(writer, "100")
    assert dollars(shown["amount_minor"]) == "108.10"
    assert (shown["tax"]["net_minor"], shown["tax"]["tax_minor"]) == (10_000, 810)
    assert [one["percent"] for one in shown["tax"]["lines"]] == ["8.1"]

    await writer.buys(100, "108.10")
    await writer.has("100", of="usd_wallet")
    writer.has_paid("42.16", "108.10")
    writer.ends_well()


async def test_where_nobody_knows_where_the_customer_is_that_is_said_and_nothing_is_charged(
    fleet: RunningFleet,
) -> None:
    buyer = await a_customer_in(fleet, "GB")
    await buyer.customer.update_card()  # a card that says no place

    shown = await is_quoted(buyer, "1000")
    assert (shown["status"], shown["reason"]) == ("refused", "tax_location_missing")
    assert "billing address" in shown["cure"]
    answer = await buyer.ask("buy_credits", key="anyway", credits="1000")
    assert (answer["status"], answer["reason"]) == ("declined", "tax_location_missing")

    buyer.has_paid("10.80")
    await buyer.has("10000")
    buyer.ends_well()


async def test_the_processors_page_asks_for_the_address_that_the_tax_needs(
    fleet: RunningFleet,
) -> None:
    buyer = await subscribed(fleet, "make_europe", "core_10k")  # by a card that says no place
    await buyer.is_now("pending")
    await buyer.finds_mail("address")
    payer = buyer.customer.processor()["payer"]
    with fleet.engine.connect() as connection:
        wanted = processor_ids.saving_page(connection, payer)
    assert wanted == SavingPage("USD", asks_address=True)
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        page = payments.card_link(payer, return_url="https://acme.example", key="ask", page=wanted)
    buyer.customer.save_there(page, "pm_card_mastercard", country="GB")
    setup = buyer.customer.ask_processor(f"checkout/sessions/{page.rsplit('/', 1)[1]}")

    assert await deliver(fleet, "setup_intent.succeeded", setup["setup_intent"]) == "signaled"

    await buyer.is_now("active")
    buyer.has_paid("10.80")
    assert (await is_quoted(buyer, "1000"))["amount_minor"] == 108
    buyer.ends_well()


async def test_a_price_with_tax_inside_is_what_is_paid(fleet: RunningFleet) -> None:
    buyer = await a_customer_in(fleet, "GB", "shop")
    shown = await is_quoted(buyer, "100")
    assert dollars(shown["amount_minor"]) == "1.20"
    assert (shown["tax"]["net_minor"], shown["tax"]["tax_minor"]) == (100, 20)
    await buyer.buys(100, "1.20")
    buyer.has_paid("12.00", "1.20")
    buyer.ends_well()
