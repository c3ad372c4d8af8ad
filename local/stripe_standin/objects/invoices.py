"""Invoices, collected by request only (`auto_advance` false).

https://docs.stripe.com/invoicing/overview, https://docs.stripe.com/api/invoices,
https://docs.stripe.com/invoicing/integration/workflow-transitions.
"""

from local.stripe_standin.lists import page
from local.stripe_standin.objects.amounts import check_amount, is_too_large, is_too_small
from local.stripe_standin.objects.charging import (
    collect,
    emit_paid,
    intent_of,
    mark_paid,
    open_intent,
)
from local.stripe_standin.objects.customers import existing, merged, move_balance
from local.stripe_standin.objects.refusals import invalid, not_modelled
from local.stripe_standin.objects.taxes import (
    check_item,
    compute,
    keep_behavior,
    refuse_without_place,
)
from local.stripe_standin.objects.transfers import check_terms
from local.stripe_standin.outside import pay_outside
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

CREATE = frozenset({"auto_advance", "collection_method", "currency", "customer", "description"})
CREATE |= {"metadata", "pending_invoice_items_behavior", "expand"}
CREATE |= {"automatic_tax", "due_date", "discounts", "payment_settings"}
METHODS = "payment_method_types"
ITEM = frozenset({"amount", "currency", "customer", "description", "expand", "invoice"})
ITEM |= {"metadata", "period", "tax_behavior", "tax_code"}
PREVIEW = frozenset({"automatic_tax", "currency", "customer", "discounts", "expand"})
PREVIEW |= {"customer_details", "invoice_items"}


