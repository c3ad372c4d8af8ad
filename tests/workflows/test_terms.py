"""Quotas before a wallet, consent, unlocking once, members, and what an action does at zero."""

from datetime import UTC, datetime

from tests.fleet import Customer, Json, RunningFleet

FEBRUARY = datetime(2027, 2, 1, 12, tzinfo=UTC)


async def consume(
    customer: Customer, key: str, action: str, quantity: str = "1", **more: object
) -> Json:
    return await customer.life.ask("consume", await customer.event(quantity, key, action) | more)


async def test_m15_the_quota_pays_first_and_the_wallet_once_it_is_agreed_to(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("growth", catalog="scalenut")
    await customer.life.ask("buy_credits", {"key": "wallet", "credits": "10"})
    await consume(customer, "docs", "seo_doc", "30")
    await consume(customer, "words", "ai_words", "199500")

    asked = await consume(customer, "w1", "ai_words", "1500")
    agreed = await consume(customer, "w1", "ai_words", "1500", confirmed=True)
    doc = await consume(customer, "d1", "seo_doc")
    bought = await consume(customer, "d1", "seo_doc", confirmed=True)
    word = await consume(customer, "w2", "ai_words")
    rest = await consume(customer, "w3", "ai_words", "2999")
    none = await consume(customer, "w4", "ai_words")

    assert asked["reason"] == "confirmation_required"
    assert asked["asked"] == {"credits": {"usd_wallet": "2"}}
    assert agreed["charged"] == {"ai_word_quota": "500", "usd_wallet": "2"}
    assert (doc["reason"], bought["charged"]) == ("confirmation_required", {"usd_wallet": "2"})
    assert (word["charged"], word["available"]) == ({"usd_wallet": "0.002"}, "5.998")
    assert (rest["charged"], rest["available"]) == ({"usd_wallet": "5.998"}, "0")
    assert none["reason"] == "insufficient_credits"
    customer.check()


async def test_m09_a_prospect_is_unlocked_once_by_whoever_asks(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("team_500", catalog="zaplify")

    def tags(prospect: str, member: str) -> Json:
        return {"tags": {"prospect": prospect, "member": member}}

    event = await customer.event("1", "a", "unlock_prospect") | tags("p1", "u1")
    first = await customer.life.ask("consume", event)
    again = await consume(customer, "b", "unlock_prospect", **tags("p1", "u2"))
    repeat = await customer.life.ask("consume", event)
    unnamed = await consume(customer, "c", "unlock_prospect")

    assert (first["status"], first["charged"], first["available"]) == (
        "debited",
        {"credits": "1"},
        "499",
    )
    assert (again["status"], again["charged"], again["available"]) == (
        "already_unlocked",
        {},
        "499",
    )
    assert (repeat["status"], repeat["charged"]) == ("repeated", {"credits": "1"})
    assert unnamed["reason"] == "missing_object"
    customer.check()


async def test_an_action_that_prompts_is_bought_for_when_a_person_agrees(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")
    left = (await customer.life.status())["available"]
    await consume(customer, "all", "pdf", left)

    asked = await consume(customer, "e1", "export")
    agreed = await consume(customer, "e1", "export", confirmed=True)

    assert asked["reason"] == "confirmation_required"
    assert agreed["status"] == "debited", agreed
    assert customer.paid()[1:] == [asked["asked"]["purchase"]["amount_minor"]]
    customer.check()


async def test_what_the_credits_do_not_cover_is_served_as_something_cheaper(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")
    left = (await customer.life.status())["available"]
    await consume(customer, "all", "pdf", str(int(left) - 5))

    served = await consume(customer, "film", "hd_transcoding", "60")

    assert (served["status"], served["served_as"], served["charged"]) == (
        "debited",
        "sd_transcoding",
        {"credits": "4"},
    )
    customer.check()


async def test_an_overdraft_serves_on_credit_and_the_next_allowance_repays_it(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("scale", catalog="schematic")
    left = (await customer.life.status())["available"]
    await consume(customer, "all", "pdf", left)

    refused = await consume(customer, "test", "test_run")
    served = await consume(customer, "build", "build_minute", "300")
    beyond = await consume(customer, "more", "build_minute", "201")
    await customer.pass_until(FEBRUARY)

    assert refused["reason"] == "insufficient_credits"
    assert (served["status"], served["charged"], served["available"]) == (
        "debited",
        {"credits": "300"},
        "0",
    )
    assert (beyond["reason"], beyond["missing"]) == ("insufficient_credits", "1")
    assert (await customer.life.status())["available"] == "24700"
    again = await consume(customer, "full", "build_minute", "25200")
    assert again["status"] == "debited"
    customer.check()
