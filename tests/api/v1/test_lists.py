"""Lists through the door: stable pages, filters, tables that no spreadsheet runs."""

import csv
import io
from datetime import timedelta

import pytest

from domain.payments.charges import Charge, ChargeKind, ChargeLine
from domain.teams.approvals import ApprovalRequest, Kind
from domain.teams.members import Member, Role
from ledger import accounts, grants
from ledger.notifications import notices
from ledger.teams import approvals, members
from ledger.usage import debits
from tests.builders import NOON, START, a_grant, an_event, micro, use

LISTS = ("entries", "grants", "charges", "invoices", "notices", "approvals", "members",
         "payment_methods")  # fmt: skip
SECOND = timedelta(seconds=1)
MOST = (("credits", micro(500)),)


def path_of(wallet, rest):
    return f"/customers/{wallet.customer_id}/{rest}"


async def page(door, wallet, name, **params):
    answer = await door.get(path_of(wallet, name), params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def pages(door, wallet, name, *, meanwhile=None, **params):
    """Return all ids, page by page; `meanwhile` runs between two pages."""
    found, more = [], {}
    while True:
        body = await page(door, wallet, name, **params, **more)
        found += [one["id"] for one in body["items"]]
        if not body["has_more"]:
            return found
        more = {"starting_after": found[-1]}
        if meanwhile:
            meanwhile()


@pytest.fixture
def lived(customer, engine):
    """A customer with something in every list, several of each at one instant."""
    wallet = customer(1_000, "salestools", "starter")
    with engine.begin() as connection:
        for number in range(5):
            who = f"m{number}"
            one = Member(
                who, who, f"{who}@example.com", Role.MEMBER, limits=(("credits", micro(500)),)
            )
            members.put(connection, wallet.account_id, one, ["credits"], START)
            approvals.ask(
                connection,
                wallet.account_id,
                wallet.subscription_id,
                wish=ApprovalRequest(
                    f"k{number}", Kind.CREDITS, who, credit_type="credits", amount_micro=micro(7)
                ),
                waits=timedelta(days=7),
                at=NOON,
            )
            notices.put(connection, wallet.account_id, f"n{number}", "low_balance", {}, NOON)
            bonus = a_grant(key=f"{wallet.customer_id}-{number}")
            grants.give(connection, wallet.account_id, bonus, NOON)
        for number in range(30):
            tags = (
                ("campaign", "spring" if number % 3 else "autumn"),
                ("member", f"m{number % 5}"),
            )
            event = an_event(
                wallet.account_id, 1, action="ai_email" if number % 2 else "lookup", tags=tags
            )
            at = NOON + (number // 4) * SECOND
            assert debits.debit(connection, [event], at)[0].status == "debited"
    return wallet


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 7])
async def test_pages_read_while_things_happen_are_one_long_page(door, lived, engine, name, limit):
    number = iter(range(1_000))

    def live():
        which = next(number)
        with engine.begin() as connection:
            at = NOON + timedelta(minutes=1)
            use(connection, lived, 1, at=at)
            bonus = a_grant(key=f"{lived.customer_id}-{limit}-more-{which}")
            grants.give(connection, lived.account_id, bonus, at)
            notice = f"later-{limit}-{which}"
            notices.put(connection, lived.account_id, notice, "low_balance", {}, at)

    before = await pages(door, lived, name, limit=100)
    assert len(set(before)) == len(before)
    assert await pages(door, lived, name, limit=limit, meanwhile=live) == before
    live()
    if name in ("entries", "grants", "notices"):
        assert len(await pages(door, lived, name, limit=100)) > len(before)


async def test_entries_are_chosen_by_action_member_tag_and_time(door, lived):
    async def found(**params):
        return (await page(door, lived, "entries", limit=100, **params))["items"]

    assert len(await found(action="ai_email")) == 15
    assert len(await found(member="m1")) == 6
    assert len(await found(tag="campaign:autumn")) == 10
    both = await found(tag="campaign:autumn", member="m0", action="lookup")
    assert {one["tags"]["campaign"] for one in both} == {"autumn"}
    assert {one["tags"]["member"] for one in both} == {"m0"}
    timed = {"from": (NOON + SECOND).isoformat(), "to": (NOON + 3 * SECOND).isoformat()}
    inside = await found(**timed)
    assert len(inside) == 8
    assert {one["at"] for one in inside} == {
        (NOON + SECOND).isoformat(),
        (NOON + 2 * SECOND).isoformat(),
    }
    first = (await found())[0]
    assert (first["kind"], first["credits"], first["source"]) == ("debit", "-1", "bonus")


