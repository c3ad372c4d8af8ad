"""The same purchase, or several kinds of money, at the same instant."""

import asyncio
from collections import Counter
from datetime import timedelta

from tests.fleet import BEGINS


async def test_a_pack_asked_for_many_times_at_once_is_sold_once(fleet):
    customer = await fleet.subscribe("starter", catalog="salestools")
    packs = [{"key": "one", "pack": "pack_500", "count": count} for count in (1, 2, 1, 2, 1, 2)]

    answers = await asyncio.gather(*(customer.life.ask("buy_pack", one) for one in packs))

    told = Counter(one.get("reason", one["status"]) for one in answers)
    assert told == {"paid": 3, "idempotency_conflict": 3}
    assert len(customer.paid()) == 2  # the plan's first
    customer.check()


async def test_a_key_names_the_same_purchase_in_the_next_run(fleet):
    customer = await fleet.subscribe("starter", catalog="salestools")
    pack = {"key": "one", "pack": "pack_500", "count": 1}
    gift = {"key": "one", "credits": "5", "reason": "sorry", "by": "ada"}
    refund = {"key": "one", "amount_minor": 100, "reason": "sorry", "by": "ada", "exception": True}
    bought = await customer.life.ask("buy_pack", pack)
    wanted = refund | {"charge_id": bought["charge_id"]}
    assert (await customer.life.ask("refund", wanted))["status"] == "refunded"
    assert (await customer.life.ask("adjust_credits", gift))["status"] == "done"
    run = (await customer.life.handle.describe()).run_id

    await customer.pass_until(BEGINS + timedelta(days=32))

    assert (await customer.life.handle.describe()).run_id != run
    before = customer.paid(), len(customer.history())
    again = await customer.life.ask("buy_pack", pack)
    assert (again["status"], again["charge_id"]) == ("paid", bought["charge_id"])
    assert (await customer.life.ask("refund", wanted))["status"] == "refunded"
    assert (await customer.life.ask("adjust_credits", gift))["status"] == "done"
    for name, other in (
        ("buy_pack", pack | {"count": 2}),
        ("refund", wanted | {"amount_minor": 101}),
        ("adjust_credits", gift | {"credits": "6"}),
    ):
        assert (await customer.life.ask(name, other))["reason"] == "idempotency_conflict"
    assert (customer.paid(), len(customer.history())) == before


async def test_a_refund_goes_its_way_while_an_auto_purchase_is_in_flight(fleet):
    customer = await fleet.subscribe("core_10k", auto=True)
    bought = await customer.buy("1000")
    wanted = {"key": "r", "charge_id": bought["charge_id"], "amount_minor": "all"}

    with customer.payment_held():
        asked = asyncio.create_task(customer.use("11000.5"))
        await customer.reached("paying")
        answer = await customer.life.ask("refund", wanted | {"reason": "sorry", "by": "ada"})

    assert (answer["status"], answer["amount_minor"]) == ("refunded", 90)
    assert (await asked)["status"] == "debited"
    assert len([one for one in customer.charges() if one[0] == "auto_purchase"]) == 1
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []
