"""Zaplify: a prospect is unlocked once, for good and for the whole team; a year comes up front."""

import asyncio
from datetime import timedelta

import pytest

from tests.fleet import Json, RunningFleet
from tests.stories.telling import Told, subscribed

PEOPLE = ("ada", "ben", "cyd", "dan", "eve")
FREE_ACTIONS = ("move_prospect", "upload_prospects", "connection_request", "send_email")


async def a_team_of_five(fleet: RunningFleet, **limits: dict[str, str]) -> Told:
    team = await subscribed(fleet, "zaplify", "team_12000_yearly")
    for member in PEOPLE:
        more = {"limits": limits[member]} if member in limits else {}
        address = f"{member}@example.com"
        await team.ask("set_member", member=member, name=member.title(), email=address, **more)
    return team


async def unlocks(team: Told, prospect: str, member: str = "ada", **more: str) -> Json:
    return await team.uses("unlock_prospect", prospect=prospect, member=member, **more)


async def test_a_prospect_costs_one_credit_once_for_the_whole_team_for_ever(
    fleet: RunningFleet,
) -> None:
    team = await a_team_of_five(fleet)
    await unlocks(team, "P1")
    await team.has("11999")
    await unlocks(team, "P1", "ada", status="already_unlocked", campaign="second")
    await unlocks(team, "P1", "ben", status="already_unlocked")

    event = await team.customer.event("1", None, "unlock_prospect")
    wishes = [
        event | {"key": f"{who}-{event['key']}", "tags": {"prospect": "P2", "member": who}}
        for who in ("ada", "ben")
    ]
    both = await asyncio.gather(*(team.ask("consume", **wish) for wish in wishes))
    assert sorted(one["status"] for one in both) == ["already_unlocked", "debited"]
    assert sorted(one["charged"].get("credits", "0") for one in both) == ["0", "1"]
    await team.has("11998")

    for action in FREE_ACTIONS:
        assert (await team.uses(action, 3, member="ada"))["charged"] == {}
    await team.lives_until("2029-01-01")  # two years on it is still theirs
    await unlocks(team, "P1", "cyd", status="already_unlocked")
    await team.has("12000")
    team.ends_well()


async def test_what_was_unlocked_stays_free_at_zero_and_over_a_members_limit(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "zaplify", "team_500")
    await team.ask(
        "set_member", member="ada", name="Ada", email="ada@example.com", limits={"credits": "1"}
    )
    await unlocks(team, "P1")
    await unlocks(team, "P2", refused="user_limit")
    await unlocks(team, "P1", status="already_unlocked")
    like = await team.customer.event("1", None, "unlock_prospect")
    wishes = [
        like | {"key": f"{like['key']}-{number}", "tags": {"prospect": f"Q{number}"}}
        for number in range(499)
    ]
    await team.customer.life.record(wishes)
    await team.customer.life.settle()
    await team.has("0")
    await unlocks(team, "P2", "ben", refused="insufficient_credits")
    await unlocks(team, "P1", "ben", status="already_unlocked")
    for action in FREE_ACTIONS:
        await team.uses(action)
    team.ends_well()


async def _wish(team: Told, prospect: str) -> Json:
    event = await team.customer.event("1", None, "unlock_prospect")
    return event | {"tags": {"prospect": prospect}}


async def test_a_prospect_that_is_not_found_costs_nothing(fleet: RunningFleet) -> None:
    team = await subscribed(fleet, "zaplify", "team_500")
    lapses = (await team.customer.life.now() + timedelta(hours=1)).isoformat()
    search = await _wish(team, "P1") | {"lapses_at": lapses}
    assert (await team.ask("hold", **search))["status"] == "held"
    await team.has("499")
    assert (await team.ask("release", key=search["key"]))["status"] == "released"
    await team.has("500")
    await unlocks(team, "P1")  # found the next time: it is paid for only now
    await team.has("499")
    team.ends_well()


async def test_a_monthly_plan_is_refilled_and_a_year_comes_up_front(fleet: RunningFleet) -> None:
    monthly = await subscribed(fleet, "zaplify", "team_500")
    await unlocks(monthly, "P1")
    await monthly.lives_until("2027-02-01")
    await monthly.has("500")  # 499 did not roll over
    monthly.has_paid("49.00", "49.00")
    assert (await monthly.customer.change_plan("team_1000"))["status"] == "changed"  # by oneself
    await monthly.has("1000")
    monthly.ends_well()

    yearly = await subscribed(fleet, "zaplify", "team_12000_yearly")
    await unlocks(yearly, "P1")
    await yearly.lives_until("2027-12-31T23:00")
    await yearly.has("11999")  # usable throughout the year
    await yearly.lives_until("2028-01-01")
    await yearly.has("12000")
    yearly.has_paid("960.00", "960.00")
    yearly.ends_well()


@pytest.mark.parametrize(
    ("currency", "month", "pack", "larger"),
    [("JPY", "7300", "3700", "13300"), ("KWD", "15.000", "7.500", "27.250")],
)
async def test_a_team_pays_in_the_currency_that_it_chose_at_its_start(
    fleet: RunningFleet, currency: str, month: str, pack: str, larger: str
) -> None:
    team = await subscribed(fleet, "zaplify", "team_500", currency=currency)
    team.has_paid(month)
    bought = await team.buys_pack("one_time_100", pack)
    await team.uses("unlock_prospect", prospect="P1")
    await team.has("599")
    await team.lives_until("2027-02-01")
    await team.has("500")
    assert (await team.customer.change_plan("team_1000"))["status"] == "changed"
    await team.lives_until("2027-03-01")
    paid = team.customer.paid()
    assert [team.written(one) for one in (*paid[:3], paid[-1])] == [month, pack, month, larger]
    assert bought["currency"] == currency
    (row, *_) = await team.sees_report("charges")
    assert row["currency"] == currency
    team.ends_well()


async def test_a_team_sees_its_goal_what_is_left_and_what_each_used(fleet: RunningFleet) -> None:
    team = await a_team_of_five(fleet, ada={"credits": "3"})
    for prospect in ("P1", "P2"):
        await unlocks(team, prospect)
    await unlocks(team, "P3", "ben")
    await team.lives_until("2027-06-15")
    await unlocks(team, "P4", "ben")

    seen = await team.sees_team()
    assert seen["monthly_goal"] == "200"  # 12,000 ÷ 5 members ÷ 12 months
    assert seen["credits_left"] == "11996"
    ada, ben, *_ = seen["members"]
    assert (ada["used_this_period"], ada["limit"], ada["left"]) == ("2", "3", "1")
    assert (ben["used_this_period"], ben["limit"]) == ("2", None)
    team.ends_well()


async def test_referrals_bring_twenty_credits_once_and_never_for_oneself(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "zaplify", "team_500")
    assert (await team.ask("give_bonus", bonus="referral", invitee="friend"))["status"] == "given"
    await team.has("520")
    again = await team.ask("give_bonus", bonus="referral", invitee="friend")
    assert again["status"] == "repeated"
    itself = team.customer.name
    await team.is_told_no("own_referral", "give_bonus", bonus="referral", invitee=itself)
    await team.ask("give_bonus", bonus="referral", invitee="another")
    await team.has("540")
    await team.buys_pack("one_time_100", "25.00")
    await team.has("640")
    await team.lives_until("2027-02-01")  # with the period's end they are gone
    await team.has("500")
    later = await team.ask("give_bonus", bonus="referral", invitee="friend")
    assert later["status"] == "repeated"  # once is once
    await team.has("500")
    team.ends_well()