def create(world: World, _: Json, params: Json) -> Json:
    """POST /v1/invoices: an empty draft."""
    if unknown := params.keys() - CREATE:
        raise not_modelled(f"{', '.join(sorted(unknown))} of invoices")
    if params.get("auto_advance") or "customer" not in params or "currency" not in params:
        raise not_modelled("invoices that advance by themselves, or without customer or currency")
    if params.get("pending_invoice_items_behavior", "exclude") != "exclude":
        raise not_modelled("pending invoice items")
    if params.get("discounts"):
        raise not_modelled("discounts of invoices")
    check_terms(world, params)
    customer = existing(world, params["customer"], "customer")
    invoice = world.new(
        "invoice",
        status="draft",
        collection_method=params.get("collection_method", "charge_automatically"),
        due_date=params.get("due_date"),
        billing_reason="manual",
        currency=params["currency"].lower(),
        customer=customer["id"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        description=params.get("description"),
        metadata=merged(None, params.get("metadata")),
        starting_balance=customer["balance"],
    )
    invoice["automatic_tax"] |= _automatic(params)
    types = params.get("payment_settings", {}).get(METHODS)
    invoice["payment_settings"] = (invoice["payment_settings"] or {}) | {METHODS: types}
    invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
    world.emit("invoice.created", invoice)
    return invoice


def add_item(world: World, _: Json, params: Json) -> Json:
    """POST /v1/invoiceitems: one line of a draft."""
    if unknown := params.keys() - ITEM:
        raise not_modelled(f"{', '.join(sorted(unknown))} of invoice items")
    if not {"invoice", "amount", "currency", "customer"} <= params.keys():
        raise not_modelled("invoice items without invoice, customer, amount and currency")
    invoice = world.get("invoice", params["invoice"], "invoice")
    if invoice["status"] != "draft" or invoice["customer"] != params["customer"]:
        raise invalid("The invoice is not an open draft of this customer", param="invoice")
    if params["currency"].lower() != invoice["currency"]:
        raise invalid("The currency of the item differs from the invoice's", param="currency")
    check_amount(params["amount"], invoice["currency"])
    check_item(invoice, params)
    shared = {
        "amount": params["amount"],
        "currency": invoice["currency"],
        "description": params.get("description"),
        "discountable": params["amount"] >= 0,
        "invoice": invoice["id"],
        "metadata": merged(None, params.get("metadata")),
        "period": params.get("period") or {"start": world.now(), "end": world.now()},
        "quantity": 1,
        "quantity_decimal": "1",
    }
    item = world.new("invoiceitem", customer=params["customer"], date=world.now(), **shared)
    line = world.new("line_item", subtotal=params["amount"], **shared)
    keep_behavior(world, line, params)
    invoice["lines"]["data"].append(line)
    compute(world, invoice, existing(world, invoice["customer"], "customer"))
    world.store.put(invoice)
    return item


def preview(world: World, _: Json, params: Json) -> Json:
    """POST /v1/invoices/create_preview: what an invoice would say; nothing is kept of it."""
    if unknown := params.keys() - PREVIEW:
        raise not_modelled(f"{', '.join(sorted(unknown))} of previews")
    if not {"currency", "invoice_items"} <= params.keys():
        raise not_modelled("previews without currency and items")
    if params.get("discounts", True):
        raise not_modelled("previews with the payer's discounts, which invoices here do not have")
    customer = _who(world, params)
    invoice = world.spec.answers.blank("invoice")
    invoice |= {"id": "upcoming_in_standin", "status": "draft", "created": world.now()}
    invoice |= {"currency": params["currency"].lower(), "customer": customer["id"]}
    invoice["automatic_tax"] |= _automatic(params)
    behaviors = {}
    for number, item in enumerate(params["invoice_items"]):
        check_amount(item["amount"], invoice["currency"])
        check_item(invoice, item)
        line = world.spec.answers.blank("line_item") | {"id": f"il_standin{number}"}
        line |= {"amount": item["amount"], "subtotal": item["amount"]}
        line |= {"currency": invoice["currency"], "description": item.get("description")}
        invoice["lines"]["data"].append(line)
        behaviors[line["id"]] = item.get("tax_behavior")
    compute(world, invoice, customer, behaviors)
    return invoice


def _who(world: World, params: Json) -> Json:
    """Return whom a preview is for: a customer, with what is said of it, or nobody known yet."""
    said = params.get("customer_details", {})
    if unknown := said.keys() - {"address"}:
        raise not_modelled(f"{', '.join(sorted(unknown))} of who is previewed")
    if "customer" in params:
        known = existing(world, params["customer"], "customer")
    elif said:
        known = {"id": "cus_standin_nobody", "invoice_settings": {"default_payment_method": None}}
    else:
        message = "Automatic tax needs a customer or customer_details."
        raise invalid(message, param="customer_details")
    return known | {"address": said["address"]} if said.get("address") else known


def _automatic(params: Json) -> Json:
    return {"enabled": bool(params.get("automatic_tax", {}).get("enabled"))}


def finalize(world: World, ids: Json, _: Json) -> Json:
    """POST /v1/invoices/{invoice}/finalize: number it, apply the customer's balance, open it."""
    invoice = world.get("invoice", ids["invoice"], "invoice")
    if invoice["status"] != "draft":
        message = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        raise invalid(message)
    customer = existing(world, invoice["customer"], "customer")
    compute(world, invoice, customer)
    refuse_without_place(invoice)
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    customer["next_invoice_sequence"] += 1
    link = f"{world.base_url}/invoice/{invoice['id']}"
    invoice |= {"status": "open", "number": number, "effective_at": world.now()}
    invoice |= {"hosted_invoice_url": link, "invoice_pdf": f"{link}/pdf"}
    invoice["status_transitions"]["finalized_at"] = world.now()
    _settle(world, invoice, customer)
    world.emit("invoice.finalized", invoice)
    if invoice["amount_due"] > 0:
        open_intent(world, invoice)
    else:
        mark_paid(world, invoice, 0)
        emit_paid(world, invoice)
    return invoice


def _settle(world: World, invoice: Json, customer: Json) -> None:
    """Set `amount_due` from total and balance.

    A credit is used up to the total, a debt is added; what is left below the currency's minimum,
    above its maximum, or negative, moves to the balance
    (docs.stripe.com/billing/customer/balance, and the description of `amount_due`).
    """
    before = customer["balance"]
    due = max(invoice["total"] + before, 0) if invoice["total"] > 0 else 0
    too_large = is_too_large(due, invoice["currency"])
    if is_too_small(due, invoice["currency"]) or too_large:
        due = 0
    after = invoice["total"] + before - due
    invoice |= {"starting_balance": before, "ending_balance": after}
    invoice |= {"amount_due": due, "amount_remaining": due}
    if after != before:
        kind = "invoice_too_large" if too_large else "applied_to_invoice"
        move_balance(
            world, customer=customer, amount=after - before, currency=invoice["currency"], kind=kind
        )
    world.store.put(customer)
    world.store.put(invoice)


def pay(world: World, ids: Json, params: Json) -> Json:
    """POST /v1/invoices/{invoice}/pay with the given or the customer's default card."""
    invoice = world.get("invoice", ids["invoice"], "invoice")
    if unknown := params.keys() - {"off_session", "paid_out_of_band", "payment_method", "expand"}:
        raise not_modelled(f"{', '.join(sorted(unknown))} of pay")
    _refuse_unless_open(invoice)
    if params.get("paid_out_of_band"):
        pay_outside(world, invoice)
        return invoice
    customer = existing(world, invoice["customer"], "customer")
    name = params.get("payment_method") or customer["invoice_settings"]["default_payment_method"]
    if name is None:
        message = (
            "There is no `default_payment_method` set on this Customer or Invoice. Please set a "
            "default payment method or pass one."
        )
        raise invalid(message, code="resource_missing")
    method = world.get("payment_method", name, "payment_method")
    if method["customer"] != customer["id"]:
        raise invalid("The payment method does not belong to the customer", param="payment_method")
    types = invoice["payment_settings"][METHODS]
    if types and method["type"] not in types:
        message = f"The PaymentMethod ({method['type']}) is not allowed: {', '.join(types)}"
        raise invalid(message, param="payment_method")
    collect(world, invoice, method, off_session=params.get("off_session", True))
    return invoice


def _refuse_unless_open(invoice: Json) -> None:
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid")
    if invoice["status"] == "void":
        raise invalid("Voided invoices cannot be paid.")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise not_modelled("paying a draft, which Stripe would finalise first")


def void(world: World, ids: Json, _: Json) -> Json:
    """POST /v1/invoices/{invoice}/void: for good; a balance that was applied is given back."""
    invoice = world.get("invoice", ids["invoice"], "invoice")
    if invoice["status"] not in {"open", "uncollectible"}:
        message = f"You can only pass in open or uncollectible invoices; it is {invoice['status']}."
        raise invalid(message)
    intent = intent_of(world, invoice)
    if intent["status"] == "processing":
        # Seen by others only: https://github.com/frappe/press/issues/2421.
        raise invalid("You cannot void this invoice: a payment on it is still processing.")
    intent |= {"status": "canceled", "canceled_at": world.now()}
    world.store.put(intent)
    moved = invoice["ending_balance"] - invoice["starting_balance"]
    if moved:
        customer = existing(world, invoice["customer"], "customer")
        move_balance(
            world,
            customer=customer,
            amount=-moved,
            currency=invoice["currency"],
            kind="unapplied_from_invoice",
        )
    invoice["status"] = "void"
    invoice["status_transitions"]["voided_at"] = world.now()
    world.store.put(invoice)
    world.emit("invoice.voided", invoice)
    return invoice


def retrieve(world: World, ids: Json, _: Json) -> Json:
    """GET /v1/invoices/{invoice}."""
    return world.get("invoice", ids["invoice"], "invoice")


def listed(world: World, _: Json, params: Json) -> Json:
    """GET /v1/invoices."""
    store = world.store
    named = params.get("customer")
    found = store.of_customer("invoice", named) if named else store.every("invoice")
    return page("/v1/invoices", found, params)


def lines(world: World, ids: Json, params: Json) -> Json:
    """GET /v1/invoices/{invoice}/lines."""
    invoice = world.get("invoice", ids["invoice"], "invoice")
    return page(invoice["lines"]["url"], invoice["lines"]["data"][::-1], params)
