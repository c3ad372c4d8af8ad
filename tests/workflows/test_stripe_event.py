"""Events are hints: whatever comes, in whatever order, the subscription hears what holds now."""

from uuid import uuid4

import pytest

from domain.payments.charges import ProcessorEvent
from gateways.stripe import StripePayments
from ledger import subscriptions
from models.base import connect
from tests.api.arrangements import PEERS, Desk, Peer, inbox, own_namespace
from tests.builders import NOON
from tests.fleet import result_of
from workflows import names
from workflows.stripe_event import EventOutcome, StripeEvent

UNKNOWN = EventOutcome("unknown_object")


@pytest.fixture(scope="module")
async def temporal(temporal_server):
    return await own_namespace(temporal_server.address)


@pytest.fixture(scope="module")
async def desk(temporal, session_database, standin):
    engine = connect(session_database.url)
    with StripePayments(standin.api_key, base_url=standin.base_url) as payments:
        async with inbox(temporal, engine, payments):
            yield Desk(engine, payments, standin)
    engine.dispose()


@pytest.fixture
def handle(temporal):
    async def handle(type_, object_id):
        """Let an event be handled; return what became of it."""
        event = ProcessorEvent(f"evt_{uuid4().hex}", type_, object_id)
        workflow_id = names.stripe_event_workflow(event.event_id)
        started = await temporal.start_workflow(
            StripeEvent.run, event, id=workflow_id, task_queue=names.BILLING
        )
        return await result_of(started)

    return handle


@pytest.fixture
def peer(temporal):
    async def start(wallet):
        """Let a peer live in a subscription's place."""
        name = names.subscription_workflow(wallet.subscription_id)
        return await temporal.start_workflow(Peer.run, id=name, task_queue=PEERS)

    return start


async def test_a_new_default_card_reaches_the_subscription(desk, handle, peer):
    wallet, payer = desk.customer()
    subscription = await peer(wallet)
    method = desk.card(payer)
    told = EventOutcome("signaled", wallet.subscription_id, "payment_method_updated")
    assert await handle("customer.updated", payer) == told
    assert await handle("payment_method.attached", method) == told
    assert await handle("payment_method.automatically_updated", method) == told
    assert await subscription.query(Peer.heard) == [method] * 3


async def test_a_first_card_reaches_the_subscription_before_it_is_the_default(desk, handle, peer):
    wallet, payer = desk.customer()
    subscription = await peer(wallet)
    method = desk.attached(payer)
    assert (await handle("payment_method.attached", method)).outcome == "signaled"
    assert await subscription.query(Peer.heard) == [method]


async def test_a_late_event_of_an_older_card_does_not_displace_the_newer_one(desk, handle, peer):
    wallet, payer = desk.customer()
    subscription = await peer(wallet)
    older, newer = desk.card(payer), desk.card(payer, "pm_card_mastercard")
    assert older != newer
    await handle("payment_method.attached", newer)
    await handle("payment_method.attached", older)
    assert await subscription.query(Peer.heard) == [newer, newer]


async def test_a_paid_invoice_reaches_the_subscription_whose_charge_it_is(desk, handle, peer):
    wallet, _ = desk.customer()
    subscription = await peer(wallet)
    invoice = desk.declined_charge(wallet)
    told = EventOutcome("signaled", wallet.subscription_id, "invoice_paid")
    assert await handle("invoice.paid", invoice) == told
    assert await subscription.query(Peer.heard) == [invoice]


@pytest.mark.parametrize(
    ("type_", "object_id"),
    [
        ("customer.updated", "cus_unknown"),
        ("customer.updated", ""),
        ("payment_method.attached", "pm_unknown"),
        ("payment_method.attached", ""),
        ("invoice.paid", "in_unknown"),
        ("invoice.paid", ""),
    ],
)
@pytest.mark.usefixtures("desk")
async def test_an_object_that_nobody_knows_ends_by_name(handle, type_, object_id):
    assert await handle(type_, object_id) == UNKNOWN


async def test_a_payer_that_is_not_ours_ends_by_name(desk, handle):
    stranger = desk.payer("stranger")
    desk.card(stranger)
    assert await handle("customer.updated", stranger) == UNKNOWN


async def test_a_card_that_was_taken_off_again_ends_by_name(desk, handle):
    _, payer = desk.customer()
    method = desk.attached(payer)
    desk.processor.payment_methods.detach(method)
    assert await handle("payment_method.attached", method) == UNKNOWN


async def test_a_payer_without_a_card_changes_nothing(desk, handle):
    _, payer = desk.customer()
    assert await handle("customer.updated", payer) == EventOutcome("no_payment_method")


async def test_an_event_after_the_subscriptions_end_ends_by_name(desk, handle, peer):
    wallet, payer = desk.customer()
    desk.card(payer)
    invoice = desk.declined_charge(wallet)
    subscription = await peer(wallet)
    await subscription.signal(Peer.end)
    await subscription.result()
    ended = EventOutcome("subscription_ended", wallet.subscription_id)
    assert await handle("invoice.paid", invoice) == ended
    assert await handle("customer.updated", payer) == ended
    with desk.engine.begin() as connection:
        subscriptions.write(connection, wallet.subscription_id, NOON, status="ended")
    assert await handle("customer.updated", payer) == EventOutcome("subscription_ended")


@pytest.mark.usefixtures("desk")
async def test_an_event_of_another_type_is_ignored(handle):
    assert await handle("invoice.created", "in_1") == EventOutcome("ignored")


async def test_while_the_processor_is_away_an_event_waits(desk, handle, peer, standin):
    wallet, payer = desk.customer()
    subscription = await peer(wallet)
    method = desk.card(payer)
    standin.post("/_fault", fault="drop", method="GET", path=f"/v1/customers/{payer}")
    assert (await handle("customer.updated", payer)).outcome == "signaled"
    assert standin.get("/_fault")["faults"] == []
    assert await subscription.query(Peer.heard) == [method]
