"""Refunds by operators and at the processor, chargebacks, and their mails."""

import pytest

from tests.fleet import RunningFleet

pytestmark = pytest.mark.long


async def a_pack(fleet: RunningFleet, used: str = "400"):
    """A customer with nothing left but a part-used purchase of 1,000 credits for $0.90."""
    customer = await fleet.subscribe("core_10k")
    await customer.report(["10000"])
    bought = await customer.buy("1000")
    if used:
        await customer.report([used])
    return customer, bought["charge_id"]


async def ask(customer, charge_id, amount="all", key="r1", **more):
    message = {
        "key": key,
        "charge_id": charge_id,
        "amount_minor": amount,
        "reason": "bought by mistake",
        "by": "ann",
    }
    answer = await customer.life.ask("refund", message | more)
    await customer.life.settle()
    return answer


def sent_back(customer):
    ledger = customer.fleet.standin.get("/_ledger")["customers"]
    account = next(a for a in ledger.values() if a["customer_id"] == customer.name)
    return account["refunded_total"].get("usd", 0)


def invoice_of(customer, charge_id):
    ((invoice,),) = customer.rows(
        f"SELECT invoice FROM charges WHERE account_id = %s AND charge_id = '{charge_id}'"
    )
    return invoice


async def test_m13_an_operator_refunds_what_is_unused_and_no_cent_more(fleet: RunningFleet) -> None:
    customer, pack = await a_pack(fleet)

    above = await ask(customer, pack, 55)
    preview = await ask(customer, pack, preview=True)
    assert (above["reason"], above["most_minor"]) == ("above_refundable", 54)
    assert (preview["status"], preview["amount_minor"], sent_back(customer)) == ("preview", 54, 0)
    done = await ask(customer, pack)

    assert (done["status"], done["amount_minor"], done["credits"]) == ("refunded", 54, "600")
    assert (done["available"], sent_back(customer)) == ("0", 54)
    again = await ask(customer, pack)
    assert (again["status"], again["amount_minor"], sent_back(customer)) == ("refunded", 54, 54)
    assert customer.books()["refunds"] == -54
    assert customer.mails().count("refunded") == 1
    customer.check()


async def test_a_refund_whose_answer_is_lost_is_made_once(fleet: RunningFleet) -> None:
    customer, pack = await a_pack(fleet)
    fleet.standin.post("/_fault", fault="lost", path="/v1/credit_notes")

    await ask(customer, pack)
    done = await ask(customer, pack)

    assert (done["status"], sent_back(customer)) == ("refunded", 54)
    assert customer.rows("SELECT state FROM refunds WHERE account_id = %s") == [("made",)]
    customer.check()


async def test_a_refund_that_the_processor_refuses_gives_the_credits_back(
    fleet: RunningFleet,
) -> None:
    customer, pack = await a_pack(fleet)
    fleet.standin.post("/_dispute", invoice=invoice_of(customer, pack), amount=90)

    refusal = await ask(customer, pack)

    assert (refusal["status"], refusal["reason"]) == ("refused", "refund_failed")
    assert customer.rows("SELECT state FROM refunds WHERE account_id = %s") == [("failed",)]
    assert (await customer.use("600"))["status"] == "debited"
    assert "refunded" not in customer.mails()
    customer.check()


async def test_a_pack_that_is_sold_without_refunds_needs_an_exception_of_support(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    wanted = {"key": "p1", "pack": "pack_1000"}
    pack = (await customer.life.ask("buy_pack", wanted))["charge_id"]

    assert (await ask(customer, pack))["reason"] == "not_refundable"
    assert (await ask(customer, pack, exception=True))["amount_minor"] == 4500

    assert sent_back(customer) == 4500
    customer.check()
