"""Saved cards: https://docs.stripe.com/api/payment_methods."""

from local.stripe_standin.lists import page
from local.stripe_standin.objects.cards import BY_FINGERPRINT, CARDS, Card, Outcome
from local.stripe_standin.objects.customers import ADDRESS, existing
from local.stripe_standin.objects.refusals import Refusal, invalid, missing, not_modelled
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

ROUTING = "110000000"
ACCOUNTS = {"000123456789": "pm_usBankAccount_success"}
IBANS = {"AT611904300234573201": "pm_sepaDebit_success"}
AT_THE_BANK = {
    "us_bank_account": {"bank_name": "STRIPE TEST BANK"},
    "sepa_debit": {"bank_code": "19043", "branch_code": "", "country": "AT"},
}
EXPIRY = {"exp_month": 12, "exp_year": 2034}
MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": (
        "Your card was declined. This transaction requires authentication."
    ),
}


def card_of(method: Json) -> Card:
    """Return the test card behind a payment method."""
    return BY_FINGERPRINT[method[method["type"]]["fingerprint"]]


def refusal_fields(outcome: Outcome) -> Json:
    """Return the fields of a card error: https://docs.stripe.com/api/errors."""
    reason = outcome.decline or outcome.code
    fields = {
        "code": outcome.code,
        "decline_code": outcome.decline,
        "advice_code": outcome.advice,
        "message": MESSAGES.get(reason, "Your card was declined."),
        "doc_url": f"https://docs.stripe.com/error-codes/{outcome.code.replace('_', '-')}",
    }
    return {name: value for name, value in fields.items() if value}


def card_refusal(outcome: Outcome, **fields: object) -> Refusal:
    """Make the 402 for a declined card."""
    given = refusal_fields(outcome)
    return Refusal(402, "card_error", given.pop("message"), **given, **fields)


def make(world: World, card: Card) -> Json:
    """Make an unattached payment method of a test card."""
    if card.type != "card":
        return _account(world, card)
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    details = world.spec.answers.blank("payment_method_card") | EXPIRY
    details |= {"brand": card.brand, "last4": card.last4, "funding": "credit", "country": "US"}
    details |= {"fingerprint": card.fingerprint, "checks": checks}
    return world.new("payment_method", type="card", card=details, metadata={})


def _account(world: World, card: Card) -> Json:
    details = world.spec.answers.blank(f"payment_method_{card.type}")
    details |= {"last4": card.last4, "fingerprint": card.fingerprint} | AT_THE_BANK[card.type]
    return world.new("payment_method", type=card.type, metadata={}) | {card.type: details}


def create(world: World, _: Json, params: Json) -> Json:
    """POST /v1/payment_methods of a test card's `card[token]`, or of a test account's numbers.

    https://docs.stripe.com/testing, https://docs.stripe.com/payments/ach-direct-debit,
    https://docs.stripe.com/payments/sepa-debit, which wants the holder's name and address of mail.
    """
    token = params.get("card", {}).get("token", "").replace("tok_", "pm_card_")
    account = params.get("us_bank_account", {})
    if account.get("routing_number") == ROUTING:
        token = ACCOUNTS.get(account.get("account_number", ""), "")
    if iban := params.get("sepa_debit", {}).get("iban"):
        token = IBANS.get(iban.replace(" ", ""), "")
        if not {"name", "email"} <= params.get("billing_details", {}).keys():
            raise invalid("billing_details[name] and [email] are required.")
    if token not in CARDS:
        raise not_modelled("payment methods other than those of test tokens, such as tok_visa")
    method = make(world, CARDS[token])
    details = dict(params.get("billing_details", {}))
    if address := details.pop("address", None):
        details["address"] = dict.fromkeys(ADDRESS) | address
    method["billing_details"] |= details
    world.store.put(method)
    return method


def attach(world: World, ids: Json, params: Json) -> Json:
    """POST /v1/payment_methods/{payment_method}/attach; a test name makes a new card each time."""
    if "customer" not in params:
        raise invalid("Missing required param: customer.", param="customer")
    customer = existing(world, params["customer"], "customer")
    name = ids["payment_method"]
    method = make(world, CARDS[name]) if name in CARDS else world.get("payment_method", name)
    return save(world, method, customer)


def save(world: World, method: Json, customer: Json) -> Json:
    """Attach a card to a customer, if the bank and its history allow."""
    if method["customer"]:
        message = "The payment method you provided has already been attached to a customer."
        raise invalid(message)
    if world.store.find("detached", method["id"]):
        # "After a PaymentMethod is detached, it can no longer be used … or re-attached."
        raise invalid("This PaymentMethod was detached from a Customer and may not be used again.")
    if (outcome := card_of(method).attach) is not None:
        raise card_refusal(outcome)
    method["customer"] = customer["id"]
    world.store.put(method)
    world.emit("payment_method.attached", method)
    return method


def detach(world: World, ids: Json, _: Json) -> Json:
    """POST /v1/payment_methods/{payment_method}/detach; clears it where it was the default."""
    method = world.get("payment_method", ids["payment_method"])
    if not method["customer"]:
        raise invalid("The payment method you provided is not attached to a customer.")
    customer = world.get("customer", method["customer"])
    method["customer"] = None
    world.store.put(method)
    world.store.put({"object": "detached", "id": method["id"]})
    world.emit("payment_method.detached", method)
    if customer.get("invoice_settings", {}).get("default_payment_method") == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
        world.store.put(customer)
        world.emit("customer.updated", customer)
    return method


def retrieve(world: World, ids: Json, _: Json) -> Json:
    """GET /v1/payment_methods/{payment_method}."""
    method = world.store.find("payment_method", ids["payment_method"])
    if method is None:
        raise missing("PaymentMethod", ids["payment_method"], "payment_method")
    return method


def listed(world: World, ids: Json, params: Json) -> Json:
    """GET /v1/customers/{customer}/payment_methods and GET /v1/payment_methods."""
    filters = dict(params)
    name = ids.get("customer") or filters.pop("customer", None)
    if name is None:
        raise not_modelled("lists of payment methods of no customer")
    methods = world.store.of_customer("payment_method", existing(world, name, "customer")["id"])
    return page(f"/v1/customers/{name}/payment_methods", methods, filters)
