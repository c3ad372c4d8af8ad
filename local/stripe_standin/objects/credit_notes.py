"""Credit notes and the refunds they make.

https://docs.stripe.com/invoicing/integration/programmatic-credit-notes: on a paid invoice the
parts refunded, credited and settled elsewhere must add up to the note's amount.
"""

from local.stripe_standin.lists import page
from local.stripe_standin.objects.charging import intent_of
from local.stripe_standin.objects.customers import merged
from local.stripe_standin.objects.refusals import invalid, not_modelled
from local.stripe_standin.objects.returns import give_back, tell_refunded
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

KNOWN = frozenset({"amount", "expand", "invoice", "memo", "metadata", "reason", "refund_amount"})


def create(world: World, _: Json, params: Json) -> Json:
    """POST /v1/credit_notes: refund a part of a paid invoice to its card."""
    if unknown := params.keys() - KNOWN:
        raise not_modelled(f"{', '.join(sorted(unknown))} of credit notes")
    invoice = world.get("invoice", params["invoice"], "invoice")
    if invoice["status"] != "paid":
        raise not_modelled("credit notes of unpaid invoices")
    amount = params.get("amount", 0)
    if amount <= 0 or params.get("refund_amount") != amount:
        message = "The sum of refund, credit and out of band amounts must equal the credit note's"
        raise invalid(message, param="refund_amount")
    left = invoice["amount_paid"] - invoice["post_payment_credit_notes_amount"]
    if amount > left:
        message = f"The credit note amount {amount} exceeds what can be credited: {left}"
        raise invalid(message, param="amount")
    charge = world.get("charge", intent_of(world, invoice)["latest_charge"])
    refund = give_back(world, charge, amount)
    invoice["post_payment_credit_notes_amount"] += amount
    world.store.put(invoice)
    note = _note(world, invoice, refund, params)
    world.emit("credit_note.created", note)
    tell_refunded(world, refund, charge)
    return note


def _note(world: World, invoice: Json, refund: Json, params: Json) -> Json:
    amount = refund["amount"]
    issued = len(notes_of(world, invoice["id"])) + 1
    lines = {"object": "list", "data": [], "has_more": False, "url": ""}
    return world.new(
        "credit_note",
        **dict.fromkeys(("amount", "subtotal", "total", "post_payment_amount"), amount),
        currency=invoice["currency"],
        customer=invoice["customer"],
        invoice=invoice["id"],
        lines=lines,
        memo=params.get("memo"),
        metadata=merged(None, params.get("metadata")),
        number=f"{invoice['number']}-CN-{issued:02}",
        pdf=f"{invoice['hosted_invoice_url']}/pdf",
        reason=params.get("reason"),
        refunds=[{"amount_refunded": amount, "refund": refund["id"]} | REFUND_TYPE],
        status="issued",
        type="post_payment",
    )


REFUND_TYPE = {"type": "refund", "payment_record_refund": None}


def notes_of(world: World, invoice: str) -> list[Json]:
    """Return the notes of an invoice, oldest first."""
    return [note for note in world.store.every("credit_note") if note["invoice"] == invoice]


def retrieve(world: World, ids: Json, _: Json) -> Json:
    """GET /v1/credit_notes/{id}."""
    return world.get("credit_note", ids["id"])


def listed(world: World, _: Json, params: Json) -> Json:
    """GET /v1/credit_notes."""
    return page("/v1/credit_notes", world.store.every("credit_note"), params)
