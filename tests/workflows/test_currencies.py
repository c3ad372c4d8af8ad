"""A customer chooses a currency at the start and pays in it ever after."""

from tests.contract.test_bad_starts import failure, start
from tests.fleet import Customer, RunningFleet
from workflows import names

WORLD = "make_world"


async def in_euros(fleet: RunningFleet, **more: object) -> Customer:
    return await fleet.subscribe("core_10k", catalog=WORLD, currency="EUR", **more)


def currencies(customer: Customer) -> set[str]:
    """Return every currency of a customer's rows."""
    return {
        row[0]
        for table in ("charges", "postings", "grants", "policies")
        for row in customer.rows(f"SELECT currency FROM {table} WHERE account_id = %s")
    }


async def test_everything_is_priced_and_booked_in_the_chosen_currency(fleet: RunningFleet) -> None:
    acme = await in_euros(fleet)
    shown = await acme.change_plan("core_40k", preview=True)
    assert (shown["currency"], shown["price_minor"]) == ("EUR", 2700)
    bought = await acme.life.ask("buy_pack", {"key": "p", "pack": "block", "count": 1})
    assert (bought["status"], bought["amount_minor"], bought["currency"]) == ("paid", 450, "EUR")
    assert (await acme.buy("1000"))["amount_minor"] == 85
    changed = await acme.change_plan("core_40k")
    assert changed["amount_minor"] == shown["amount_minor"]

    assert currencies(acme) == {"EUR"}
    assert acme.paid() == [850, 450, 85, shown["amount_minor"]]
    acme.check()


async def test_who_chooses_none_pays_in_the_lists_first(fleet: RunningFleet) -> None:
    acme = await fleet.subscribe("core_10k", catalog=WORLD)
    assert (acme.paid(), currencies(acme)) == ([900], {"USD"})


async def test_one_customer_pays_in_one_currency(fleet: RunningFleet) -> None:
    acme = await in_euros(fleet)
    assert (await acme.cancel("now"))["status"] == "ended"
    assert await acme.outcome()
    for other in ({"catalog": WORLD, "currency": "USD"}, {"catalog": "make"}):
        wanted = start(customer_id=acme.name, **other)
        workflow_id = names.subscription_workflow(wanted["subscription_id"])
        assert await failure(fleet, workflow_id, {"start": wanted}) == "other_currency"

    now = await acme.life.now()
    back = await fleet.subscribe("core_10k", catalog=WORLD, begins=now, again=acme)
    assert back.paid() == [850, 850]  # what it has paid in, though it chose none now
    assert currencies(back) == {"EUR"}
    back.check()


async def test_who_was_never_charged_may_choose_again(fleet: RunningFleet) -> None:
    acme = await fleet.subscribe("free", catalog=WORLD, currency="EUR", card=None)
    assert (await acme.cancel("now"))["status"] == "ended"
    assert await acme.outcome()
    now = await acme.life.now()
    back = await fleet.subscribe("core_10k", catalog=WORLD, currency="JPY", begins=now, again=acme)
    assert back.paid() == [1480]
    back.check()
