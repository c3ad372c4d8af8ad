"""Every state of an invoice and its payment, of the description and on the stand-in."""

import itertools

import pytest

from domain.payments.charges import Closed, Decline, Declined, Paid, Processing, Unclear, Unpaid
from domain.payments.processor_states import ADVICE, INVOICES, NONE, TABLE, Case, Remark, case
from gateways.payments import ProcessorRefusal, ProcessorUnavailable
from tests.gateways.generated import SCHEMAS, full, listed, processor, states, variations

INTENTS = [NONE, *states("payment_intent")]
PAIRS = list(itertools.product(states("invoice"), INTENTS))
TOTAL = 1170
# What each case is for the engine where all of the money is there, or none of it.
MEANT = {
    Case.UNFINISHED: Unpaid,
    Case.NO_PAYMENT: Unclear,
    Case.NOTHING_IN_FLIGHT: Unpaid,
    Case.WAITS_FOR_SOMEBODY: Declined,
    Case.ON_ITS_WAY: Processing,
    Case.SETTLED_WITHOUT: Paid,
    Case.SETTLED_OTHERWISE: Paid,
    Case.PAID_TWICE: Paid,
    Case.PARTLY_PAID: Unclear,
    Case.WRITTEN_OFF: Declined,
    Case.GIVEN_UP: Closed,
    Case.GIVEN_UP_ON_ITS_WAY: Processing,
    Case.PAID: Paid,
    Case.MONEY_FOR_NOTHING: Closed,
    Case.CANNOT_BE: Unclear,
}


def things(invoice_status, intent_status, **changes):
    """Make a processor that has one invoice with one default payment in these states."""
    paid = invoice_status == "paid"
    method = full("payment_method", id="pm_1", type="card", customer="cus_1")
    charge = full("charge", id="ch_1", status="pending", payment_intent="pi_1")
    error = {"type": "card_error", "code": "card_declined", "payment_method": method}
    intent = (
        full(
            "payment_intent",
            id="pi_1",
            status=NONE if intent_status is None else intent_status,
            payment_method=method,
            latest_charge=charge,
            last_payment_error=None,
            next_action=None,
        )
        if intent_status != NONE
        else None
    )
    payment = full(
        "invoice_payment",
        id="inpay_1",
        invoice="in_1",
        is_default=True,
        status="paid" if paid else "open",
        amount_paid=TOTAL if paid else None,
        payment={"type": "payment_intent", "payment_intent": "pi_1"},
    )
    payments = listed(payment) if intent is not None else listed()
    invoice = full(
        "invoice",
        id="in_1",
        customer="cus_1",
        status=invoice_status,
        total=TOTAL,
        amount_due=TOTAL,
        amount_paid=TOTAL if paid else 0,
        amount_paid_off_stripe=0,
        amount_overpaid=0,
        amount_remaining=0 if paid else TOTAL,
        payments=payments,
    )
    settings = full("customer", id="cus_1")["invoice_settings"] | {"default_payment_method": "pm_1"}
    made = {
        "invoices/in_1": invoice,
        "invoices": listed(invoice),
        "invoice_payments": payments,
        "payment_intents/pi_1": intent,
        "payment_methods/pm_1": method,
        "customers/cus_1": full("customer", id="cus_1", invoice_settings=settings),
        "refunds/re_1": full("refund", id="re_1", payment_intent="pi_1"),
        "disputes/dp_1": full("dispute", id="dp_1", payment_intent="pi_1"),
        "credit_notes": listed(full("credit_note", id="cn_1", invoice="in_1", refunds=[])),
        "error": error,
    }
    return made | changes


def asked(made, *only):
    """Ask everything there is to ask about the invoice; nothing may be raised but our errors."""
    with processor(made) as payments:
        questions = {
            "read": lambda: payments.read("in_1"),
            "pay": lambda: payments.pay("in_1", key="key"),
            "void": lambda: payments.void("in_1", key="key"),
            "method": lambda: payments.payment_method("pm_1"),
            "default": lambda: payments.default_payment_method("cus_1"),
            "records": lambda: payments.invoices("cus_1"),
            "refund": lambda: payments.refunded("re_1"),
            "dispute": lambda: payments.disputed("dp_1"),
            "owner": lambda: payments.invoice_of("pi_1"),
        }
        return {name: answered(questions[name]) for name in only or questions}


def answered(question):
    try:
        return question()
    except (ProcessorRefusal, ProcessorUnavailable) as error:
        return error


def test_the_table_has_every_state_of_the_description():
    assert set(TABLE) == set(PAIRS)
    assert {case(invoice, payment) for invoice, payment in PAIRS} == set(Case)
    assert set(INVOICES) == set(states("invoice"))
    assert case("open", "a_state_of_tomorrow") is case("", "succeeded") is Case.CANNOT_BE
    assert set(ADVICE) == set(Remark)


