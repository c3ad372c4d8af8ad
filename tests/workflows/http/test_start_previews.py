"""What a start would cost is what it costs, and a preview of it leaves nothing behind."""

from datetime import UTC, datetime, timedelta

import pytest

from local.patience import until
from local.timeline import without_time
from tests.payer import Payer, card_in

pytestmark = pytest.mark.long

TABLES = ("customers", "wallets", "subscriptions", "grants", "charges", "entries", "outbox")
NEW_YORK = {"country": "US", "state": "NY", "postal_code": "10001"}
# Of each list, what differs in how a subscription begins.
SOLD = {
    "nothing to pay": {"catalog": "make", "plan_id": "free"},
    "a month": {"catalog": "make", "plan_id": "core_10k"},
    "a year by months": {"catalog": "make", "plan_id": "core_10k_yearly"},
    "several types": {"catalog": "salestools", "plan_id": "starter"},
    "an invoice": {"catalog": "salestools", "plan_id": "enterprise_yearly"},
    "quotas and a wallet": {"catalog": "scalenut", "plan_id": "growth"},
    "a year up front": {"catalog": "zaplify", "plan_id": "team_12000_yearly"},
    "a trial": {"catalog": "schematic", "plan_id": "launch"},
    "a period for nothing": {"catalog": "orchard", "plan_id": "grove", "coupon": "tryit"},
    "three periods at half": {"catalog": "orchard", "plan_id": "grove", "coupon": "QUARTER"},
    "added tax": {"catalog": "schematic", "plan_id": "launch_taxed"},
    "tax less a coupon": {"catalog": "orchard", "plan_id": "grove_taxed", "coupon": "FRIEND"},
    "tax inside": {"catalog": "make_europe", "plan_id": "shop"},
}


async def begun(door, body):
    """Wait until a subscription has begun or waits for its money; return where it stands."""

    async def look():
        return (await door.get(f"/subscriptions/{body['subscription_id']}")).json()

    def there(seen):
        waits = any(one["step"] in ("processing", "sent") for one in seen["open_charges"])
        return not seen["busy"] and (seen["status"] != "pending" or waits)

    return await until(look, there, "it to begin", sign=without_time)


async def asked(door, body):
    return await door.post("/subscriptions", json=body | {"preview": True})


async def charges_of(door, body):
    return (await door.get(f"/customers/{body['customer_id']}/charges")).json()["items"]


async def usable(door, body):
    """Return what is available of each credit type of which there is any."""
    balance = (await door.get(f"/customers/{body['customer_id']}/balance")).json()
    found = {kind: one["available"] for kind, one in balance["credit_types"].items()}
    return {kind: available for kind, available in found.items() if available != "0"}


def account_in(fleet):
    """Make a bank account that belongs to nobody yet; the numbers are of Stripe's tests."""
    somebody = Payer()
    somebody.fleet = fleet
    form = {"type": "us_bank_account", "us_bank_account[routing_number]": "110000000"}
    form |= {"us_bank_account[account_number]": "000123456789"}
    form |= {"us_bank_account[account_holder_type]": "company", "billing_details[name]": "Ada"}
    return somebody.ask_processor("payment_methods", form)["id"]


def counted(fleet):
    with fleet.engine.connect() as connection:
        rows = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {one}").scalar() for one in TABLES
        ]
    return [*rows, len(fleet.standin.get("/_ledger")["customers"])]


def days(answer):
    start, end = (datetime.fromisoformat(answer[f"period_{one}"]) for one in ("start", "end"))
    return (end - start).days


@pytest.mark.parametrize("sold", SOLD.values(), ids=SOLD)
async def test_what_is_previewed_is_charged_and_given(fleet, door, post, beginning, sold):
    body = beginning(payment_method=card_in(fleet, "GB"), address=NEW_YORK, **sold)
    before = counted(fleet)
    answer = await asked(door, body)
    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, "preview"), told
    dearer = body | {"expected_minor": told["amount_minor"] + 1}
    for refused in (await asked(door, dearer), await post("/subscriptions", dearer)):
        assert (refused.status_code, refused.json()["reason"]) == (409, "price_changed")
    assert counted(fleet) == before

    body |= {"expected_minor": told["amount_minor"]}
    assert (await asked(door, body)).json()["amount_minor"] == told["amount_minor"]
    assert (await post("/subscriptions", body)).status_code == 201
    status = await begun(door, body)
    named = ("catalog", "plan", "version", "subscription", "customer")
    assert [status[one] for one in named] == [told[one] for one in named]
    charges = await charges_of(door, body)
    assert [one["amount_minor"] for one in charges if one["amount_minor"]] == (
        [told["amount_minor"]] if told["amount_minor"] else []
    )
    for charge in charges:
        assert charge["tax_minor"] == told.get("tax", {"tax_minor": 0})["tax_minor"]
        assert (
            charge["discount_minor"]
            == told.get("discount", {"discount_minor": 0})["discount_minor"]
        )
    if status["status"] == "pending":  # its invoice is open
        assert told["due_days"] == 30
        return
    assert days(status) == days(told)
    assert await usable(door, body) == told["credits"]


