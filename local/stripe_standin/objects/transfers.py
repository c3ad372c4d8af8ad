"""Invoices that are sent, and paid by transfer in one sum or in parts.

https://docs.stripe.com/invoicing/bank-transfer, https://docs.stripe.com/invoicing/partial-payments:
each part is a payment of its own; the invoice stays open until nothing remains, and what is too
much is credited to the customer. `POST /_transfer` says what a bank has received.
"""

from local.stripe_standin.objects.charging import emit_paid, intent_of, mark_paid
from local.stripe_standin.objects.customers import existing, move_balance
from local.stripe_standin.objects.refusals import invalid
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

SENT = "send_invoice"


def check_terms(world: World, params: Json) -> None:
    """Refuse a day that an invoice is due on unless it is sent, and one that is sent without."""
    sent = params.get("collection_method") == SENT
    if ("due_date" in params) != sent:
        message = f"You can set `due_date` only, and must, if `collection_method` is {SENT}."
        raise invalid(message, param="due_date")
    if sent and params["due_date"] <= world.now():
        raise invalid("`due_date` must be in the future.", param="due_date")


def transfer(world: World, order: Json) -> Json:
    """Carry out `{"invoice": …, "amount": …}`: so much has come, in minor units."""
    invoice = world.get("invoice", order["invoice"], "invoice")
    if invoice["status"] not in {"open", "uncollectible"} or invoice["collection_method"] != SENT:
        raise invalid(f"No transfer is awaited: {invoice['collection_method']} {invoice['status']}")
    amount = int(order["amount"])
    if amount < invoice["amount_remaining"]:
        _part(world, invoice, amount)
    else:
        _rest(world, invoice, amount)
    return {"invoice": invoice["id"], "status": invoice["status"]}


def _part(world: World, invoice: Json, amount: int) -> None:
    invoice["amount_paid"] += amount
    invoice["amount_remaining"] -= amount
    world.store.put(invoice)
    world.store.put(intent_of(world, invoice) | {"amount": invoice["amount_remaining"]})
    intent = _intent(world, invoice, amount)
    payment = world.new(
        "invoice_payment",
        amount_paid=amount,
        amount_requested=amount,
        currency=invoice["currency"],
        customer=invoice["id"],  # how the store finds it; not shown
        invoice=invoice["id"],
        is_default=False,
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
        status="paid",
    )
    world.emit("payment_intent.succeeded", intent)
    shown = {name: value for name, value in payment.items() if name != "customer"}
    world.emit("invoice_payment.paid", shown)
    world.emit("invoice.updated", invoice)


def _rest(world: World, invoice: Json, amount: int) -> None:
    rest, over = invoice["amount_remaining"], amount - invoice["amount_remaining"]
    intent = intent_of(world, invoice) | {"status": "succeeded", "amount_received": rest}
    world.store.put(intent)
    payment = world.store.of_customer("invoice_payment", invoice["id"])[0]
    payment |= {"status": "paid", "amount_paid": rest}
    world.store.put(payment)
    mark_paid(world, invoice, invoice["amount_paid"] + rest)
    if over:
        invoice["amount_overpaid"] = over
        world.store.put(invoice)
        customer = existing(world, invoice["customer"], "customer")
        move_balance(
            world,
            customer=customer,
            amount=-over,
            currency=invoice["currency"],
            kind="invoice_overpaid",
        )
        world.store.put(customer)
    world.emit("payment_intent.succeeded", intent)
    emit_paid(world, invoice)


def _intent(world: World, invoice: Json, amount: int) -> Json:
    return world.new(
        "payment_intent",
        amount=amount,
        amount_capturable=0,
        amount_received=amount,
        capture_method="automatic",
        confirmation_method="automatic",
        currency=invoice["currency"],
        customer=invoice["customer"],
        metadata={},
        payment_method_types=["customer_balance"],
        status="succeeded",
    )
