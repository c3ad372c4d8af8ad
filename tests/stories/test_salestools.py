"""Salestools: one pool of credits for a team, packs that never expire, and what admins decide."""

from datetime import date, timedelta

import pytest

from tests.fleet import RunningFleet
from tests.stories.telling import Told, day, subscribed
from workflows import names

pytestmark = pytest.mark.long

FREE_ACTIONS = (
    "send_email",
    "linkedin_request",
    "linkedin_message",
    "view_dashboard",
    "manage_campaign",
    "manage_contact",
    "import_csv",
)
COSTS = {
    "ai_email": "1",
    "ai_reply": "1",
    "email_verification": "0.5",
    "linkedin_enrichment": "1",
    "ai_meeting": "1",
    "phone_lookup": "2",
    "company_enrichment": "1",
}


async def a_team(fleet: RunningFleet) -> Told:
    """Grace is the admin, Ada may use 200.5 credits a window, Bob nothing metered."""
    team = await subscribed(fleet, "salestools", "starter")
    await joins(team, "grace", role="admin")
    await joins(team, "ada", limits={"credits": "200.5"})
    await joins(team, "bob", restricted=True)
    return team


async def joins(team: Told, member: str, **fields: object) -> None:
    address = f"{member}@{team.customer.name}.example"
    answer = await team.ask(
        "set_member", member=member, name=member.title(), email=address, **fields
    )
    assert answer == {"status": "done", "member": member}


async def decides(team: Told, key: str, word: str, **fields: object) -> dict[str, object]:
    """Let Grace approve or refuse a request."""
    subscription = team.customer.life.handle.id.removeprefix("subscription:")
    request = team.customer.fleet.client.get_workflow_handle(
        names.approval_workflow(subscription, key)
    )
    return dict(await request.execute_update(word, {"by": "grace"} | fields))


