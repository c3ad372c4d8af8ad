"""What happens to an invoice without our asking: paid outside, written off, in any state at all.

https://docs.stripe.com/invoicing/overview: `paid_out_of_band` moves no money at Stripe; the payment
is a record, and the default payment is given up. `POST /_state` sets states that no request leads
to, so that every one that the description knows can be read.
"""

import secrets

from local.stripe_standin.objects.charging import intent_of, mark_paid
from local.stripe_standin.objects.refusals import invalid
from local.stripe_standin.store import Json
from local.stripe_standin.world import World


def pay_outside(world: World, invoice: Json) -> None:
    """Count an invoice as paid elsewhere, by a payment record."""
    total = invoice["amount_due"]
    _give_up_default(world, invoice)
    _record(world, invoice, total)
    mark_paid(world, invoice, 0)
    invoice["amount_paid_off_stripe"] = total
    world.store.put(invoice)
    world.emit("invoice.paid", invoice)


def write_off(world: World, ids: Json, _: Json) -> Json:
    """POST /v1/invoices/{invoice}/mark_uncollectible: of an open one; it can still be paid."""
    invoice = world.get("invoice", ids["invoice"], "invoice")
    if invoice["status"] != "open":
        raise invalid(f"Only open invoices can be written off, not {invoice['status']} ones")
    invoice["status"] = "uncollectible"
    invoice["status_transitions"]["marked_uncollectible_at"] = world.now()
    world.store.put(invoice)
    world.emit("invoice.marked_uncollectible", invoice)
    return invoice


def set_state(world: World, order: Json) -> Json:
    """Carry out `{"invoice": …, "status": …, "intent": …}`; an intent of null: it has none."""
    invoice = world.get("invoice", order["invoice"], "invoice")
    invoice["status"] = order["status"]
    paid = order["status"] == "paid"
    invoice["amount_paid"] = invoice["total"] if paid else 0
    invoice["amount_remaining"] = 0 if paid else invoice["total"]
    world.store.put(invoice)
    if order["intent"] is None:
        for payment in world.store.of_customer("invoice_payment", invoice["id"]):
            payment |= {"customer": "", "invoice": "in_none"}
            world.store.put(payment)
    else:
        world.store.put(intent_of(world, invoice) | {"status": order["intent"]})
    return {"invoice": invoice["id"]}


def _give_up_default(world: World, invoice: Json) -> None:
    world.store.put(intent_of(world, invoice) | {"status": "canceled"})
    (default,) = world.store.of_customer("invoice_payment", invoice["id"])
    default |= {"status": "canceled", "is_default": False}
    world.store.put(default)


def _record(world: World, invoice: Json, amount: int) -> None:
    record = f"prec_standin{secrets.token_hex(8)}"
    world.new(
        "invoice_payment",
        amount_paid=amount,
        amount_requested=amount,
        currency=invoice["currency"],
        customer=invoice["id"],  # how the store finds it; not shown
        invoice=invoice["id"],
        is_default=True,
        payment={"type": "payment_record", "payment_record": record},
        status="paid",
    )
