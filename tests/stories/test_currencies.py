"""Make in yen and in dinars: no decimals and three, from the first charge to the reports."""

import pytest

from tests.fleet import Json, RunningFleet
from tests.stories.telling import Told, subscribed
from tests.stories.test_taxes import is_quoted

pytestmark = pytest.mark.long


async def in_japan(fleet: RunningFleet, **more: object) -> Told:
    return await subscribed(fleet, "make_japan", "core_10k", currency="JPY", **more)


async def in_kuwait(fleet: RunningFleet, plan: str = "core_10k", **more: object) -> Told:
    return await subscribed(fleet, "make_kuwait", plan, currency="KWD", **more)


async def test_an_upgrade_by_1_000_yen_with_ten_of_31_days_left_costs_323(
    fleet: RunningFleet,
) -> None:
    maker = await in_japan(fleet)
    maker.has_paid("1480")
    await maker.finds_mail("Welcome")
    await maker.lives_until("2027-01-22")

    shown = await maker.customer.change_plan("core_25k", preview=True)
    assert (shown["amount_minor"], shown["currency"]) == (323, "JPY")
    done = await maker.ask("change_plan", plan="core_25k", expected_minor=323)
    assert (done["status"], done["amount_minor"]) == ("changed", 323), done
    await maker.has("25000")
    mail = await maker.finds_mail("Your plan is now Core 25,000")
    assert "¥323" in mail["text"]

    await maker.lives_until("2027-02-01")
    maker.has_paid("1480", "323", "2480")
    receipt = await maker.finds_mail("¥2,480")
    assert "¥2,480" in receipt["text"]
    maker.ends_well()


async def test_extras_in_yen_by_hand_and_by_the_switch(fleet: RunningFleet) -> None:
    maker = await in_japan(fleet)
    assert (await is_quoted(maker, "1000"))["amount_minor"] == 148
    await maker.buys(1_000, "148")
    await maker.ask("set_auto_purchase", on=True)
    await maker.uses("operation", 11_000)  # all is used: 10,000 are bought at 30 % more
    await maker.is_now("active")
    await maker.has("10000")
    maker.has_paid("1480", "148", "1924")
    receipt = await maker.finds_mail("¥1,924")
    for amount in ("¥1,480", "¥444"):
        assert amount in receipt["text"]
    maker.ends_well()


async def test_a_pack_in_yen_is_given_back_by_what_is_unused_of_it(fleet: RunningFleet) -> None:
    maker = await in_japan(fleet)
    await maker.buys_pack("block", "700")
    await maker.uses("operation", 11_234)  # 1,234 of the pack's 5,000: ¥527 and some are unused
    back = await gives_back(maker, 527)
    assert "¥527" in back["text"]
    maker.ends_well()


async def test_a_declined_purchase_in_yen_pauses_and_the_next_card_pays_it(
    fleet: RunningFleet,
) -> None:
    maker = await in_japan(fleet, auto=True)
    maker.customer.fault("decline", count=1)
    await maker.uses("operation", 10_000)
    await maker.is_now("paused")
    mail = await maker.finds_mail("Action needed")
    assert "¥1,924" in mail["text"]
    seen = await maker.customer.life.handle.query("__temporal_workflow_metadata")
    for told in ("¥1,924 for the auto-purchase", "¥1,480"):
        assert told in seen.current_details, seen.current_details
    await maker.customer.update_card()
    await maker.is_now("active")
    maker.has_paid("1480", "1924")
    await maker.customer.cancel()
    await maker.lives_until("2027-02-01")
    maker.has_paid("1480", "1924")
    maker.ends_well()


async def test_a_dinar_price_that_is_declined_at_the_renewal_is_told_and_paid_whole(
    fleet: RunningFleet,
) -> None:
    maker = await in_kuwait(fleet, "core_40k")
    maker.customer.fault("decline", count=1)
    await maker.lives_until("2027-02-01")
    await maker.is_now("past_due")
    mail = await maker.finds_mail("We couldn't charge your")
    assert "KWD 18.600" in mail["text"].replace("\N{NO-BREAK SPACE}", " ")
    await maker.customer.update_card()
    await maker.is_now("active")
    maker.has_paid("18.600", "18.600")
    maker.ends_well()


