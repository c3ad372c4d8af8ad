"""The stand-in answers as Stripe documents: parameters, keys, states, lists."""

from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
import stripe
from stripe import CardError, IdempotencyError, InvalidRequestError

from tests.payer import held
from tests.processor import plain_client


def raw(client, method, path, **params):
    """Send what the typed client would not: a wrong parameter, an unknown path."""
    return client._requestor.request(method, path, base_address="api", params=params)


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/v1/customers", {"e_mail": "a@b.c"}, "parameter_unknown"),
        ("/v1/invoices", {"auto_advance": "perhaps"}, "parameter_invalid"),
        ("/v1/invoices", {"collection_method": "by_force"}, "parameter_invalid"),
        ("/v1/invoiceitems", {"amount": "1.5"}, "parameter_invalid_integer"),
        ("/v1/credit_notes", {}, "parameter_missing"),
        ("/v1/invoices/in_1/pay", {"offsession": "true"}, "parameter_unknown"),
        ("/v1/customers", {"metadata": "x"}, "parameter_invalid"),
        ("/v1/customers", {"invoice_settings": {"default_card": "x"}}, "parameter_unknown"),
    ],
)
def test_a_request_that_the_description_forbids_is_refused(client, path, params, code):
    with pytest.raises(InvalidRequestError) as refusal:
        raw(client, "post", path, **params)
    assert refusal.value.http_status == 400
    assert refusal.value.code == code


def test_an_unknown_path_does_not_exist(client):
    with pytest.raises(InvalidRequestError) as refusal:
        raw(client, "post", "/v1/invoice")
    assert refusal.value.http_status == 404


def test_what_is_not_modelled_says_so(client):
    with pytest.raises(InvalidRequestError, match="stand-in does not model"):
        client.customers.create({"tax_exempt": "exempt"})


def test_a_missing_or_live_api_key_is_refused(standin):
    for key in ("sk_live_x", " "):
        strange = plain_client(key, standin.base_url)
        with pytest.raises(stripe.AuthenticationError):
            strange.customers.list()


def test_a_key_replays_its_first_answer_and_says_so(client):
    first = client.customers.create({"name": "Ann"}, {"idempotency_key": "replay-1"})
    again = client.customers.create({"name": "Ann"}, {"idempotency_key": "replay-1"})
    assert again.id == first.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"


def test_a_key_with_other_parameters_or_another_path_is_refused(client, desk):
    client.customers.create({"name": "Ann"}, {"idempotency_key": "other-1"})
    with pytest.raises(IdempotencyError):
        client.customers.create({"name": "Bob"}, {"idempotency_key": "other-1"})
    with pytest.raises(IdempotencyError):
        client.customers.update(desk.payer(), {"name": "Ann"}, {"idempotency_key": "other-1"})


def test_a_decline_is_stored_under_its_key(client, desk):
    payer = desk.payer("pm_card_chargeCustomerFail")
    invoice = desk.invoice(payer)
    for _ in range(2):
        with pytest.raises(CardError):
            client.invoices.pay(invoice, {}, {"idempotency_key": f"{invoice}-pay"})
    assert client.payment_intents.list({"customer": payer}).data[0].status == (
        "requires_payment_method"
    )
    assert client.invoices.retrieve(invoice).attempt_count == 1


def test_a_server_error_is_stored_under_its_key_and_a_limit_is_not(standin, client):
    for fault, stored in (("500", True), ("429", False)):
        standin.post("/_fault", fault=fault, path="/v1/customers")
        outcomes = []
        for _ in range(2):
            try:
                client.customers.create({"name": "Ann"}, {"idempotency_key": f"stored-{fault}"})
                outcomes.append("made")
            except (stripe.APIError, stripe.RateLimitError) as error:
                outcomes.append(error.http_status)
        assert outcomes == ([500, 500] if stored else [429, "made"])


def test_what_fails_validation_binds_no_key(client):
    with pytest.raises(InvalidRequestError):
        raw(client, "post", "/v1/customers", shoe_size="9")
    made = client.customers.create({"name": "Ann"}, {"idempotency_key": "validated-1"})
    assert made.name == "Ann"


def test_one_key_at_once_executes_once(standin, client, connect):
    def create(_):
        try:
            return (
                connect(standin).customers.create({"name": "A"}, {"idempotency_key": "busy-1"}).id
            )
        except stripe.APIError as error:
            return error.http_status

    with ThreadPoolExecutor(4) as pool:
        with held(standin, path="/v1/customers"):
            answers = as_completed([pool.submit(create, one) for one in range(4)])
            refused = [next(answers).result() for _ in range(3)]
        outcomes = [*refused, next(answers).result()]
    assert refused == [409, 409, 409]
    settled = client.customers.create({"name": "A"}, {"idempotency_key": "busy-1"})
    assert settled.id in outcomes


