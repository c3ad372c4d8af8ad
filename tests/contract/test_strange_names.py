"""Unknown names, or names like the ledger's own: refused with a reason, moving nothing."""

import json
from typing import Any

import pytest

from domain.reasons import CURES
from local.patience import until
from tests.contract.messages import AT, EVENT, LATER, NOTE, send
from tests.fleet import Customer, RunningFleet

ADA = {"member": "ada", "name": "Ada\nBcc: x@y", "email": "ada@example.com"}
DAY_BEFORE = "2026-12-31T00:00:00Z"
EMAIL = EVENT | {"action": "ai_email"}
MOST = str(10**12)


@pytest.fixture(scope="module")
async def team(fleet: RunningFleet) -> Customer:
    customer = await fleet.subscribe("starter", catalog="salestools")
    limited = ADA | {"limits": {"credits": MOST}}
    assert (await customer.life.ask("set_member", limited))["status"] == "done"
    return customer


@pytest.mark.parametrize(
    ("name", "message", "reason"),
    [
        ("capture", {"key": "never", "quantity": "1"}, "unknown_hold"),
        ("extend", {"key": "never", "lapses_at": LATER}, "unknown_hold"),
        ("release", {"key": "never"}, "unknown_hold"),
        ("hold", EMAIL | {"lapses_at": DAY_BEFORE}, "invalid_lapse"),
        ("hold", EMAIL | {"lapses_at": LATER, "event_at": LATER}, "event_in_future"),
        ("hold", EMAIL | {"lapses_at": LATER, "action": "dance"}, "unknown_action"),
        ("consume", EMAIL | {"quantity": MOST, "action": "phone_lookup"}, "invalid_quantity"),
        ("consume", EMAIL | {"quantity": MOST}, "approval_required"),
        ("buy_pack", {"key": "k", "pack": "pack_1"}, "not_in_plan"),
        ("buy_pack", {"key": "k", "pack": "pack_5000", "count": 0}, "invalid_count"),
        ("buy_credits", {"key": "k", "credits": "1000"}, "not_in_plan"),
        ("give_bonus", {"bonus": "referral", "invitee": "grace"}, "unknown_bonus"),
        ("refund", {"key": "k", "charge_id": "none", "amount_minor": 1, **NOTE}, "unknown_charge"),
        ("adjust_credits", {"key": "k", "credits": MOST, **NOTE}, "approval_required"),
        (
            "adjust_credits",
            {"key": "k", "credits": MOST, **NOTE, "approved_by": "grace"},
            "invalid_quantity",
        ),
        ("set_member", ADA | {"limits": {"gold": "1"}}, "unknown_credit_type"),
        ("set_member", ADA | {"limits": {"a\x00b": "1"}}, "unknown_credit_type"),
        ("set_member", ADA | {"limits": {"\ud800" * 201: "1"}}, "unknown_credit_type"),
        ("remove_member", {"member": "credits"}, "unknown_member"),
        (
            "request_approval",
            EMAIL | {"quantity": "51", "member": "nobody"},
            "unknown_member",
        ),
        ("request_approval", EMAIL | {"member": "ada"}, "approval_not_needed"),
        ("request_approval", EMAIL | {"member": "ada", "action": "dance"}, "unknown_action"),
        (
            "request_approval",
            EMAIL | {"member": "ada", "quantity": MOST, "action": "phone_lookup"},
            "invalid_quantity",
        ),
        ("request_credits", {"key": "k", "member": "nobody", "credits": "1"}, "unknown_member"),
        (
            "request_credits",
            {"key": "k", "member": "ada", "credits": "1", "credit_type": "gold"},
            "unknown_credit_type",
        ),
        ("change_plan", {"plan": "starter"}, "same_plan"),
        ("migrate_plan", {"version": 10**30}, "unknown_plan"),
        ("mail_invoice", {"key": "k", "invoice": "in_none"}, "unknown_invoice"),
        ("use_payment_method", {"payment_method": "pm_none"}, "unknown_payment_method"),
    ],
)
async def test_what_nobody_has_is_refused_by_name(
    team: Customer, name: str, message: dict[str, Any], reason: str
) -> None:
    before = rows(team)

    assert await send(team, name, json.dumps(message)) == reason

    assert rows(team) == before
    assert reason in CURES


def rows(customer: Customer) -> list[Any]:
    return [
        customer.rows(f"SELECT * FROM {table} WHERE account_id = %s ORDER BY 2, 3")
        for table in ("entries", "charges", "counters", "holds", "refunds", "approvals", "members")
    ]


LOOKALIKES = (
    *("raised:member:ada@credits", "debt:credits", "alert:20_percent", "consent:ai_email:credits"),
    *("ada@credits", "member:ada@credits", "once:ai_email:x", "carry:ai_email:credits:1/3"),
)


async def test_a_tag_that_looks_like_a_counter_moves_only_its_own_member_s(team: Customer) -> None:
    before = counters(team)
    for number, tag in enumerate(LOOKALIKES):
        event = EMAIL | {"key": f"lookalike-{number}", "quantity": "0.000001", "event_at": AT}
        answer = await team.life.ask("consume", event | {"tags": {"member": tag}})
        assert answer["status"] == "debited"

    moved = {name: value for name, value in counters(team).items() if before.get(name) != value}
    assert moved == {f"member:{tag}@credits": 1 for tag in LOOKALIKES}
    team.check()


def counters(customer: Customer) -> dict[str, int]:
    return {
        row[0]: row[1]
        for row in customer.rows("SELECT counter, value FROM counters WHERE account_id = %s")
    }


async def test_no_name_of_a_member_stops_the_mails_about_a_request(team: Customer) -> None:
    grace = {"member": "grace", "name": "G\r\nTo: x@y", "email": "grace@example.com"}
    await team.life.ask("set_member", grace | {"role": "admin"})
    wish = EMAIL | {"key": "mails", "member": "ada", "quantity": "60", "note": "a\nb"}

    assert (await team.life.ask("request_approval", wish))["status"] == "waiting"

    again = await team.life.ask("request_approval", wish | {"quantity": "61"})
    assert again["reason"] == "idempotency_conflict"

    async def asked() -> list[Any]:
        return team.rows(
            "SELECT delivered_at, refused FROM outbox WHERE account_id = %s"
            " AND payload -> 'mail' ->> 'kind' = 'approval_asked'"
        )

    def sent(mails: list[Any]) -> bool:
        return bool(mails) and all(at for at, _ in mails)

    mails = await until(asked, sent, "the mail about a request")
    assert [why for at, why in mails if at] == [None]


async def test_an_event_of_any_price_is_answered(fleet: RunningFleet) -> None:
    busy = await fleet.subscribe("growth", catalog="schematic")
    for action in ("hd_transcoding", "live_transcoding", "booking_page", "events"):
        answer = await busy.use(MOST, action=action)
        assert answer["status"] == "refused"
        assert answer["reason"] in ("invalid_quantity", "insufficient_credits"), answer
    assert (await busy.use("1", action="pdf"))["status"] == "debited"
    busy.check()