async def test_lists_are_chosen_by_what_their_items_are(door, lived, engine):
    with engine.begin() as connection:
        notices.mark_read(connection, lived.account_id, ["n1", "n2"], NOON)
    unread = await pages(door, lived, "notices", unread="true", limit=2)
    assert unread == ["n4", "n3", "n0"]
    assert await pages(door, lived, "approvals", member="m3") == ["k3"]
    assert await pages(door, lived, "approvals", state="approved") == []
    given = (await page(door, lived, "grants", source="allowance"))["items"]
    assert [one["granted"] for one in given] == ["1000"]
    (charged,) = (await page(door, lived, "charges"))["items"]
    assert (charged["kind"], charged["state"], charged["amount_minor"]) == ("period", "paid", 900)
    (invoice,) = (await page(door, lived, "invoices"))["items"]
    assert invoice["id"] == charged["invoice"]


async def test_a_notice_that_was_read_meanwhile_still_marks_the_place(door, lived, engine):
    first = await page(door, lived, "notices", unread="true", limit=2)
    assert [one["id"] for one in first["items"]] == ["n4", "n3"]
    with engine.begin() as connection:
        notices.mark_read(connection, lived.account_id, ["n4", "n3"], NOON)
    rest = await pages(door, lived, "notices", unread="true", starting_after="n3")
    assert rest == ["n2", "n1", "n0"]


async def test_members_come_with_their_use_and_what_is_left(door, lived):
    first = (await page(door, lived, "members", limit=1))["items"][0]
    assert (first["id"], first["used_this_period"], first["limit"], first["left"]) == (
        "m0",
        "6",
        "500",
        "500",
    )


async def test_usage_is_summed_up_as_it_is_asked(door, lived):
    by = await page(door, lived, "usage", group_by="action,tag:campaign")
    assert [
        (one["action"], one["tag:campaign"], one["events"], one["credits"]) for one in by["items"]
    ] == [
        ("ai_email", "autumn", 5, "5"),
        ("ai_email", "spring", 10, "10"),
        ("lookup", "autumn", 5, "5"),
        ("lookup", "spring", 10, "10"),
    ]
    days = await page(door, lived, "usage", group_by="day,member")
    assert {one["day"] for one in days["items"]} == {"2027-01-01"}
    assert sum(int(one["credits"]) for one in days["items"]) == 30
    assert (await page(door, lived, "usage"))["from"] == START.isoformat()
    none = await page(door, lived, "usage", to=START.isoformat())
    assert none["items"] == []


async def test_usage_can_be_that_of_one_member_action_or_tag(door, lived):
    async def credits_of(**choice):
        found = await page(door, lived, "usage", group_by="day", **choice)
        return sum(int(one["credits"]) for one in found["items"])

    every = [await credits_of(member=f"m{number}") for number in range(5)]
    assert every == [6] * 5
    assert await credits_of(member="nobody") == 0
    assert await credits_of(action="lookup") == 15
    assert await credits_of(action="lookup", tag="campaign:spring") == 10
    assert await credits_of() == 30


