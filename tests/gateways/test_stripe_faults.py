"""Whatever goes wrong on the way, a charge is collected exactly once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from domain.payments.charges import Closed, Decline, Declined, Paid, Unpaid
from gateways.payments import ProcessorRefusal, ProcessorUnavailable
from gateways.stripe import StripePayments
from local.patience import QUIET_SECONDS
from local.processes import wait_until
from tests.payer import held

STEPS = {
    "list": ("GET", "/v1/invoices"),
    "create": ("POST", "/v1/invoices"),
    "item": ("POST", "/v1/invoiceitems"),
    "finalize": ("POST", "/v1/invoices/*/finalize"),
}
NOTHING_HAPPENED = ("drop", "429", "409", "401")


def until_answered(call, tries=8):
    """Do what a retrying activity does: the same call with the same key until it answers."""
    for _ in range(tries):
        try:
            return call()
        except ProcessorUnavailable:
            continue
    pytest.fail(f"no answer in {tries} tries")


def one_paid_invoice(here, payer, amount=1170):
    assert here.paid(payer) == [amount]
    charges = [i for i in here.invoices(payer) if i.status != "draft"]
    assert len(charges) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [*NOTHING_HAPPENED, "lost", "500", "500 with effect"])
def test_a_broken_preparation_ends_in_one_invoice_of_the_right_amount(here, standin, step, fault):
    payer = here.payer()
    charge = here.charge(payer, 900, 270)
    method, path = STEPS[step]
    kind, _, effect = fault.partition(" ")
    order = {"fault": kind, "effect": bool(effect), "method": method, "path": path}
    standin.post("/_fault", **order, customer=payer)
    prepared = until_answered(lambda: here.payments.prepare(charge, key=charge.charge_id))
    assert here.payments.prepare(charge, key=charge.charge_id) == prepared
    [invoice] = here.invoices(payer)
    assert (invoice.id, invoice.total, len(invoice.lines.data)) == (prepared.invoice, 1170, 2)
    until_answered(lambda: here.payments.pay(invoice.id, key="p" + charge.charge_id))
    one_paid_invoice(here, payer)


@pytest.mark.parametrize("fault", [*NOTHING_HAPPENED, "lost", "500", "500 with effect"])
def test_a_broken_payment_is_collected_once(here, standin, fault):
    payer = here.payer()
    invoice = here.prepared(payer)
    kind, _, effect = fault.partition(" ")
    standin.post("/_fault", fault=kind, effect=bool(effect), path="*/pay", count=2, customer=payer)
    outcome = until_answered(lambda: here.payments.pay(invoice, key=f"{invoice}:pay:1"))
    assert isinstance(outcome, Paid)
    assert here.payments.pay(invoice, key=f"{invoice}:pay:1") == outcome
    assert here.payments.pay(invoice, key=f"{invoice}:pay:2") == outcome
    one_paid_invoice(here, payer)


@pytest.mark.parametrize("fault", NOTHING_HAPPENED)
def test_nothing_was_attempted_when_the_processor_was_away(here, standin, fault):
    payer = here.payer()
    invoice = here.prepared(payer)
    standin.post("/_fault", fault=fault, path="*/pay", customer=payer)
    with pytest.raises(ProcessorUnavailable):
        here.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert here.payments.read(invoice) == Unpaid("unpaid", invoice)
    assert here.paid(payer) == []


def test_a_lost_answer_is_unavailable_although_the_money_moved(here, standin):
    payer = here.payer()
    invoice = here.prepared(payer)
    standin.post("/_fault", fault="lost", path="*/pay", customer=payer)
    with pytest.raises(ProcessorUnavailable):
        here.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert isinstance(here.payments.read(invoice), Paid)
    one_paid_invoice(here, payer)


def test_a_stored_server_error_is_read_back_before_it_is_reported(here, standin):
    payer = here.payer()
    invoice = here.prepared(payer)
    standin.post("/_fault", fault="500", effect=True, path="*/pay", customer=payer)
    assert isinstance(here.payments.pay(invoice, key=f"{invoice}:pay:1"), Paid)
    one_paid_invoice(here, payer)


def test_one_key_climbs_over_many_stored_server_errors(here, standin):
    payer = here.payer()
    invoice = here.prepared(payer)
    standin.post("/_fault", fault="500", path="*/pay", count=4, customer=payer)
    for _ in range(3):
        with pytest.raises(ProcessorUnavailable):
            here.payments.pay(invoice, key=f"{invoice}:pay:1")
    outcome = until_answered(lambda: here.payments.pay(invoice, key=f"{invoice}:pay:1"))
    assert isinstance(outcome, Paid)
    one_paid_invoice(here, payer)


def test_a_decline_behind_a_server_error_stays_one_attempt(here, standin):
    payer = here.payer("pm_card_chargeCustomerFail")
    invoice = here.prepared(payer)
    standin.post("/_fault", fault="500", path="*/pay", customer=payer)
    outcomes = [
        until_answered(lambda: here.payments.pay(invoice, key=f"{invoice}:pay:1")) for _ in range(3)
    ]
    assert isinstance(outcomes[0], Declined)
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert standin.get("/_ledger")["customers"][payer]["attempts"] == 1


def test_a_lost_decline_is_told_again_without_a_second_attempt(here, standin):
    payer = here.payer("pm_card_chargeCustomerFail")
    invoice = here.prepared(payer)
    standin.post("/_fault", fault="lost", path="*/pay", customer=payer)
    outcome = until_answered(lambda: here.payments.pay(invoice, key=f"{invoice}:pay:1"))
    assert outcome == here.payments.read(invoice)
    assert standin.get("/_ledger")["customers"][payer]["attempts"] == 1


def test_a_replayed_decline_does_not_hide_a_payment_made_since(here):
    payer = here.payer("pm_card_chargeCustomerFail")
    invoice = here.prepared(payer)
    assert isinstance(here.payments.pay(invoice, key=f"{invoice}:pay:1"), Declined)
    here.card(payer, "pm_card_visa")
    here.client.invoices.pay(invoice)
    assert isinstance(here.payments.pay(invoice, key=f"{invoice}:pay:1"), Paid)
    one_paid_invoice(here, payer)


def test_forgotten_keys_make_nothing_twice(here, standin):
    payer = here.payer()
    charge = here.charge(payer, 900, 270)
    prepared = here.payments.prepare(charge, key=charge.charge_id)
    assert standin.post("/_forget_keys")["forgotten"] > 0
    assert here.payments.prepare(charge, key=charge.charge_id) == prepared
    paid = here.payments.pay(prepared.invoice, key="pay" + charge.charge_id)
    refund = here.payments.refund(prepared.invoice, 100, reason="r", key="r" + charge.charge_id)
    standin.post("/_forget_keys")
    assert here.payments.prepare(charge, key=charge.charge_id) == prepared
    assert here.payments.pay(prepared.invoice, key="pay" + charge.charge_id) == paid
    again = here.payments.refund(prepared.invoice, 100, reason="r", key="r" + charge.charge_id)
    assert again == refund
    one_paid_invoice(here, payer)


def test_a_draft_left_by_a_crash_is_completed_even_without_its_keys(here, standin):
    payer = here.payer()
    charge = here.charge(payer, 900, 270)
    standin.post("/_fault", fault="drop", path="/v1/invoiceitems", after=1, customer=payer)
    with pytest.raises(ProcessorUnavailable):
        here.payments.prepare(charge, key=charge.charge_id)
    standin.post("/_forget_keys")
    here.payments.prepare(charge, key=charge.charge_id)
    [invoice] = here.invoices(payer)
    assert [line.amount for line in invoice.lines.data] in ([900, 270], [270, 900])


@pytest.mark.parametrize("step", ["prepare", "pay"])
def test_many_at_once_make_one_invoice_and_one_payment(here, step):
    payer = here.payer()
    charge = here.charge(payer)
    together = threading.Barrier(8)

    def attempt(number):
        together.wait()
        key = charge.charge_id if step == "prepare" else f"{charge.charge_id}:{number}"
        prepared = until_answered(lambda: here.payments.prepare(charge, key=charge.charge_id), 50)
        return until_answered(lambda: here.payments.pay(prepared.invoice, key=f"pay:{key}"), 50)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert isinstance(outcomes[0], Paid)
    one_paid_invoice(here, payer)


def test_a_key_in_use_is_unavailable_and_then_answers_the_same(here, standin):
    payer = here.payer()
    invoice = here.prepared(payer)

    def pay():
        return here.payments.pay(invoice, key=f"{invoice}:pay:1")

    with ThreadPoolExecutor(1) as pool:
        with held(standin, payer):
            first = pool.submit(pay)
            wait_until(lambda: standin.get("/_fault")["held"], QUIET_SECONDS, "the first to begin")
            with pytest.raises(ProcessorUnavailable):
                pay()
        assert first.result() == until_answered(pay)
    one_paid_invoice(here, payer)


def test_a_timeout_is_unavailable_and_the_money_may_move_later(standin, here, monkeypatch):
    monkeypatch.setattr("gateways.stripe.TIMEOUT", 0.3)
    payer = here.payer()
    invoice = here.prepared(payer)
    with StripePayments(standin.api_key, base_url=standin.base_url) as hasty:
        with held(standin, payer), pytest.raises(ProcessorUnavailable):
            hasty.pay(invoice, key=f"{invoice}:pay:1")
        outcome = until_answered(lambda: hasty.pay(invoice, key=f"{invoice}:pay:1"), 2000)
    assert isinstance(outcome, Paid)
    one_paid_invoice(here, payer)


@pytest.mark.parametrize("fault", ["lost", "500", "500 with effect", "429"])
def test_a_broken_void_ends_void_or_paid_never_both(here, standin, fault):
    payer = here.payer()
    invoice = here.prepared(payer)
    kind, _, effect = fault.partition(" ")
    standin.post("/_fault", fault=kind, effect=bool(effect), path="*/void", customer=payer)
    state = until_answered(lambda: here.payments.void(invoice, key=f"{invoice}:void"))
    assert state == Closed("closed", invoice)
    assert here.payments.pay(invoice, key=f"{invoice}:pay:1") == state


@pytest.mark.parametrize("fault", ["lost", "500", "500 with effect", "drop"])
def test_a_broken_refund_is_sent_once(here, standin, fault):
    payer = here.payer()
    invoice = here.prepared(payer)
    here.payments.pay(invoice, key=f"{invoice}:pay:1")
    kind, _, effect = fault.partition(" ")
    order = {"fault": kind, "effect": bool(effect), "path": "/v1/credit_notes"}
    standin.post("/_fault", **order, customer=payer)
    key = f"{invoice}:refund"
    note = until_answered(lambda: here.payments.refund(invoice, 500, reason="r", key=key))
    assert here.payments.refund(invoice, 500, reason="r", key=key) == note
    assert standin.get("/_ledger")["customers"][payer]["refunded_total"] == {"usd": 500}


@pytest.mark.parametrize(
    ("code", "advice", "decline"),
    [
        ("insufficient_funds", "try_again_later", Decline.SOFT),
        ("insufficient_funds", "do_not_try_again", Decline.HARD),
        ("do_not_honor", "confirm_card_data", Decline.HARD),
        ("stolen_card", "", Decline.HARD),
        ("never_seen_before", "", Decline.SOFT),
        ("authentication_required", "", Decline.NEEDS_CUSTOMER),
        ("invoice_payment_intent_requires_action", "", Decline.NEEDS_CUSTOMER),
    ],
)
def test_a_decline_is_classified_by_what_the_bank_said(here, standin, code, advice, decline):
    payer = here.payer()
    invoice = here.prepared(payer)
    standin.post("/_fault", fault="decline", code=code, advice=advice, customer=payer)
    outcome = here.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert isinstance(outcome, Declined)
    assert (outcome.decline, outcome.advice) == (decline, advice)
    assert here.payments.read(invoice) == outcome


def test_the_nth_charge_declines_and_the_others_do_not(here, standin):
    payer = here.payer()
    standin.post("/_fault", fault="decline", after=1, count=1, customer=payer)
    invoices = [here.prepared(payer) for _ in range(3)]
    kinds = [here.payments.pay(invoice, key=f"{invoice}:pay:1").kind for invoice in invoices]
    assert kinds == ["paid", "declined", "paid"]


def test_other_parameters_under_a_used_key_are_a_refusal(here):
    payer = here.payer()
    first, second = here.prepared(payer), here.prepared(payer)
    key = here.name("pay")
    here.payments.pay(first, key=key)
    with pytest.raises(ProcessorRefusal) as refusal:
        here.payments.pay(second, key=key)
    assert refusal.value.reason == "idempotency_error"
    assert here.paid(payer) == [1170]


def test_the_library_never_retries_by_itself(here, standin):
    payer = here.payer()
    invoice = here.prepared(payer)
    before = standin.get("/_health")["requests"]
    standin.post("/_fault", fault="drop", path="*/pay", customer=payer)
    with pytest.raises(ProcessorUnavailable):
        here.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert standin.get("/_health")["requests"] == before + 1


def test_a_card_that_the_bank_refuses_to_save_is_a_refusal(here):
    payer = here.payer()
    token = {"token": "tok_visa_chargeDeclinedLostCard"}
    card = here.client.payment_methods.create({"type": "card", "card": token})
    with pytest.raises(ProcessorRefusal) as refusal:
        here.payments.use_payment_method(payer, card.id, key=here.name("use"))
    assert refusal.value.reason == "lost_card"


def test_a_live_key_is_not_for_the_stand_in(standin):
    with (
        StripePayments("sk_live_123", base_url=standin.base_url) as payments,
        pytest.raises(ProcessorUnavailable),
    ):
        payments.read("in_1")


def test_nobody_listening_is_unavailable():
    with (
        StripePayments("sk_test_x", base_url="http://127.0.0.1:9") as payments,
        pytest.raises(ProcessorUnavailable),
    ):
        payments.read("in_1")


def test_a_closed_connection_names_no_secret(here, standin):
    standin.post("/_fault", fault="drop", method="GET")
    with pytest.raises(ProcessorUnavailable) as unavailable:
        here.payments.read("in_1")
    assert standin.api_key not in str(unavailable.value)
    assert isinstance(unavailable.value.__cause__, stripe.APIConnectionError)
