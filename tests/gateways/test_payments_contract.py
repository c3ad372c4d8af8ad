"""What the engine relies on of charges, on the stand-in and on Stripe's test mode alike."""

from dataclasses import replace

import pytest

from domain.payments.charges import Closed, Decline, Declined, Paid, Unclear, Unpaid
from domain.payments.kinds import PaymentKind
from gateways.payments import ProcessorRefusal


def test_preparing_moves_no_money(anywhere):
    payer = anywhere.payer()
    invoice = anywhere.prepared(payer, 900, 270)
    assert anywhere.payments.read(invoice) == Unpaid("unpaid", invoice)
    assert anywhere.paid(payer) == []


def test_an_invoice_carries_the_charges_lines_and_names(anywhere):
    payer = anywhere.payer()
    charge = anywhere.charge(payer, 900, 270, -70)
    invoice = anywhere.payments.prepare(charge, key=charge.charge_id).invoice
    made = anywhere.client.invoices.retrieve(invoice)
    assert sorted(line.amount for line in made.lines.data) == [-70, 270, 900]
    assert made.metadata.to_dict() == {
        "charge_id": charge.charge_id,
        "customer_id": "customer",
        "subscription_id": "subscription",
        "kind": "auto_purchase",
    }
    assert made.auto_advance is False


@pytest.mark.parametrize("suffix", ["", ":another-key"])
def test_preparing_a_charge_again_gives_the_same_invoice(anywhere, suffix):
    payer = anywhere.payer()
    charge = anywhere.charge(payer, 900, 270)
    first = anywhere.payments.prepare(charge, key=charge.charge_id)
    assert anywhere.payments.prepare(charge, key=charge.charge_id + suffix) == first
    assert len(anywhere.invoices(payer)) == 1


def test_paying_takes_the_whole_amount_once(anywhere):
    payer = anywhere.payer()
    invoice = anywhere.prepared(payer, 900, 270)
    outcome = anywhere.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert isinstance(outcome, Paid)
    assert (outcome.amount_minor, outcome.card) == (1170, "Visa ···4242")
    assert outcome.invoice_number
    assert outcome.invoice_url.startswith("http")
    assert anywhere.paid(payer) == [1170]


@pytest.mark.parametrize("attempt", [1, 2])
def test_paying_again_under_any_key_answers_paid_and_takes_nothing(anywhere, attempt):
    payer = anywhere.payer()
    invoice = anywhere.prepared(payer)
    first = anywhere.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert anywhere.payments.pay(invoice, key=f"{invoice}:pay:{attempt}") == first
    assert anywhere.payments.read(invoice) == first
    assert anywhere.paid(payer) == [1170]


def test_a_declining_card_is_a_value_and_leaves_the_charge_open(anywhere):
    payer = anywhere.payer("pm_card_chargeCustomerFail")
    invoice = anywhere.prepared(payer)
    outcome = anywhere.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert isinstance(outcome, Declined)
    assert outcome.decline is Decline.SOFT
    assert (outcome.code, outcome.card) == ("generic_decline", "Visa ···0341")
    assert outcome.invoice_url.startswith("http")
    assert anywhere.payments.read(invoice) == outcome
    assert anywhere.paid(payer) == []


def test_a_bank_that_wants_confirmation_needs_the_customer(anywhere):
    payer = anywhere.payer("pm_card_authenticationRequired")
    outcome = anywhere.payments.pay(anywhere.prepared(payer), key=anywhere.name("pay"))
    assert isinstance(outcome, Declined)
    assert outcome.decline is Decline.NEEDS_CUSTOMER
    assert outcome.code == "authentication_required"


def test_a_new_card_and_a_new_key_collect_what_was_declined(anywhere):
    payer = anywhere.payer("pm_card_chargeCustomerFail")
    invoice = anywhere.prepared(payer)
    anywhere.payments.pay(invoice, key=f"{invoice}:pay:1")
    anywhere.card(payer, "pm_card_mastercard")
    outcome = anywhere.payments.pay(invoice, key=f"{invoice}:pay:2")
    assert isinstance(outcome, Paid)
    assert outcome.card == "Mastercard ···4444"
    assert anywhere.paid(payer) == [1170]