async def test_a_card_is_taxed_where_it_is_billed_unless_an_address_is_given(
    fleet, door, post, beginning
):
    body = beginning(catalog="schematic", plan_id="launch_taxed")
    body |= {"payment_method": card_in(fleet, "GB")}
    assert (await asked(door, body)).json()["amount_minor"] == 4_800
    told = (await asked(door, body | {"address": NEW_YORK})).json()
    assert (told["amount_minor"], told["tax"]["lines"][0]["place"]) == (4_355, "US-NY")

    await post("/subscriptions", body)
    await begun(door, body)
    assert [one["amount_minor"] for one in await charges_of(door, body)] == [4_800]


async def test_without_a_place_the_preview_says_what_is_missing(fleet, door, beginning):
    body = beginning(catalog="schematic", plan_id="launch_taxed")
    refused = await asked(door, body)
    assert refused.json()["reason"] == "tax_location_missing"
    assert "address" in refused.json()["cure"]


async def test_who_has_joined_before_is_taxed_at_the_address_that_the_processor_has(
    fleet, door, post, beginning
):
    body = beginning(catalog="schematic", plan_id="launch_taxed", address=NEW_YORK)
    await post("/subscriptions", body)
    await begun(door, body)
    canceled = await post(f"/subscriptions/{body['subscription_id']}/cancel", {"when": "now"})
    assert canceled.json()["status"] == "ended", canceled.text
    again = body | {"subscription_id": f"{body['subscription_id']}-2"}
    again |= {"address": {"country": "GB"}}

    async def look():
        return (await asked(door, again)).json()

    def ended(seen):
        return seen.get("reason") != "already_subscribed"

    told = await until(look, ended, "the first one's workflow to end")
    assert told["amount_minor"] == 4_355

    await post("/subscriptions", again)
    await begun(door, again)
    assert [one["amount_minor"] for one in await charges_of(door, body)] == [4_355] * 2


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"plan_id": "nothing"}, 404),
        ({"catalog": "nothing"}, 404),
        ({"coupon": "NOBODY"}, 404),
        ({"currency": "CHF"}, 422),
        ({"locale": "nowhere"}, 422),
        ({"time_zone": "Mars/Olympus"}, 422),
        ({"email": "nobody"}, 422),
        ({"address": {"country": "usa"}}, 422),
        ({"address": {"country": "US", "planet": "Earth"}}, 422),
        ({"address": "New York"}, 422),
    ],
)
async def test_a_preview_is_refused_as_the_start_is(fleet, door, post, beginning, changed, status):
    body = beginning(catalog="schematic", plan_id="scale") | changed
    shown, refused = await asked(door, body), await post("/subscriptions", body)
    assert (shown.status_code, shown.json()["reason"]) == (status, refused.json()["reason"])
    assert refused.status_code == status


async def test_what_is_live_cannot_be_started_and_so_not_be_previewed(fleet, door, post, beginning):
    body = beginning()
    await post("/subscriptions", body)
    for other in (body, body | {"subscription_id": f"{body['subscription_id']}-2"}):
        refused = await asked(door, other)
        assert (refused.status_code, refused.json()["reason"]) == (409, "already_subscribed")


async def test_a_preview_says_what_is_missing_to_pay_with_and_that_a_bank_takes_days(
    fleet, door, beginning
):
    body = beginning(catalog="salestools", plan_id="starter", payment_method=None)
    assert (await asked(door, body)).json()["needs"] == "payment_method"
    told = (await asked(door, body | {"payment_method": card_in(fleet, "US")})).json()
    assert (told["amount_minor"], "needs" in told, "takes_days" in told) == (2_900, False, False)
    account = account_in(fleet)
    assert (await asked(door, body | {"payment_method": account})).json()["takes_days"] is True
    only_cards = beginning(payment_method=account)
    assert (await asked(door, only_cards)).json()["needs"] == "payment_method"


async def test_one_that_begins_later_is_previewed_as_of_then(fleet, door, beginning):
    later = datetime(2027, 3, 31, 9, tzinfo=UTC)
    told = (await asked(door, beginning(begins_at=later.isoformat()))).json()
    assert datetime.fromisoformat(told["period_start"]) == later
    assert datetime.fromisoformat(told["period_end"]) - later == timedelta(days=30)
