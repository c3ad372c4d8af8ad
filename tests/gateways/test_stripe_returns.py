"""Disputes and failing refunds, which Stripe starts: on the stand-in."""

import pytest
import stripe

from gateways.payments import ProcessorRefusal


@pytest.fixture
def invoice(here):
    prepared = here.prepared(here.payer(), 4500)
    here.payments.pay(prepared, key=here.name("pay"))
    return prepared


@pytest.mark.parametrize("ends", ["won", "lost"])
def test_a_dispute_is_read_back_as_it_stands(here, standin, invoice, ends):
    opened = standin.post("/_dispute", invoice=invoice)["id"]
    found = here.payments.disputed(opened)
    assert (found.kind, found.name, found.state) == ("dispute", opened, "open")
    assert (found.amount_minor, found.invoice) == (4500, invoice)
    standin.post("/_dispute", dispute=opened, status=ends)
    assert here.payments.disputed(opened).state == ends


def test_a_disputed_charge_is_not_refunded(here, standin, invoice):
    standin.post("/_dispute", invoice=invoice)
    with pytest.raises(ProcessorRefusal) as refusal:
        here.payments.refund(invoice, 100, reason="r", key=here.name("refund"))
    assert refusal.value.reason == "charge_disputed"


def test_a_refund_that_fails_later_is_read_back_as_failed(here, standin, invoice):
    key = here.name("refund")
    note = here.payments.refund(invoice, 100, reason="r", key=key)
    refund = here.client.credit_notes.retrieve(note).refunds[0].refund
    standin.post("/_fail_refund", refund=refund)
    found = here.payments.refunded(refund)
    assert (found.name, found.state) == (key, "failed")


def test_more_than_what_is_left_is_not_refunded(here, invoice):
    charge = here.client.payment_intents.list().data[0].latest_charge
    here.client.refunds.create({"charge": charge, "amount": 4000})
    with pytest.raises(stripe.InvalidRequestError):
        here.client.refunds.create({"charge": charge, "amount": 501})
    here.client.refunds.create({"charge": charge})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        here.client.refunds.create({"charge": charge})
    assert refusal.value.code == "charge_already_refunded"