def test_the_key_of_a_declined_attempt_never_collects(anywhere):
    payer = anywhere.payer("pm_card_chargeCustomerFail")
    invoice = anywhere.prepared(payer)
    first = anywhere.payments.pay(invoice, key=f"{invoice}:pay:1")
    anywhere.card(payer, "pm_card_visa")
    assert anywhere.payments.pay(invoice, key=f"{invoice}:pay:1") == first
    assert anywhere.paid(payer) == []


def test_without_a_card_the_answer_is_a_hard_decline(anywhere):
    payer = anywhere.payer(None)
    outcome = anywhere.payments.pay(anywhere.prepared(payer), key=anywhere.name("pay"))
    assert isinstance(outcome, Declined)
    assert (outcome.decline, outcome.code) == (Decline.HARD, "no_payment_method")


def test_a_void_charge_can_no_longer_be_paid(anywhere):
    payer = anywhere.payer()
    charge = anywhere.charge(payer)
    invoice = anywhere.payments.prepare(charge, key=charge.charge_id).invoice
    for _ in range(2):
        state = anywhere.payments.void(invoice, key=f"{invoice}:void")
        assert state == Closed("closed", invoice)
    assert anywhere.payments.void(invoice, key=f"{invoice}:void:2") == Closed("closed", invoice)
    assert anywhere.payments.pay(invoice, key=f"{invoice}:pay:1") == Closed("closed", invoice)
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.payments.prepare(charge, key=charge.charge_id)
    assert refusal.value.reason == "charge_voided"
    assert anywhere.paid(payer) == []


def test_giving_up_a_charge_that_was_paid_meanwhile_answers_paid(anywhere):
    payer = anywhere.payer()
    invoice = anywhere.prepared(payer)
    paid = anywhere.payments.pay(invoice, key=f"{invoice}:pay:1")
    assert anywhere.payments.void(invoice, key=f"{invoice}:void") == paid


@pytest.mark.parametrize("amounts", [(0,), (-5,), (900, -900), (100, -200)])
def test_a_charge_that_is_not_positive_is_refused_before_anything_is_made(anywhere, amounts):
    payer = anywhere.payer()
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.prepared(payer, *amounts)
    assert refusal.value.reason == "amount_not_positive"
    assert anywhere.invoices(payer) == []


def test_below_the_minimum_nothing_counts_as_paid_and_no_debt_stays(anywhere):
    payer = anywhere.payer()
    charge = anywhere.charge(payer, 12)
    for _ in range(2):
        with pytest.raises(ProcessorRefusal) as refusal:
            anywhere.payments.prepare(charge, key=charge.charge_id)
        assert refusal.value.reason == "amount_too_small"
    [invoice] = anywhere.invoices(payer)
    unclear = Unclear("unclear", invoice.id, "settled_without_payment")
    assert anywhere.payments.read(invoice.id) == unclear
    assert anywhere.client.customers.retrieve(payer).balance == 0
    assert anywhere.paid(payer) == []


@pytest.mark.parametrize("balance", [-2000, -300, 300])
def test_a_payers_balance_never_changes_what_a_charge_demands(anywhere, balance):
    payer = anywhere.payer()
    move = {"amount": balance, "currency": "usd"}
    anywhere.client.customers.balance_transactions.create(payer, move)
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.prepared(payer, 1170)
    assert refusal.value.reason == "payer_balance_not_zero"
    assert anywhere.client.customers.retrieve(payer).balance == balance
    assert anywhere.paid(payer) == []


def test_a_refund_sends_back_its_amount_once(anywhere):
    payer = anywhere.payer()
    invoice = anywhere.prepared(payer, 4500)
    anywhere.payments.pay(invoice, key=f"{invoice}:pay:1")
    keys = [f"{invoice}:refund:1", f"{invoice}:refund:1", f"{invoice}:refund:2"]
    notes = [anywhere.payments.refund(invoice, 2000, reason="unused", key=k) for k in keys]
    assert notes[0] == notes[1] != notes[2]
    refunded = anywhere.client.invoices.retrieve(invoice).post_payment_credit_notes_amount
    assert refunded == 4000
    with pytest.raises(ProcessorRefusal):
        anywhere.payments.refund(invoice, 501, reason="too much", key=f"{invoice}:refund:3")