@pytest.mark.parametrize(
    ("card", "code", "decline"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
def test_cards_that_decline_always_cannot_even_be_saved(client, card, code, decline):
    customer = client.customers.create()
    with pytest.raises(CardError) as refusal:
        client.payment_methods.attach(card, {"customer": customer.id})
    assert refusal.value.http_status == 402
    assert refusal.value.code == code
    assert getattr(refusal.value.error, "decline_code", None) == decline
    assert client.payment_methods.list({"customer": customer.id}).data == []


def test_a_decline_carries_what_stripe_puts_in(client, desk):
    invoice = desk.invoice(desk.payer("pm_card_chargeCustomerFail"))
    with pytest.raises(CardError) as refusal:
        client.invoices.pay(invoice)
    error = refusal.value.error
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_method.card.last4 == "0341"
    assert client.invoices.retrieve(invoice).status == "open"


def test_a_card_that_needs_its_holder_is_charged_only_on_session(client, desk):
    invoice = desk.invoice(desk.payer("pm_card_authenticationRequired"))
    with pytest.raises(CardError) as refusal:
        client.invoices.pay(invoice, {"off_session": True})
    assert refusal.value.code == "authentication_required"
    assert client.invoices.pay(invoice, {"off_session": False}).status == "paid"


@pytest.mark.parametrize("what", ["pay", "void_invoice", "finalize_invoice"])
def test_a_paid_invoice_stays_paid(client, desk, what):
    invoice = desk.invoice(desk.payer())
    client.invoices.pay(invoice)
    with pytest.raises(InvalidRequestError):
        getattr(client.invoices, what)(invoice)
    assert client.invoices.retrieve(invoice).status == "paid"


def test_a_detached_card_is_gone_for_good(client, desk):
    payer = desk.payer()
    card = client.customers.retrieve(payer).invoice_settings.default_payment_method
    client.payment_methods.detach(card)
    assert client.customers.retrieve(payer).invoice_settings.default_payment_method is None
    with pytest.raises(InvalidRequestError):
        client.payment_methods.attach(card, {"customer": payer})


def test_lists_are_newest_first_and_in_pages(client, desk):
    payer = desk.payer()
    made = [desk.invoice(payer) for _ in range(5)]
    page = client.invoices.list({"customer": payer, "limit": 2})
    assert [invoice.id for invoice in page.data] == made[:2:-1]
    assert page.has_more
    everything = client.invoices.list({"customer": payer, "limit": 2}).auto_paging_iter()
    assert [invoice.id for invoice in everything] == made[::-1]
    before = client.invoices.list({"customer": payer, "limit": 2, "ending_before": made[0]})
    assert [invoice.id for invoice in before.data] == [made[2], made[1]]


def test_expansion_puts_objects_in_place_of_ids(client, desk):
    invoice = desk.invoice(desk.payer())
    path = "payments.data.payment.payment_intent"
    paid = client.invoices.pay(invoice, {"expand": [path]})
    assert paid.payments.data[0].payment.payment_intent.status == "succeeded"
    again = client.invoices.retrieve(invoice, {"expand": ["payments"]})
    assert isinstance(again.payments.data[0].payment.payment_intent, str)
    with pytest.raises(InvalidRequestError):
        client.invoices.retrieve(invoice, {"expand": [f"{path}.payment_method"]})


def test_the_ledger_names_every_paid_invoice(standin, client, desk):
    payer = desk.payer()
    paid, unpaid = desk.invoice(payer), desk.invoice(payer, 500)
    client.invoices.pay(paid)
    note = {"invoice": paid, "amount": 170, "refund_amount": 170}
    client.credit_notes.create(note)
    account = standin.get("/_ledger")["customers"][payer]
    assert [(line["invoice"], line["charge_id"]) for line in account["paid"]] == [(paid, "c-1")]
    assert unpaid not in str(account)
    assert account["paid_total"] == {"usd": 1170}
    assert account["refunded_total"] == {"usd": 170}
    assert account["attempts"] == 1


def test_a_fault_can_be_aimed_at_one_customer(standin, client, desk):
    ann, bob = desk.payer(), desk.payer()
    invoices = {payer: desk.invoice(payer) for payer in (ann, bob)}
    standin.post("/_fault", fault="429", path="/v1/invoices/*/pay", customer=bob)
    assert client.invoices.pay(invoices[ann]).status == "paid"
    with pytest.raises(stripe.RateLimitError):
        client.invoices.pay(invoices[bob])
    assert client.invoices.pay(invoices[bob]).status == "paid"


@pytest.mark.parametrize("order", [{"fault": "earthquake"}, {"shape": "round"}, {}])
def test_a_fault_that_does_not_exist_is_refused(standin, order):
    with pytest.raises(OSError, match="400"):
        standin.post("/_fault", **order)
    assert standin.get("/_fault")["faults"] == []


def test_the_health_counts_checked_messages_and_calls_itself_a_stand_in(standin, desk):
    before = standin.get("/_health")
    desk.invoice(desk.payer())
    after = standin.get("/_health")
    assert after["stand_in"] is True
    assert after["answers_checked"] > before["answers_checked"]
    assert after["violations"] == 0