async def test_a_dinar_amount_is_shown_and_charged_in_tens(fleet: RunningFleet) -> None:
    maker = await in_kuwait(fleet)
    maker.has_paid("6.250")
    await maker.lives_until("2027-01-22")
    shown = await maker.customer.change_plan("core_40k", preview=True)
    assert shown["amount_minor"] == 3_980  # ten of 31 parts of 12.350 are 3.983…
    await maker.ask("change_plan", plan="core_40k", expected_minor=3_980)
    mail = await maker.finds_mail("Your plan is now Core 40,000")
    assert "KWD 3.98" in mail["text"].replace("\N{NO-BREAK SPACE}", " ")

    assert (await is_quoted(maker, "1000"))["amount_minor"] == 470  # a 40th of 18.600 is 0.465
    await maker.buys(1_000, "0.470")
    maker.has_paid("6.250", "3.980", "0.470")
    await maker.lives_until("2027-02-01")
    maker.has_paid("6.250", "3.980", "0.470", "18.600")
    maker.ends_well()


async def test_the_switch_buys_in_dinars_with_a_surcharge_in_tens(fleet: RunningFleet) -> None:
    maker = await in_kuwait(fleet, "core_40k")
    switched = await maker.ask("set_auto_purchase", on=True)
    assert switched["status"] == "done"
    await maker.uses("operation", 40_000)
    await maker.is_now("active")
    await maker.has("10000")
    maker.has_paid("18.600", "6.050")  # 4.650 and 30 %: 6.045
    receipt = await maker.finds_mail("6.05")
    text = receipt["text"].replace("\N{NO-BREAK SPACE}", " ")
    for amount in ("KWD 4.65", "KWD 1.4"):
        assert amount in text, text
    maker.ends_well()


async def test_a_pack_in_dinars_is_given_back_in_tens(fleet: RunningFleet) -> None:
    maker = await in_kuwait(fleet)
    await maker.buys_pack("block", "2.500")
    await maker.uses("operation", 11_234)  # 3,766 of 5,000 are unused: KWD 1.883
    pack = charge_of(maker)
    case = {"charge_id": pack, "reason": "not needed", "by": "ann"}
    no = await maker.is_told_no("above_refundable", "refund", key="a", amount_minor=1_883, **case)
    assert no["most_minor"] == 1_880
    await maker.is_told_no("invalid_amount", "refund", key="b", amount_minor=1_005, **case)
    back = await gives_back(maker, 1_880)
    assert "KWD 1.88" in back["text"].replace("\N{NO-BREAK SPACE}", " ")
    maker.ends_well()


@pytest.mark.parametrize("country", ["japan", "kuwait"])
async def test_reports_and_files_have_each_currency_with_its_own_decimals(
    fleet: RunningFleet, country: str
) -> None:
    maker = await {"japan": in_japan, "kuwait": in_kuwait}[country](fleet)
    price, pack = {"japan": ("1480", "700"), "kuwait": ("6.250", "2.500")}[country]
    await maker.buys_pack("block", pack)
    charges = await maker.sees_report("charges")
    assert [(one["currency"], one["paid"]) for one in charges] == [
        (maker.currency, pack),
        (maker.currency, price),
    ]
    moved = await maker.sees_report("movement")
    assert {one["currency"] for one in moved} == {maker.currency}
    assert f",{maker.currency}," in await maker.exports("charges")
    maker.ends_well()


def charge_of(maker: Told) -> str:
    """Return the charge of the pack."""
    query = "SELECT charge_id FROM charges WHERE account_id = %s AND kind = 'pack'"
    ((charge,),) = maker.customer.rows(query)
    return str(charge)


async def gives_back(maker: Told, minor: int) -> Json:
    """Refund all of the pack that is unused, at the amount that is shown first; return the mail."""
    case = {"charge_id": charge_of(maker), "amount_minor": "all", "reason": "unused", "by": "ann"}
    shown = await maker.ask("refund", key="back", preview=True, **case)
    done = await maker.ask("refund", key="back", **case)
    assert (shown["amount_minor"], done["status"], done["amount_minor"]) == (
        minor,
        "refunded",
        minor,
    )
    assert maker.customer.books()["refunds"] == -minor
    return await maker.finds_mail("We refunded")


async def test_a_list_in_four_currencies_is_reported_in_each_and_summed_in_none(
    fleet: RunningFleet,
) -> None:
    prices = {"USD": "9.00", "EUR": "8.50", "JPY": "1480", "KWD": "2.750"}
    for currency, price in prices.items():
        maker = await subscribed(fleet, "make_world", "core_10k", currency=currency)
        maker.has_paid(price)
        renewal = await maker.lives_until("2027-02-01")
        assert renewal["status"] == "active"
        maker.has_paid(price, price)
        for name in ("charges", "movement", "liability"):
            rows = await maker.sees_report(name)
            assert {one["currency"] for one in rows} == {currency}, name
        maker.ends_well()