def test_a_refund_that_we_asked_for_is_read_back_by_our_name(anywhere):
    payer = anywhere.payer()
    charge = anywhere.charge(payer, 4500)
    invoice = anywhere.payments.prepare(charge, key=charge.charge_id).invoice
    anywhere.payments.pay(invoice, key=anywhere.name("pay"))
    key = anywhere.name("refund")
    note = anywhere.payments.refund(invoice, 2700, reason="unused", key=key)
    made = anywhere.client.credit_notes.retrieve(note).refunds[0].refund
    found = anywhere.payments.refunded(made)
    assert (found.kind, found.name, found.state, found.amount_minor) == (
        "refund",
        key,
        "made",
        2700,
    )
    assert (found.invoice, found.charge_id) == (invoice, charge.charge_id)
    assert found.customer_id == charge.customer_id


def test_a_refund_made_at_the_processor_is_read_back_by_its_own_name(anywhere):
    payer = anywhere.payer()
    invoice = anywhere.prepared(payer, 4500)
    anywhere.payments.pay(invoice, key=anywhere.name("pay"))
    paid = anywhere.client.invoices.retrieve(invoice, {"expand": ["payments"]}).payments.data[0]
    intent = paid.payment.payment_intent
    made = anywhere.client.refunds.create({"payment_intent": intent, "amount": 500})
    found = anywhere.payments.refunded(made.id)
    assert (found.name, found.invoice, found.amount_minor) == (made.id, invoice, 500)


@pytest.mark.parametrize("payer_has", ["pm_card_visa", None])
def test_an_account_is_used_only_where_bank_debits_are_taken(anywhere, payer_has):
    payer = anywhere.payer(payer_has)
    before = anywhere.payments.default_payment_method(payer)
    account = "pm_usBankAccount_success"
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.payments.use_payment_method(payer, account, key=anywhere.name("use"))
    assert refusal.value.reason == "payment_method_not_accepted"
    assert anywhere.payments.default_payment_method(payer) == before

    kinds = tuple(PaymentKind)
    used = anywhere.payments.use_payment_method(
        payer, account, key=anywhere.name("use"), kinds=kinds
    )
    assert (used.kind, used.card) == (PaymentKind.BANK_DEBIT, "Bank account ···6789")
    assert anywhere.payments.default_payment_method(payer) == used

    cards_only = anywhere.prepared(payer)
    declined = anywhere.payments.pay(cards_only, key=anywhere.name("pay"))
    assert (declined.decline, declined.code) == (Decline.HARD, "payment_method_not_accepted")
    charge = replace(anywhere.charge(payer), takes=kinds)
    either = anywhere.payments.prepare(charge, key=charge.charge_id).invoice
    assert anywhere.payments.pay(either, key=anywhere.name("pay")).kind == "processing"


def test_what_is_unknown_is_a_refusal_that_says_so(anywhere):
    payments = anywhere.payments
    for call in (
        lambda: payments.read("in_unknown"),
        lambda: payments.pay("in_unknown", key=anywhere.name("pay")),
        lambda: payments.void("in_unknown", key=anywhere.name("void")),
        lambda: payments.payment_method("pm_unknown"),
        lambda: payments.default_payment_method("cus_unknown"),
    ):
        with pytest.raises(ProcessorRefusal) as refusal:
            call()
        assert refusal.value.reason == "resource_missing"


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_that_protects_nothing_is_refused(anywhere, key):
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.payments.pay("in_any", key=key)
    assert refusal.value.reason == "invalid_idempotency_key"


@pytest.mark.parametrize(("currency", "most"), [("usd", 99_999_999), ("inr", 999_999_999)])
def test_above_the_maximum_nothing_is_made(anywhere, currency, most):
    payer = anywhere.payer()
    charge = replace(anywhere.charge(payer, most + 1), currency=currency)
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.payments.prepare(charge, key=charge.charge_id)
    assert refusal.value.reason == "amount_too_large"
    assert anywhere.invoices(payer) == []