async def test_a_table_is_not_run_by_a_spreadsheet(door, customer, engine):
    wallet = customer()
    words = ("=1+1", "+1+1", "-x", "@x", "\tx", "plain")
    with engine.begin() as connection:
        for number, word in enumerate(words):
            event = an_event(wallet.account_id, 1, key=f"{wallet.customer_id}{number}",
                             tags=(("campaign", word),))  # fmt: skip
            assert debits.debit(connection, [event], NOON)[0].status == "debited"
    answer = await door.get(
        path_of(wallet, "usage"),
        params={"group_by": "tag:campaign"},
        headers={"Accept": "text/csv"},
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="usage.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    cells = {one["tag:campaign"] for one in rows}
    assert cells == {f"'{word}" for word in words[:-1]} | {"plain"}
    assert {one["credits"] for one in rows} == {"1"}
    entries = await door.get(
        path_of(wallet, "entries"), params={"limit": 2}, headers={"Accept": "text/csv"}
    )
    rows = list(csv.DictReader(io.StringIO(entries.text)))
    assert [one["credits"] for one in rows] == ["-1", "-1"]
    assert entries.links["next"]["url"] == (
        f"/v1{path_of(wallet, 'entries')}?limit=2&starting_after={rows[-1]['id']}"
    )


@pytest.mark.parametrize(
    ("name", "params", "reason"),
    [
        ("entries", {"limit": "0"}, "invalid_parameter"),
        ("entries", {"limit": "101"}, "invalid_parameter"),
        ("grants", {"limit": "x"}, "invalid_parameter"),
        ("entries", {"from": "yesterday"}, "invalid_parameter"),
        ("entries", {"to": "2027-01-01T00:00:00"}, "invalid_parameter"),
        ("entries", {"tag": "campaign"}, "invalid_parameter"),
        ("entries", {"action": ""}, "invalid_parameter"),
        ("entries", {"action": "\x00"}, "invalid_parameter"),
        ("entries", {"starting_after": "x"}, "invalid_cursor"),
        ("entries", {"starting_after": "999999.0"}, "invalid_cursor"),
        ("entries", {"starting_after": "9" * 30 + ".0"}, "invalid_cursor"),
        ("entries", {"starting_after": "1.99999"}, "invalid_cursor"),
        ("entries", {"starting_after": "²."}, "invalid_cursor"),
        ("grants", {"starting_after": "999999"}, "invalid_cursor"),
        ("charges", {"starting_after": "nothing"}, "invalid_cursor"),
        ("payment_methods", {"starting_after": "pm_1"}, "invalid_cursor"),
        ("charges", {"colour": "red"}, "unknown_parameter"),
        ("usage", {"group_by": "colour"}, "invalid_parameter"),
        ("usage", {"group_by": "action,action"}, "invalid_parameter"),
        ("usage", {"group_by": "tag:"}, "invalid_parameter"),
        ("usage", {"member": "ada", "tag": "member:bob"}, "invalid_parameter"),
        ("entries", {"member": "ada", "tag": "member:bob"}, "invalid_parameter"),
        ("usage", {"from": NOON.isoformat(), "to": START.isoformat()}, "invalid_range"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(door, customer, name, params, reason):
    answer = await door.get(path_of(customer(), name), params=params)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)


@pytest.mark.parametrize("name", [*LISTS, "usage", "invoices/in_1/pdf"])
async def test_nobody_reads_an_unknown_customer(door, name):
    answer = await door.get(f"/customers/nobody/{name}")
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_customer")


async def test_cards_and_files_of_invoices_come_from_the_processor(
    door, customer, engine, payments
):
    wallet = customer()
    payer = payments.register(
        wallet.customer_id, email="ada@example.com", name="Ada", key=wallet.customer_id
    )
    method = payments.use_payment_method(payer, "pm_card_visa", key=f"{wallet.customer_id}:card")
    charge = Charge(
        charge_id=f"{wallet.customer_id}:filed",
        kind=ChargeKind.PERIOD,
        customer_id=wallet.customer_id,
        subscription_id=wallet.subscription_id,
        payer=payer,
        currency="USD",
        lines=(ChargeLine("Core", 900),),
    )
    invoice = payments.prepare(charge, key=charge.charge_id).invoice
    with engine.begin() as connection:
        accounts.set_payer(connection, wallet.customer_id, payer, method.method)
    (told,) = (await page(door, wallet, "payment_methods"))["items"]
    assert told == {"id": method.method, "name": method.card, "kind": "card", "default": True}
    led = await door.get(path_of(wallet, f"invoices/{invoice}/pdf"))
    assert led.status_code == 302
    assert led.headers["location"] == payments.invoice(payer, invoice).pdf_url
    answer = await door.get(path_of(wallet, "invoices/in_unknown/pdf"))
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_invoice")
