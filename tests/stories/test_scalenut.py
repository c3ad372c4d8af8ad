"""Scalenut: monthly quotas first, then a wallet in dollars that never spends unasked."""

from tests.fleet import RunningFleet
from tests.stories.telling import subscribed

WALLET, WORDS = "usd_wallet", "ai_word_quota"


async def test_the_quota_pays_first_and_the_wallet_the_rest_once_somebody_agreed(
    fleet: RunningFleet,
) -> None:
    writer = await subscribed(fleet, "scalenut", "growth")
    await writer.buys(10, "10.00")
    await writer.uses("seo_doc", 30)
    await writer.uses("ai_words", 199_500)
    await writer.has("500", of=WORDS)

    asked = await writer.uses("ai_words", 1_500, key="job", refused="confirmation_required")
    assert asked["asked"] == {"credits": {WALLET: "2"}}
    await writer.has("500", of=WORDS)  # unconfirmed, nothing moves
    await writer.has("10", of=WALLET)
    job = await writer.uses("ai_words", 1_500, key="job", confirmed=True)
    assert job["charged"] == {WORDS: "500", WALLET: "2"}

    await writer.uses("seo_doc", refused="confirmation_required")  # another action is asked for
    await writer.uses("seo_doc", confirmed=True)
    await writer.has("6", of=WALLET)
    await writer.uses("ai_words", 1)  # agreed to already in this window
    await writer.has("5.998", of=WALLET)  # never rounded to cents
    await writer.uses("ai_words", 3_000, refused="insufficient_credits")  # $6: the whole job
    await writer.has("5.998", of=WALLET)
    await writer.uses("ai_words", 2_999)
    await writer.has("0", of=WALLET)
    await writer.uses("ai_words", 1, refused="insufficient_credits")
    writer.has_paid("79.00", "10.00")
    writer.ends_well()


async def test_quotas_come_again_each_month_the_wallet_stays_and_is_asked_for_again(
    fleet: RunningFleet,
) -> None:
    writer = await subscribed(fleet, "scalenut", "growth")
    await writer.buys(10, "10.00")
    await writer.uses("seo_doc", 31, confirmed=True)
    await writer.lives_until("2027-02-01")
    await writer.has("30", of="seo_doc_quota")
    await writer.has("200000", of=WORDS)
    await writer.has("8", of=WALLET)
    await writer.uses("seo_doc", 30)
    await writer.uses("seo_doc", refused="confirmation_required")  # a new window asks anew
    await writer.lives_until("2027-06-01")
    await writer.has("8", of=WALLET)  # never expires

    # The page of transactions: what was recharged, what was used, what is left.
    lines = [line for line in await writer.sees_report("statement") if WALLET in line.values()]
    assert [line["kind"] for line in lines] == ["opening", "grant", "debit", "closing"]
    writer.ends_well()


async def test_essential_may_spend_the_wallet_but_not_fill_it_and_free_keeps_it_frozen(
    fleet: RunningFleet,
) -> None:
    writer = await subscribed(fleet, "scalenut", "growth")
    await writer.buys(10, "10.00")
    await writer.customer.change_plan("essential")
    await writer.lives_until("2027-02-01")
    await writer.is_told_no("not_in_plan", "buy_credits", key="more", credits="10")
    await writer.uses("seo_doc", 6, confirmed=True)  # 5 of the quota, 1 of the wallet
    await writer.has("8", of=WALLET)

    await writer.customer.change_plan("free")
    await writer.lives_until("2027-03-01")
    await writer.is_told_no("not_in_plan", "buy_credits", key="more", credits="10")
    await writer.uses("seo_doc", confirmed=True, refused="insufficient_credits")
    await writer.has("0", of=WALLET)  # frozen
    assert (await writer.sees_meter())["available"][WALLET] == "0"

    assert (await writer.customer.change_plan("pro"))["status"] == "changed"
    await writer.has("8", of=WALLET)  # kept all the while
    await writer.buys(5, "5.00")
    writer.ends_well()


async def test_the_wallet_buys_listed_actions_and_no_plan_nor_anything_of_a_marketplace(
    fleet: RunningFleet,
) -> None:
    writer = await subscribed(fleet, "scalenut", "growth")
    await writer.buys(500, "500.00")
    await writer.uses("marketplace_order", confirmed=True, refused="unknown_action")
    upgrade = await writer.customer.change_plan("pro")
    assert upgrade["status"] == "changed"
    await writer.has("500", of=WALLET)  # the card paid for the plan
    assert len(writer.customer.paid()) == 3
    writer.ends_well()
