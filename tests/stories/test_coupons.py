"""Orchard, with coupons: what a code takes off is seen before the click, down to nothing."""

import asyncio
from pathlib import Path

import pytest

from activities.purchases.quotes import Books, quote
from catalogs.reader import read_catalog
from domain.messages.purchases import BuyPack
from gateways.stripe import StripePayments
from tests.fleet import Json, RunningFleet
from tests.mail.facts import plain
from tests.payer import card_in
from tests.stories.telling import Told, dollars, subscribed

pytestmark = pytest.mark.long

ORCHARD = read_catalog(Path(__file__).parents[2] / "catalogs" / "examples" / "orchard.yaml")


async def sees_the_price(buyer: Told, coupon: str, count: int = 1) -> Json:
    """Return what the buyer is shown before the click."""
    fleet, now = buyer.customer.fleet, await buyer.customer.life.now()
    wanted = BuyPack("preview", "basket", count, None, coupon)
    subscription = buyer.customer.life.handle.id.removeprefix("subscription:")
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        books = Books(fleet.engine, payments, {"orchard": ORCHARD})
        return quote(books, subscription, wanted, now)


async def buys(buyer: Told, coupon: str, cost: str, key: str, count: int = 1) -> Json:
    """See the price of baskets with a coupon, and buy them at it."""
    shown = await sees_the_price(buyer, coupon, count)
    assert dollars(shown["amount_minor"]) == cost, shown
    wanted = {"pack": "basket", "count": count, "coupon": coupon}
    shown_minor = shown["amount_minor"]
    answer = await buyer.ask("buy_pack", key=key, **wanted, expected_minor=shown_minor)
    assert (answer["status"], dollars(answer["amount_minor"])) == ("paid", cost), answer
    assert answer["discount"] == shown["discount"]
    return answer


async def test_a_welcome_of_100_percent_is_the_whole_5_00_basket_once(fleet: RunningFleet) -> None:
    newcomer = await subscribed(fleet, "orchard", "grove")
    newcomer.has_paid("10.00")

    await buys(newcomer, "WELCOME", "0.00", key="gift")
    await newcomer.has("1500")
    newcomer.has_paid("10.00")
    receipt = await newcomer.finds_mail("Receipt: 500 credits, $0.00")
    for words in ("Basket of 500", "$5.00", "Coupon WELCOME", "-$5.00", "nothing was charged"):
        assert words in plain(receipt["text"]), receipt["text"]

    await newcomer.is_told_no("coupon_already_used", "buy_pack",
                              key="more", pack="basket", coupon="WELCOME")  # fmt: skip
    await newcomer.uses("operation", 1_500)
    await newcomer.has("0")
    assert newcomer.customer.books()["cash"] == 1_000
    newcomer.ends_well()


async def test_a_fifth_off_two_baskets_is_earned_and_given_back_by_the_8_00_paid(
    fleet: RunningFleet,
) -> None:
    buyer = await subscribed(fleet, "orchard", "grove")
    bought = await buys(buyer, "FIFTH", "8.00", key="two", count=2)
    receipt = await buyer.finds_mail("Receipt: 1,000 credits, $8.00")
    for words in ("$10.00", "Coupon FIFTH", "-$2.00"):
        assert words in plain(receipt["text"]), receipt["text"]

    await buyer.uses("operation", 1_250)  # the allowance of 1,000, and a quarter of the baskets
    back = await buyer.ask("refund", key="back", charge_id=bought["charge_id"],
                           amount_minor="all", reason="not needed", by="ann")  # fmt: skip
    assert dollars(back["amount_minor"]) == "6.00"
    await buyer.has("0")
    buyer.ends_well()


async def test_january_ends_with_january(fleet: RunningFleet) -> None:
    buyer = await subscribed(fleet, "orchard", "grove")
    await buyer.lives_until("2027-01-31")
    await buys(buyer, "JANUARY", "2.50", key="in-time")
    await buyer.lives_until("2027-02-01")
    assert (await sees_the_price(buyer, "JANUARY"))["reason"] == "coupon_expired"
    await buyer.is_told_no("coupon_expired", "buy_pack",
                           key="late", pack="basket", coupon="JANUARY")  # fmt: skip
    buyer.has_paid("10.00", "2.50", "10.00")
    buyer.ends_well()


async def test_in_britain_20_percent_off_5_00_is_4_00_and_its_tax(fleet: RunningFleet) -> None:
    buyer = await subscribed(fleet, "orchard", "grove_taxed", card=card_in(fleet, "GB"))
    await buys(buyer, "FIFTH", "4.80", key="fifth")
    await buys(buyer, "THREE", "2.40", key="three")
    buyer.has_paid("12.00", "4.80", "2.40")
    assert buyer.customer.books()["tax"] == -(200 + 80 + 40)
    buyer.ends_well()


async def test_of_two_customers_at_once_one_gets_the_last_coupon(fleet: RunningFleet) -> None:
    one, other = [await subscribed(fleet, "orchard", "grove") for _ in range(2)]
    wanted = {"key": "last", "pack": "basket", "coupon": "GOLDEN"}

    answers = await asyncio.gather(*(buyer.ask("buy_pack", **wanted) for buyer in (one, other)))

    told = sorted((answer["status"], answer.get("reason", "")) for answer in answers)
    assert told == [("paid", ""), ("refused", "coupon_used_up")]
    paid = sorted(buyer.customer.paid() for buyer in (one, other))
    assert paid == [[1_000], [1_000, 250]]
    for buyer in (one, other):
        buyer.ends_well()
