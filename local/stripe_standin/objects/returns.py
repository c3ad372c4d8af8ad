"""Money that goes back: refunds, and disputes that a cardholder's bank opens and decides.

https://docs.stripe.com/refunds, https://docs.stripe.com/disputes/how-disputes-work,
https://docs.stripe.com/api/disputes/object, https://docs.stripe.com/error-codes. A dispute takes
the money at once (`needs_response`); winning it brings the money back. Inquiries, which take no
money, are not modelled; neither are fees.
"""

from local.stripe_standin.lists import page
from local.stripe_standin.objects.amounts import check_amount
from local.stripe_standin.objects.charging import intent_of
from local.stripe_standin.objects.customers import merged
from local.stripe_standin.objects.refusals import invalid, not_modelled
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

KNOWN = frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"})
CLOSED = frozenset({"won", "lost"})
WEEK = 7 * 24 * 3600  # seconds; banks give one to three of them for an answer


def create_refund(world: World, _: Json, params: Json) -> Json:
    """POST /v1/refunds: send a part of a charge back, or all that is left."""
    if unknown := params.keys() - KNOWN:
        raise not_modelled(f"{', '.join(sorted(unknown))} of refunds")
    if ("charge" in params) == ("payment_intent" in params):
        raise invalid("One of these parameters is required: charge, payment_intent.")
    charge = _charge(world, params)
    left = charge["amount"] - charge["amount_refunded"]
    refund = give_back(world, charge, params.get("amount", left))
    refund["metadata"] = merged(None, params.get("metadata"))
    refund["reason"] = params.get("reason")
    tell_refunded(world, refund, charge)
    return refund


def give_back(world: World, charge: Json, amount: int) -> Json:
    """Refund part of a charge; refused once disputed, or beyond what is left."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise invalid(message, code="charge_disputed")
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise invalid(message, param="amount")
    check_amount(amount, charge["currency"])
    _count(world, charge, amount)
    return world.new(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata={},
        payment_intent=charge["payment_intent"],
        status="succeeded",
    )


def tell_refunded(world: World, refund: Json, charge: Json) -> None:
    """Tell the world of a refund."""
    world.store.put(refund)
    world.emit("refund.created", refund)
    world.emit("charge.refunded", charge)


def fail_refund(world: World, order: Json) -> Json:
    """Let a refund fail afterwards, as the card `pm_card_refundFail` does on its own."""
    refund = world.get("refund", order["refund"])
    if refund["status"] != "failed":
        charge = world.get("charge", refund["charge"])
        _count(world, charge, -refund["amount"])
        refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        world.store.put(refund)
        world.emit("refund.failed", refund)
    return refund


def dispute(world: World, order: Json) -> Json:
    """Carry out `{"invoice": …, "amount": …}`: open; or `{"dispute": …, "status": …}`: close."""
    if "dispute" in order:
        return _close(world, world.get("dispute", order["dispute"]), order["status"])
    invoice = world.get("invoice", order["invoice"], "invoice")
    charge = world.get("charge", intent_of(world, invoice)["latest_charge"] or "none", "charge")
    if not charge["paid"] or charge["disputed"]:
        raise invalid("Only a charge that was paid and is not disputed can be disputed")
    return _open(world, charge, int(order.get("amount") or charge["amount"]))


def _open(world: World, charge: Json, amount: int) -> Json:
    charge["disputed"] = True
    world.store.put(charge)
    opened = world.new(
        "dispute",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        is_charge_refundable=False,
        payment_intent=charge["payment_intent"],
        reason="fraudulent",
        status="needs_response",
    )
    opened["evidence_details"]["due_by"] = world.now() + WEEK
    world.store.put(opened)
    world.emit("charge.dispute.created", opened)
    world.emit("charge.dispute.funds_withdrawn", opened)
    return opened


def _close(world: World, opened: Json, status: str) -> Json:
    if status not in CLOSED or opened["status"] in CLOSED:
        raise invalid(f"A dispute that is {opened['status']} cannot become {status}")
    opened["status"] = status
    world.store.put(opened)
    if status == "won":
        charge = world.get("charge", opened["charge"])
        charge["disputed"] = False
        world.store.put(charge)
        world.emit("charge.dispute.funds_reinstated", opened)
    world.emit("charge.dispute.closed", opened)
    return opened


def invoice_payments(world: World, _: Json, params: Json) -> Json:
    """GET /v1/invoice_payments: which invoice a payment intent paid."""
    wanted = params.get("payment", {}).get("payment_intent")
    found = [
        {name: value for name, value in payment.items() if name != "customer"}
        for payment in world.store.every("invoice_payment")
        if wanted in (None, payment["payment"].get("payment_intent"))
    ]
    rest = {name: value for name, value in params.items() if name != "payment"}
    return page("/v1/invoice_payments", found, rest)


def _charge(world: World, params: Json) -> Json:
    if "charge" in params:
        return world.get("charge", params["charge"], "charge")
    intent = world.get("payment_intent", params["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        raise invalid("This PaymentIntent does not have a successful charge to refund.")
    return world.get("charge", intent["latest_charge"])


def _count(world: World, charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.store.put(charge)