@pytest.mark.parametrize(("invoice", "intent"), PAIRS)
def test_every_pair_of_states_means_what_the_table_says(invoice, intent):
    found = asked(things(invoice, intent))

    assert isinstance(found["read"], MEANT[case(invoice, intent)]), found["read"]
    assert found["void"] == found["read"]
    # A 200 to `pay` that leaves the invoice unpaid and untried is no state of the description.
    unclear = Unclear("unclear", "in_1", Remark.CANNOT_BE)
    assert found["pay"] == (unclear if isinstance(found["read"], Unpaid) else found["read"])
    if case(invoice, intent) is Case.CANNOT_BE:
        assert found["read"] == unclear


@pytest.mark.parametrize(("invoice", "intent"), PAIRS)
def test_the_stand_in_shows_every_pair_of_states(here, standin, invoice, intent):
    payer = here.payer()
    name = here.prepared(payer)
    standin.post("/_state", invoice=name, status=invoice, intent=None if intent == NONE else intent)

    read = here.payments.read(name)
    assert isinstance(read, MEANT[case(invoice, intent)]), read


@pytest.mark.long
@pytest.mark.parametrize("one", Case)
def test_no_optional_key_is_needed_to_read_a_state(one):
    """Take each optional key of each object away, and make it null, in turn."""
    invoice, intent = next(pair for pair in PAIRS if case(*pair) is one)
    made = things(invoice, intent)
    every = one in {Case.PAID, Case.ON_ITS_WAY, Case.NOTHING_IN_FLIGHT}
    questions = ("read", "pay", "void") if every else ("read",)
    for path in ("invoices/in_1", "payment_intents/pi_1", "invoice_payments"):
        for what, changed in changes(made, path):
            for answer in asked(made | changed, *questions).values():
                assert isinstance(answer, Paid) <= (invoice == "paid"), what


def changes(made, path):
    """Yield every change of an object of a processor that the description allows."""
    thing = made[path]
    if thing is None:
        return
    if path != "invoice_payments":
        for what, changed in variations(thing["object"], thing):
            yield what, {path: changed}
        return
    for payment in thing["data"]:
        for what, changed in variations("invoice_payment", payment):
            payments = listed(changed)
            invoice = made["invoices/in_1"] | {"payments": payments}
            yield what, {path: payments, "invoices/in_1": invoice}


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "questions"),
    [
        ("invoices/in_1", ["records", "refund", "dispute"]),
        ("payment_methods/pm_1", ["method", "default"]),
        ("customers/cus_1", ["default"]),
        ("refunds/re_1", ["refund"]),
        ("disputes/dp_1", ["dispute"]),
        ("invoice_payments", ["owner", "refund"]),
    ],
)
def test_no_optional_key_is_needed_to_read_anything_else(path, questions):
    made = things("paid", "succeeded")
    for what, changed in changes(made, path):
        assert set(asked(made | changed, *questions)) == set(questions), what


@pytest.mark.parametrize("kind", ["charge", "payment_record"])
@pytest.mark.parametrize("invoice", INVOICES)
def test_a_payment_by_no_intent_is_read_by_its_amounts(invoice, kind):
    paid = invoice == "paid"
    payment = full(
        "invoice_payment",
        invoice="in_1",
        status="paid" if paid else "open",
        amount_paid=TOTAL if paid else None,
        payment={"type": kind, kind: "x_1"},
    )
    made = things(invoice, NONE)
    made["invoices/in_1"] |= {"amount_paid": 0, "payments": listed(payment)}

    found = asked(made)["read"]

    if paid:
        assert (found.amount_minor, found.card) == (TOTAL, "paid outside Stripe")
    else:
        assert not isinstance(found, Paid)


@pytest.mark.parametrize(
    ("amounts", "remark"),
    [
        ({"amount_paid": 0}, Remark.SETTLED_WITHOUT_PAYMENT),
        ({"amount_paid": TOTAL - 1}, Remark.SETTLED_WITHOUT_PAYMENT),
        ({"total": 0, "amount_paid": 0}, Remark.SETTLED_WITHOUT_PAYMENT),
        ({"amount_overpaid": 30}, Remark.OVERPAID),
        ({"amount_paid": TOTAL + 30, "amount_overpaid": 30}, Remark.OVERPAID),
        ({"amount_paid": 0, "amount_paid_off_stripe": TOTAL}, ""),
        ({"amount_paid": 170, "amount_paid_off_stripe": 1000}, ""),
    ],
)
def test_paid_is_what_the_amounts_show(amounts, remark):
    made = things("paid", NONE)
    made["invoices/in_1"] |= amounts

    found = asked(made)["read"]

    assert found.remark == remark
    assert isinstance(found, Unclear) == (remark == Remark.SETTLED_WITHOUT_PAYMENT)
    if isinstance(found, Paid):
        assert found.amount_minor == TOTAL


@pytest.mark.parametrize("action", sorted(SCHEMAS["payment_intent_next_action"]["properties"]))
def test_who_waits_is_told_by_the_next_action(action):
    made = things("open", "requires_action")
    made["payment_intents/pi_1"] |= {"next_action": {"type": action}}

    found = asked(made)["read"]

    assert isinstance(found, Declined | Processing)
    if isinstance(found, Declined):
        assert found.decline is Decline.NEEDS_CUSTOMER
