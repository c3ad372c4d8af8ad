"""A team's report and its members' limits, on the real workflow."""

from typing import Any

import pytest

from activities.teams.overview import team
from commands.teams import team_sheet
from domain.errors import InvalidInput
from tests.fleet import BEGINS, Customer, RunningFleet

PEOPLE = ("ada", "bob", "cyd", "dan", "eve")


async def five_people(fleet: RunningFleet) -> Customer:
    customer = await fleet.subscribe("team_12000_yearly", catalog="zaplify")
    for member in PEOPLE:
        message: dict[str, Any] = {"member": member, "name": member.title()}
        message |= {"email": f"{member}@example.com"}
        if member == "ada":
            message |= {"role": "admin", "limits": {"credits": "2"}}
        assert (await customer.life.ask("set_member", message))["status"] == "done"
    return customer


async def unlock(customer: Customer, prospect: str, member: str) -> dict[str, Any]:
    event = await customer.event("1", None, "unlock_prospect")
    tags = {"member": member, "prospect": prospect}
    return await customer.life.ask("consume", event | {"tags": tags})


def seen(customer: Customer, member: str | None = None) -> dict[str, Any]:
    with customer.fleet.engine.connect() as connection:
        return team(connection, customer.account_id, BEGINS, member)


async def test_a_team_sees_its_monthly_goal_and_who_used_what(fleet: RunningFleet) -> None:
    customer = await five_people(fleet)
    for prospect in ("P1", "P2", "P3"):
        await unlock(customer, prospect, "ada")
    await unlock(customer, "P3", "bob")

    found = seen(customer)

    assert (found["monthly_goal"], found["granted_this_period"]) == ("200", "12000")
    assert found["credits_left"] == "11997"
    ada, bob, *others = found["members"]
    assert (ada["used_this_window"], ada["limit"], ada["left"]) == ("2", "2", "0")
    assert (bob["used_this_period"], bob["limit"], bob["left"]) == ("1", None, None)
    assert [one["used_this_period"] for one in others] == ["0", "0", "0"]
    assert "200 per member and month" in team_sheet(found).notes[0]
    assert team_sheet(found).rows[0][:6] == ("ada", "admin", "2", "2", "0", "2")
    assert team_sheet(found).rows[0][6] == ada["limit_since"]
    assert (ada["limit_since"][:10], bob["limit_since"]) == (f"{BEGINS:%Y-%m-%d}", None)


async def test_a_member_sees_only_their_own(fleet: RunningFleet) -> None:
    customer = await five_people(fleet)
    await unlock(customer, "P1", "bob")

    found = seen(customer, "bob")

    assert [one["member"] for one in found["members"]] == ["bob"]
    assert found["monthly_goal"] == "200"
    with pytest.raises(InvalidInput, match="no member"):
        seen(customer, "a stranger")


async def test_unlocked_again_is_free_over_a_limit_too(fleet: RunningFleet) -> None:
    customer = await five_people(fleet)
    for prospect in ("P1", "P2"):
        await unlock(customer, prospect, "ada")

    assert (await unlock(customer, "P3", "ada"))["reason"] == "user_limit"
    assert (await unlock(customer, "P1", "ada"))["status"] == "already_unlocked"


@pytest.mark.parametrize("quantity", ["0.000001", "2"])
async def test_a_prospect_is_used_held_and_asked_for_whole(
    fleet: RunningFleet, quantity: str
) -> None:
    customer = await five_people(fleet)
    event = await customer.event(quantity, None, "unlock_prospect")
    event |= {"tags": {"member": "bob", "prospect": "P1"}}

    answers = [
        await customer.life.ask("consume", event),
        await customer.life.ask("hold", event | {"lapses_at": "2099-01-01T00:00:00Z"}),
        await customer.life.ask("request_approval", event | {"member": "bob"}),
    ]

    assert [one["reason"] for one in answers] == ["quantity_not_one"] * 3
    assert (await unlock(customer, "P1", "bob"))["status"] == "debited"


async def test_who_was_removed_uses_nothing_metered_and_changes_the_goal(
    fleet: RunningFleet,
) -> None:
    customer = await five_people(fleet)
    await unlock(customer, "P1", "eve")

    assert (await customer.life.ask("remove_member", {"member": "eve"}))["status"] == "done"

    again = await customer.life.ask("remove_member", {"member": "eve"})
    assert again["reason"] == "member_removed"
    assert (await unlock(customer, "P2", "eve"))["reason"] == "member_removed"
    assert (await unlock(customer, "P1", "eve"))["status"] == "already_unlocked"
    assert seen(customer)["monthly_goal"] == "250"
    with pytest.raises(InvalidInput, match="was removed"):
        seen(customer, "eve")
    assert (
        await customer.life.ask(
            "set_member", {"member": "eve", "name": "Eve", "email": "eve@example.com"}
        )
    )["status"] == "done"
    assert (await unlock(customer, "P2", "eve"))["status"] == "debited"
