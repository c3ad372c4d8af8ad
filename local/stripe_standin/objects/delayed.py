"""Payments decided later: bank debits, and cards whose holder must agree first.

https://docs.stripe.com/payments/ach-direct-debit, https://docs.stripe.com/payments/sepa-debit:
`pay` answers 200 with the invoice still open and its intent `processing`; days later it succeeds,
or fails and the intent wants another payment method. `POST /_settle` says when and how.
"""

from local.stripe_standin.objects.charging import intent_of, succeed
from local.stripe_standin.objects.refusals import invalid
from local.stripe_standin.store import Json
from local.stripe_standin.world import World


def settle(world: World, order: Json) -> Json:
    """Carry out `{"invoice": …}`: the money comes; with `"code": …` the bank refuses."""
    invoice = world.get("invoice", order["invoice"], "invoice")
    intent = intent_of(world, invoice)
    if intent["status"] != "processing":
        raise invalid(f"Nothing is on its way: the intent is {intent['status']}")
    charge = world.get("charge", intent["latest_charge"], "charge")
    method = world.get("payment_method", charge["payment_method"], "payment_method")
    if code := order.get("code"):
        _fail(world, invoice=invoice, intent=intent, charge=charge, method=method, code=code)
    else:
        charge |= {"status": "succeeded", "paid": True, "captured": True}
        charge["amount_captured"] = charge["amount"]
        world.store.put(charge)
        succeed(world, invoice=invoice, intent=intent, method=method, charge=charge)
    return {"invoice": invoice["id"], "status": invoice["status"], "intent": intent["status"]}


def _fail(world: World, invoice: Json, intent: Json, charge: Json, method: Json, code: str) -> None:
    message = f"The payment failed: {code}."
    charge |= {"status": "failed", "failure_code": code, "failure_message": message}
    world.store.put(charge)
    error = {"type": "invalid_request_error", "code": code, "charge": charge["id"]}
    error |= {"message": message, "payment_method": method, "payment_method_type": method["type"]}
    intent |= {"status": "requires_payment_method", "last_payment_error": error}
    intent["payment_method"] = None
    world.store.put(intent)
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    world.emit("invoice.payment_failed", invoice)
