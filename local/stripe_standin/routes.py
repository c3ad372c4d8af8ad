"""Which function answers which operation of Stripe's API."""

from collections.abc import Callable

from local.stripe_standin import outside
from local.stripe_standin.lists import page
from local.stripe_standin.objects import (
    credit_notes,
    customers,
    invoices,
    payment_methods,
    promotions,
    returns,
)
from local.stripe_standin.pages import sessions
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

Answer = Callable[[World, Json, Json], Json]


def _one(kind: str, name: str) -> Answer:
    def retrieve(world: World, ids: Json, _: Json) -> Json:
        return world.get(kind, ids[name])

    return retrieve


def _all(kind: str, url: str) -> Answer:
    def listed(world: World, _: Json, params: Json) -> Json:
        return page(url, world.store.every(kind), params)

    return listed


ROUTES: dict[str, Answer] = {
    "post /v1/billing_portal/sessions": sessions.open_portal,
    "post /v1/checkout/sessions": sessions.open_checkout,
    "get /v1/checkout/sessions/{session}": sessions.retrieve_checkout,
    "post /v1/coupons": promotions.create_coupon,
    "get /v1/coupons": promotions.coupons_listed,
    "get /v1/coupons/{coupon}": promotions.retrieve_coupon,
    "post /v1/coupons/{coupon}": promotions.update_coupon,
    "delete /v1/coupons/{coupon}": promotions.delete_coupon,
    "post /v1/credit_notes": credit_notes.create,
    "get /v1/credit_notes": credit_notes.listed,
    "get /v1/credit_notes/{id}": credit_notes.retrieve,
    "post /v1/customers": customers.create,
    "get /v1/customers": customers.listed,
    "get /v1/customers/{customer}": customers.retrieve,
    "post /v1/customers/{customer}": customers.update,
    "delete /v1/customers/{customer}": customers.delete,
    "post /v1/customers/{customer}/balance_transactions": customers.adjust_balance,
    "get /v1/customers/{customer}/balance_transactions": customers.balance_listed,
    "get /v1/customers/{customer}/payment_methods": payment_methods.listed,
    "get /v1/disputes/{dispute}": _one("dispute", "dispute"),
    "get /v1/events": _all("event", "/v1/events"),
    "get /v1/events/{id}": _one("event", "id"),
    "get /v1/invoice_payments": returns.invoice_payments,
    "post /v1/invoiceitems": invoices.add_item,
    "post /v1/invoices": invoices.create,
    "get /v1/invoices": invoices.listed,
    "post /v1/invoices/create_preview": invoices.preview,
    "get /v1/invoices/{invoice}": invoices.retrieve,
    "post /v1/invoices/{invoice}/finalize": invoices.finalize,
    "get /v1/invoices/{invoice}/lines": invoices.lines,
    "post /v1/invoices/{invoice}/mark_uncollectible": outside.write_off,
    "post /v1/invoices/{invoice}/pay": invoices.pay,
    "post /v1/invoices/{invoice}/void": invoices.void,
    "get /v1/payment_intents": _all("payment_intent", "/v1/payment_intents"),
    "get /v1/payment_intents/{intent}": _one("payment_intent", "intent"),
    "post /v1/payment_methods": payment_methods.create,
    "get /v1/payment_methods": payment_methods.listed,
    "get /v1/payment_methods/{payment_method}": payment_methods.retrieve,
    "post /v1/payment_methods/{payment_method}/attach": payment_methods.attach,
    "post /v1/payment_methods/{payment_method}/detach": payment_methods.detach,
    "post /v1/promotion_codes": promotions.create,
    "get /v1/promotion_codes": promotions.listed,
    "get /v1/promotion_codes/{promotion_code}": promotions.retrieve,
    "post /v1/promotion_codes/{promotion_code}": promotions.update,
    "get /v1/refunds": _all("refund", "/v1/refunds"),
    "post /v1/refunds": returns.create_refund,
    "get /v1/refunds/{refund}": _one("refund", "refund"),
    "get /v1/setup_intents/{intent}": _one("setup_intent", "intent"),
}
