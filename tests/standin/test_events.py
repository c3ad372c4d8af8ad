"""Events: signed, repeated until accepted, in no promised order."""

import json

import pytest

from gateways.webhooks.received import verify_event

SECRET = "whsec_of_this_test"


def types(arrived):
    return [json.loads(body)["type"] for body, _ in arrived]


def test_every_delivery_is_signed_for_the_configured_secret(standin, desk, client, receiver):
    standin.post("/_config", webhook_url=receiver.url, webhook_secret=SECRET)
    invoice = desk.invoice(desk.payer())
    client.invoices.pay(invoice)
    receiver.wait_for(lambda arrived: "invoice.paid" in types(arrived))
    events = [verify_event(body, signature, SECRET) for body, signature in receiver.arrived]
    assert {event.type for event in events} == {
        "payment_method.attached",
        "customer.updated",
        "invoice.paid",
    }
    assert [e.object_id for e in events if e.type == "invoice.paid"] == [invoice]


def test_a_refused_delivery_is_repeated(standin, desk, client, receiver):
    receiver.refuse = 2
    payer = desk.payer("pm_card_chargeCustomerFail")
    invoice = desk.invoice(payer)
    standin.post("/_config", webhook_url=receiver.url)
    with pytest.raises(Exception, match="declined"):
        client.invoices.pay(invoice)
    told = ["invoice.payment_failed", "payment_intent.payment_failed"]
    receiver.wait_for(lambda arrived: sorted(types(arrived)) == told)
    assert receiver.refused == 2


def test_the_same_event_may_arrive_twice(standin, desk, client, receiver):
    invoice = desk.invoice(desk.payer())
    standin.post("/_config", webhook_url=receiver.url, duplicate=True)
    client.invoices.void_invoice(invoice)
    receiver.wait_for(lambda arrived: len(arrived) == 2)
    assert len({json.loads(body)["id"] for body, _ in receiver.arrived}) == 1


def test_events_may_arrive_in_another_order(standin, desk, client, receiver):
    invoice = desk.invoice(desk.payer("pm_card_chargeCustomerFail"))
    standin.post("/_config", webhook_url=receiver.url, reorder=True)
    with pytest.raises(Exception, match="declined"):
        client.invoices.pay(invoice)  # both events come of one request, however slow the machine is
    receiver.wait_for(lambda arrived: len(arrived) == 2)
    made = [
        e.type for e in client.events.list({"limit": 100}).data if e.type in types(receiver.arrived)
    ]
    assert types(receiver.arrived) == made[:2]  # the list is newest first, and so was the delivery


def test_an_event_can_be_sent_again_by_hand(standin, desk, client, receiver):
    invoice = desk.invoice(desk.payer())
    client.invoices.pay(invoice)
    event = client.events.list({"type": "invoice.paid"}).data[0]
    standin.post("/_config", webhook_url=receiver.url)
    standin.post("/_resend", event=event.id)
    receiver.wait_for(lambda arrived: len(arrived) == 1)
    assert json.loads(receiver.arrived[0][0])["id"] == event.id