async def test_each_action_costs_its_credits_and_at_zero_only_the_free_ones_go_on(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    for action, cost in COSTS.items():
        assert (await team.uses(action))["charged"] == {"credits": cost}
    await team.has("492.5")
    await team.uses_often("email_verification", 82, 12)
    await team.has("0.5")
    await team.uses("ai_email", refused="insufficient_credits")  # half a credit is not enough
    await team.uses("email_verification")
    await team.has("0")

    for action in FREE_ACTIONS:
        assert (await team.uses(action))["charged"] == {}
    for action in COSTS:
        await team.uses(action, refused="insufficient_credits")
    used = {row["action"]: row for row in await team.sees_report("usage")}
    assert all(used[action]["free events"] == "1" for action in FREE_ACTIONS)

    await team.buys_pack("pack_500", "25.00")  # at any time, and there at once
    await team.has("500")
    await team.uses("ai_email")
    team.ends_well()


async def test_the_allowance_resets_on_its_date_and_packs_go_oldest_first_and_never_expire(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter", begins="2027-01-31T10:00")
    await team.buys_pack("pack_5000", "175.00")  # 3.5 cents a credit: the cheapest, and oldest
    await team.lives_until("2027-02-01T10:00")
    await team.buys_pack("pack_500", "25.00")
    await team.buys_pack("pack_1000", "45.00")
    await team.buys_pack("pack_2500", "100.00")
    await team.uses_often("ai_email", 50, 10)
    assert _left(team) == [5_000, 500, 1_000, 2_500]  # the allowance went first
    await team.uses_often("ai_email", 50, 108)
    assert _left(team) == [0, 100, 1_000, 2_500]  # then the oldest pack, and some of the next
    await team.uses_often("ai_email", 20, 5)

    await team.lives_until("2027-02-28T10:00")  # the last day of a shorter month
    await team.has("4000")  # 500 are new; nothing else has moved
    await team.lives_until("2027-03-31T10:00")
    await team.has("4000")  # the unused allowance did not roll over, the packs stayed
    team.has_paid("29.00", "175.00", "25.00", "45.00", "100.00", "29.00", "29.00")
    team.ends_well()


def _left(team: Told) -> list[int]:
    query = "SELECT remaining / 1000000 FROM grants WHERE account_id = %s AND source = 'pack'"
    return [int(row[0]) for row in team.customer.rows(f"{query} ORDER BY grant_id")]


async def test_m01_starter_from_a_31st_resets_on_the_last_day_of_shorter_months(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter", begins="2027-01-31T10:00")
    await team.lives_until("2027-02-27")
    await team.uses_often("ai_email", 40, 8)
    await team.lives_until("2027-02-28T09:59:58")
    await team.has("180")
    await team.lives_until("2027-02-28T10:00")
    await team.has("500")
    await team.lives_until("2027-05-31T10:00")
    boundaries = ["01-31", "02-28", "03-31", "04-30", "05-31"]
    assert [begins for begins, *_ in team.customer.grants("allowance")] == [
        day(f"2027-{boundary}T10:00") for boundary in boundaries
    ]
    team.has_paid(*["29.00"] * 5)
    team.ends_well()


async def test_a_year_is_billed_once_at_ten_percent_less_and_its_credits_come_monthly(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter_yearly")
    await team.uses("email_verification", 100)
    await team.has("450")
    await team.lives_until("2027-02-01")
    await team.has("500")
    await team.lives_until("2027-12-31T23:00")
    team.has_paid("313.20")  # 12 months of $29.00, less 10 %
    await team.lives_until("2028-01-01")
    await team.has("500")
    team.has_paid("313.20", "313.20")
    team.ends_well()


async def test_an_upgrade_is_in_force_now_and_a_downgrade_with_the_next_cycle(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    await team.uses("ai_email", 50)
    preview = await team.customer.change_plan("professional", preview=True)
    upgrade = await team.customer.change_plan("professional")
    assert (upgrade["status"], upgrade["amount_minor"]) == ("changed", preview["amount_minor"])
    await team.has("1950")  # 1,500 more at once

    downgrade = await team.customer.change_plan("starter")
    assert downgrade["status"] == "scheduled"
    await team.has("1950")
    await team.lives_until("2027-02-01")
    await team.has("500")
    assert team.customer.paid()[-1] == 2900
    team.ends_well()


async def test_an_alert_at_a_fifth_comes_once_by_mail_and_in_the_product(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    await team.buys_pack("pack_500", "25.00")  # the base: 500 included + 500 bought in it
    await team.uses_often("ai_email", 50, 15)
    await team.uses("email_verification", 99)
    await team.has("200.5")
    assert "low_balance" not in team.customer.mails()
    await team.uses("email_verification")
    (notice,) = await team.finds_notices(1)
    assert (notice["available"], notice["base"]) == ("200", "1000")
    await team.finds_mail("200 credits left")
    await team.uses("ai_email", 50)  # below it, nobody is told again
    await team.finds_notices(1)
    team.ends_well()


async def test_two_thresholds_crossed_by_one_debit_are_one_alert_each(fleet: RunningFleet) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    thresholds = [{"percent": 95, "channel": "in_app"}, {"percent": 92, "channel": "email"}]
    await team.ask("set_alerts", alerts=thresholds)
    await team.uses("ai_email", 50)
    (in_product,) = await team.finds_notices(1)
    assert in_product["threshold"] == "95_percent"
    await team.finds_mail("450 credits left")
    assert team.customer.mails().count("low_balance") == 1
    team.ends_well()


async def test_a_team_shares_a_pool_in_which_each_has_limits(fleet: RunningFleet) -> None:
    team = await a_team(fleet)
    await team.uses("email_verification", 100, member="ada")
    await team.uses_often("ai_email", 50, 3, member="ada")
    await team.uses("ai_email", member="ada", refused="user_limit")  # 200 used, 0.5 left of it
    await team.uses("email_verification", member="ada")
    await team.uses("email_verification", member="ada", refused="user_limit")
    await team.uses("ai_email", member="bob", refused="member_restricted")
    for member in ("ada", "bob"):
        await team.uses("send_email", member=member)
    await team.uses("ai_email", 50, member="grace")  # no limit: the whole pool
    await team.has("249.5")

    await joins(team, "ada", limits={"credits": "10"})  # below what she has used
    await team.has("249.5")  # takes nothing back
    await team.uses("email_verification", member="ada", refused="user_limit")
    await team.lives_until("2027-02-01")  # limits are per window
    await team.uses("ai_email", 10, member="ada")
    await team.uses("email_verification", member="ada", refused="user_limit")
    team.ends_well()


async def test_what_is_held_counts_towards_a_members_limit(fleet: RunningFleet) -> None:
    team = await a_team(fleet)
    await joins(team, "ada", limits={"credits": "40"})
    work = await team.customer.event("30", "job", "ai_email") | {"tags": {"member": "ada"}}
    lapses = (await team.customer.life.now() + timedelta(hours=1)).isoformat()
    assert (await team.ask("hold", **work, lapses_at=lapses))["status"] == "held"
    await team.uses("ai_email", 11, member="ada", refused="user_limit")
    await team.uses("ai_email", 10, member="ada")
    await team.ask("release", key="job")
    await team.uses("ai_email", 30, member="ada")
    team.ends_well()


async def test_large_operations_wait_for_an_admin_and_members_ask_for_more(
    fleet: RunningFleet,
) -> None:
    team = await a_team(fleet)
    await team.uses("phone_lookup", 25, member="ada")  # 50 credits need nobody
    await team.uses("phone_lookup", 26, member="ada", refused="approval_required")
    lookup = await team.customer.event("40", "list-7", "phone_lookup") | {"member": "ada"}
    asked = await team.ask("request_approval", **lookup)
    assert (asked["status"], asked["credits"]) == ("waiting", "80")
    await team.has("450")  # it waits without a hold
    await team.finds_mail("Ada", to=f"grace@{team.customer.name}.example")

    assert (await decides(team, "list-7", "approve"))["status"] == "done"
    await team.has("370")  # held
    await team.ask("capture", key="list-7", quantity="35")
    await team.has("380")  # 70 taken, 10 given back

    await team.uses_often("ai_email", 40, 2, member="ada")
    await team.uses("ai_email", member="ada", refused="user_limit")
    await team.ask("request_credits", key="more", member="ada", credits="20")
    assert (await decides(team, "more", "approve"))["status"] == "done"
    await team.uses("ai_email", 20, member="ada")
    team.ends_well()


async def test_history_tells_who_used_what_for_which_campaign_and_what_it_brought(
    fleet: RunningFleet,
) -> None:
    team = await a_team(fleet)
    await team.uses("ai_email", 40, member="ada", campaign="ai")
    await team.uses("email_verification", 20, member="grace", campaign="templates")
    await team.uses("send_email", 300, member="grace", campaign="templates")
    await team.uses("meeting_booked", 8, campaign="ai")
    await team.uses("meeting_booked", 1, campaign="templates")
    await team.uses("reply_received", 10, campaign="ai")
    await team.lives_until("2027-01-10")
    await team.uses("ai_email", 5, member="ada", campaign="ai")

    by_action = {row["action"]: row["credits"] for row in await team.sees_report("usage")}
    assert (by_action["ai_email"], by_action["email_verification"]) == ("45", "10")
    first_week = {"first": date(2027, 1, 1), "until": date(2027, 1, 8)}
    by_campaign = await team.sees_report("usage-by-tag", tag="campaign", **first_week)
    assert {row["campaign"]: row["credits"] for row in by_campaign} == {
        "ai": "40",
        "templates": "10",
    }
    by_member = {row["member"]: row for row in await team.sees_report("usage-by-member")}
    assert (by_member["ada"]["credits"], by_member["grace"]["credits"]) == ("45", "10")
    mine = await team.sees_report("events", where=(("member", "ada"),))
    assert [row["credits"] for row in mine] == ["40", "5"]
    seen = await team.sees_team("ada")  # a member sees nobody else
    assert [(one["member"], one["used_this_window"]) for one in seen["members"]] == [("ada", "45")]
    exported = (await team.exports("usage")).splitlines()
    assert exported[0] == "action,quantity,credit type,events,free events,credits,late credits"
    assert exported[1] == "ai_email,45,credits,2,0,45,0"

    returns = {
        (row["campaign"], row["outcome"]): row["outcomes per credit"]
        for row in await team.sees_report("outcomes", tag="campaign")
    }
    assert returns["ai", "meeting_booked"] == "0.177778"  # 8 of 45 credits
    assert returns["templates", "meeting_booked"] == "0.1"
    (period,) = await team.sees_report("period")
    assert (period["used"], period["available"]) == ("55", "445")
    assert period["resets"].startswith("2027-02-01")
    team.ends_well()


async def test_invoices_go_to_finance_and_a_card_on_file_can_be_made_the_default(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    finance = f"finance@{team.customer.name}.example"
    await team.ask("set_finance_email", email=finance)
    await team.buys_pack("pack_500", "25.00")
    await team.finds_mail("Receipt", to=finance)
    pack, plan = (await team.ask("list_invoices"))["invoices"]
    assert [(one["amount_minor"], one["status"]) for one in (pack, plan)] == [
        (2500, "paid"),
        (2900, "paid"),
    ]
    assert plan["pdf"].startswith("http")
    await team.ask("mail_invoice", key="copy", invoice=plan["invoice"])
    await team.finds_mail("Invoice", to=finance)

    await team.customer.update_card("tok_mastercard")
    cards = (await team.ask("list_payment_methods"))["payment_methods"]
    visa = next(one for one in cards if one["card"].startswith("Visa"))
    assert not visa["default"]
    await team.ask("use_payment_method", payment_method=visa["payment_method"])
    cards = (await team.ask("list_payment_methods"))["payment_methods"]
    assert [one["card"] for one in cards if one["default"]] == ["Visa ···4242"]
    team.ends_well()


async def test_m13_packs_are_not_refunded_but_by_an_exception_of_support(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    await team.uses_often("ai_email", 50, 10)
    pack = await team.buys_pack("pack_1000", "45.00")
    await team.uses_often("ai_email", 50, 8)
    case = {"charge_id": pack["charge_id"], "reason": "closed their business", "by": "ann"}
    await team.is_told_no("not_refundable", "refund", key="a", amount_minor=2700, **case)
    above = await team.is_told_no(
        "above_refundable", "refund", key="b", amount_minor=2701, exception=True, **case
    )
    assert above["most_minor"] == 2700
    done = await team.ask("refund", key="c", amount_minor=2700, exception=True, **case)
    assert (done["status"], done["credits"]) == ("refunded", "600")
    await team.customer.life.settle()
    await team.has("0")
    assert team.customer.books()["refunds"] == -2700
