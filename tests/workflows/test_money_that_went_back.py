"""Money that goes back at the processor: at its dashboard, or because a bank took it."""

from uuid import uuid4

import pytest

from domain.credits import MICRO
from domain.payments.charges import ProcessorEvent
from tests.fleet import RunningFleet
from tests.processor import plain_client
from tests.workflows.test_refunds import a_pack, ask, invoice_of, sent_back
from workflows import names
from workflows.stripe_event import StripeEvent

pytestmark = pytest.mark.long


async def hear(customer, type_, object_id):
    """Let an event be handled as the webhook starts it; return what became of it."""
    event = ProcessorEvent(f"evt_{uuid4().hex}", type_, object_id)
    return await customer.fleet.client.execute_workflow(
        StripeEvent.run,
        event,
        id=names.stripe_event_workflow(event.event_id),
        task_queue=names.BILLING,
    )


def dispute(customer, charge_id, **more):
    invoice = invoice_of(customer, charge_id)
    return customer.fleet.standin.post("/_dispute", invoice=invoice, **more)["id"]


def decide(customer, dispute_id, status):
    customer.fleet.standin.post("/_dispute", dispute=dispute_id, status=status)


def refund_at_dashboard(customer, charge_id, amount):
    standin = customer.fleet.standin
    client = plain_client(standin.api_key, standin.base_url)
    paid = client.invoice_payments.list({"invoice": invoice_of(customer, charge_id)}).data[0]
    intent = paid.payment.payment_intent
    return client.refunds.create({"payment_intent": intent, "amount": amount}).id


def debt(customer):
    rows = customer.rows(
        "SELECT value FROM counters WHERE account_id = %s AND counter = 'debt:credits'"
    )
    return int(rows[0][0]) if rows else 0


async def test_a_refund_at_the_dashboard_is_booked_once_however_often_it_is_told(
    fleet: RunningFleet,
) -> None:
    customer, pack = await a_pack(fleet)
    refund = refund_at_dashboard(customer, pack, 90)

    told = [await hear(customer, "refund.created", refund) for _ in range(2)]
    status = await customer.life.settle()

    assert [one.outcome for one in told] == ["booked", "booked"]
    assert (status["available"], debt(customer)) == ("0", 0)
    assert (customer.books()["refunds"], sent_back(customer)) == (-90, 90)
    assert customer.mails().count("refunded") == 1
    customer.check()


async def test_the_processors_word_of_our_own_refund_books_nothing_twice(
    fleet: RunningFleet,
) -> None:
    customer, pack = await a_pack(fleet)
    await ask(customer, pack, 45)

    refunds = customer.rows("SELECT refund_id FROM refunds WHERE account_id = %s")
    refund = newest_refund(customer)
    outcome = await hear(customer, "refund.created", refund)

    assert outcome.outcome == "booked"
    assert customer.rows("SELECT refund_id FROM refunds WHERE account_id = %s") == refunds
    assert customer.books()["refunds"] == -45
    fleet.standin.post("/_fail_refund", refund=refund)
    await hear(customer, "refund.failed", refund)
    assert customer.books().get("refunds", 0) == 0
    assert (await customer.use("600"))["status"] == "debited"
    customer.check()


def newest_refund(customer):
    standin = customer.fleet.standin
    client = plain_client(standin.api_key, standin.base_url)
    return client.refunds.list({"limit": 1}).data[0].id


@pytest.mark.parametrize(
    "order",
    [
        ("created", "closed", "funds_reinstated"),
        ("funds_reinstated", "created", "closed", "closed"),
        ("closed", "created"),
    ],
)
async def test_a_won_dispute_ends_as_it_began_in_any_order_of_events(
    fleet: RunningFleet, order
) -> None:
    customer, pack = await a_pack(fleet)
    before = customer.books()
    opened = dispute(customer, pack)
    if order[0] == "created":
        await hear(customer, "charge.dispute.created", opened)
        assert debt(customer) == 400 * MICRO
        assert (await customer.use("1"))["reason"] == "insufficient_credits"
        assert (await customer.switch(on=True))["reason"] == "dispute_open"
    decide(customer, opened, "won")

    for name in order:
        await hear(customer, f"charge.dispute.{name}", opened)
    status = await customer.life.settle()

    assert (status["available"], debt(customer)) == ("600", 0)
    assert customer.books().get("disputes", 0) == 0
    assert customer.books()["cash"] == before["cash"]
    assert customer.mails().count("disputed") == (2 if order[0] == "created" else 1)
    assert (await customer.switch(on=True))["status"] == "done"
    customer.check()


async def test_a_dispute_is_booked_after_the_subscription_has_ended(fleet: RunningFleet) -> None:
    customer, pack = await a_pack(fleet)
    await customer.life.ask("cancel", {"when": "now"})
    assert await customer.outcome() == "ended"

    opened = dispute(customer, pack)
    outcome = await hear(customer, "charge.dispute.created", opened)
    decide(customer, opened, "lost")
    await hear(customer, "charge.dispute.closed", opened)

    assert (outcome.outcome, outcome.signal) == ("booked", "")
    assert (customer.books()["disputes"], debt(customer)) == (-90, 400 * MICRO)
    assert customer.mails().count("disputed") == 2
    customer.check()


async def test_a_disputed_card_buys_nothing_by_itself(fleet: RunningFleet) -> None:
    customer, pack = await a_pack(fleet, used="")
    await customer.switch(on=True)
    opened = dispute(customer, pack)

    await hear(customer, "charge.dispute.created", opened)
    status = await customer.life.settle()

    assert status["auto_purchase"] is False
    assert (await customer.use("1"))["reason"] == "insufficient_credits"
    assert customer.paid() == [900, 90]
    customer.check()


async def test_what_is_not_ours_is_booked_nowhere(fleet: RunningFleet) -> None:
    customer, _ = await a_pack(fleet, used="")
    for type_ in ("refund.created", "charge.dispute.created"):
        assert (await hear(customer, type_, "re_unknown")).outcome == "unknown_object"
