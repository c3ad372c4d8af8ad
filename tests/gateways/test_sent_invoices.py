"""Invoices that are sent: made once, waited for, paid whole or in parts, and void when given up."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.payments.charges import Closed, Paid, Sent, Unclear
from domain.payments.kinds import PaymentKind
from domain.payments.processor_states import TABLE, Case, Remark
from tests.gateways.test_processor_states import MEANT, asked, things

DUE = datetime(2099, 2, 1, 12, tzinfo=UTC)
AWAITED = (
    Case.NO_PAYMENT,
    Case.NOTHING_IN_FLIGHT,
    Case.WAITS_FOR_SOMEBODY,
    Case.PARTLY_PAID,
)


def charge_by_invoice(anywhere, payer, amount=646920):
    made = anywhere.charge(payer, amount)
    return replace(made, takes=(PaymentKind.INVOICE,), due_at=DUE)


def sent_by(anywhere, charge):
    invoice = anywhere.payments.prepare(charge, key=charge.charge_id).invoice
    return invoice, anywhere.payments.read(invoice)


def test_an_invoice_is_made_once_and_waits_for_its_day(anywhere):
    payer = anywhere.payer()
    charge = charge_by_invoice(anywhere, payer)
    invoice, read = sent_by(anywhere, charge)
    again, _ = sent_by(anywhere, charge)

    assert again == invoice
    assert isinstance(read, Sent)
    assert (read.due_at, read.paid_minor, read.remaining_minor) == (DUE, 0, 646920)
    assert read.page_url.startswith("http")
    assert read.pdf_url.startswith("http")
    made = anywhere.client.invoices.retrieve(invoice)
    assert (made.collection_method, made.due_date) == ("send_invoice", int(DUE.timestamp()))
    assert made.auto_advance is False


def test_a_day_that_is_over_is_refused_and_nothing_is_asked_for(here):
    payer = here.payer()
    over = datetime.now(UTC) - timedelta(days=1)
    charge = replace(charge_by_invoice(here, payer), due_at=over)
    with pytest.raises(Exception, match="future"):
        here.payments.prepare(charge, key=charge.charge_id)
    assert here.paid(payer) == []


def test_a_transfer_pays_an_invoice_and_its_parts_add_up(here, standin):
    payer = here.payer()
    invoice, _ = sent_by(here, charge_by_invoice(here, payer))

    standin.post("/_transfer", invoice=invoice, amount=400000)
    read = here.payments.read(invoice)
    assert isinstance(read, Sent)
    assert (read.paid_minor, read.remaining_minor) == (400000, 246920)

    standin.post("/_transfer", invoice=invoice, amount=246920)
    read = here.payments.read(invoice)
    assert isinstance(read, Paid)
    assert (read.amount_minor, read.remark) == (646920, "")
    assert here.payments.void(invoice, key=secrets.token_hex(8)) == read


def test_what_came_too_much_is_told(here, standin):
    payer = here.payer()
    invoice, _ = sent_by(here, charge_by_invoice(here, payer))
    standin.post("/_transfer", invoice=invoice, amount=650000)
    read = here.payments.read(invoice)
    assert isinstance(read, Paid)
    assert (read.amount_minor, read.remark) == (646920, Remark.OVERPAID)


def test_an_invoice_paid_outside_the_processor_counts(here):
    payer = here.payer()
    invoice, _ = sent_by(here, charge_by_invoice(here, payer))
    here.client.invoices.pay(invoice, {"paid_out_of_band": True})
    assert isinstance(here.payments.read(invoice), Paid)


def test_an_invoice_that_is_given_up_is_void_and_parts_of_it_are_told(here, standin):
    payer = here.payer()
    whole, _ = sent_by(here, charge_by_invoice(here, payer))
    assert here.payments.void(whole, key=secrets.token_hex(8)) == Closed("closed", whole)

    part, _ = sent_by(here, charge_by_invoice(here, payer))
    standin.post("/_transfer", invoice=part, amount=100)
    told = here.payments.void(part, key=secrets.token_hex(8))
    assert told == Closed("closed", part, Remark.MONEY_FOR_NOTHING)


@pytest.mark.parametrize(("invoice", "intent"), TABLE)
def test_every_state_of_a_sent_invoice_is_read(invoice, intent):
    made = things(invoice, intent)
    terms = {"collection_method": "send_invoice", "due_date": int(DUE.timestamp())}
    kept = made["invoices/in_1"] | terms
    found = asked(made | {"invoices/in_1": kept}, "read")["read"]
    one = TABLE[invoice, intent]
    assert isinstance(found, Sent if one in AWAITED else MEANT[one]), found


def test_an_invoice_that_says_no_day_is_for_operators():
    made = things("open", "requires_payment_method")
    kept = made["invoices/in_1"] | {"collection_method": "send_invoice", "due_date": None}
    found = asked(made | {"invoices/in_1": kept}, "read")["read"]
    assert found == Unclear("unclear", "in_1", Remark.CANNOT_BE)
