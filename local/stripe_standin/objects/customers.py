"""Customers and their balance.

https://docs.stripe.com/api/customers, https://docs.stripe.com/billing/customer/balance
(positive: the customer owes money; negative: credit).
"""

from local.stripe_standin.lists import page
from local.stripe_standin.objects.refusals import invalid, missing, not_modelled
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

SIMPLE = ("email", "name", "description", "phone")
KNOWN = frozenset({*SIMPLE, "address", "metadata", "invoice_settings", "expand"})
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def merged(old: Json | None, new: Json | str | None) -> Json:
    """Merge metadata: an empty value removes its key, an empty string removes all."""
    if new is None:
        return old or {}
    if isinstance(new, str):
        return {}
    return {name: value for name, value in ((old or {}) | new).items() if value != ""}


def existing(world: World, name: str, param: str = "id") -> Json:
    """Return a customer that was not deleted."""
    customer = world.get("customer", name, param)
    if customer.get("deleted"):
        raise missing("customer", name, param)
    return customer


def create(world: World, _: Json, params: Json) -> Json:
    """POST /v1/customers."""
    sequence = 100_000 + len(world.store.every("customer"))
    settings = {"custom_fields": None, "default_payment_method": None, "footer": None}
    customer = world.new(
        "customer",
        balance=0,
        invoice_settings=settings | {"rendering_options": None},
        invoice_prefix=f"STANDIN{sequence}",
        next_invoice_sequence=1,
        delinquent=False,
        metadata={},
    )
    _change(world, customer, params)
    world.emit("customer.created", customer)
    return customer


def update(world: World, ids: Json, params: Json) -> Json:
    """POST /v1/customers/{customer}."""
    customer = existing(world, ids["customer"])
    _change(world, customer, params)
    world.emit("customer.updated", customer)
    return customer


def _change(world: World, customer: Json, params: Json) -> None:
    if unknown := params.keys() - KNOWN:
        raise not_modelled(f"{', '.join(sorted(unknown))} of customers")
    method = params.get("invoice_settings", {}).get("default_payment_method")
    if method:
        owner = world.get("payment_method", method, "invoice_settings[default_payment_method]")
        if owner["customer"] != customer["id"]:
            message = "The customer does not have a payment method with the ID " + method
            raise invalid(message, param="invoice_settings[default_payment_method]")
    if method is not None:
        customer["invoice_settings"]["default_payment_method"] = method or None
    customer |= {name: params[name] or None for name in SIMPLE if name in params}
    if "address" in params:
        given = params["address"] or {}
        known = {name: given.get(name) or None for name in ADDRESS}
        customer["address"] = known if given else None
    customer["metadata"] = merged(customer["metadata"], params.get("metadata"))
    world.store.put(customer)


def retrieve(world: World, ids: Json, _: Json) -> Json:
    """GET /v1/customers/{customer}; a deleted one answers `deleted: true`."""
    return world.get("customer", ids["customer"])


def delete(world: World, ids: Json, _: Json) -> Json:
    """DELETE /v1/customers/{customer}."""
    customer = existing(world, ids["customer"])
    world.emit("customer.deleted", customer)
    return world.store.put({"id": customer["id"], "object": "customer", "deleted": True})


def listed(world: World, _: Json, params: Json) -> Json:
    """GET /v1/customers."""
    kept = [c for c in world.store.every("customer") if not c.get("deleted")]
    return page("/v1/customers", kept, params)


def adjust_balance(world: World, ids: Json, params: Json) -> Json:
    """POST /v1/customers/{customer}/balance_transactions."""
    customer = existing(world, ids["customer"])
    return move_balance(
        world,
        customer=customer,
        amount=params["amount"],
        currency=params["currency"],
        kind="adjustment",
    )


def move_balance(world: World, customer: Json, amount: int, currency: str, kind: str) -> Json:
    """Add `amount` (minor units; may be negative) to what the customer owes."""
    customer["balance"] += amount
    world.store.put(customer)
    return world.new(
        "customer_balance_transaction",
        amount=amount,
        currency=currency,
        customer=customer["id"],
        ending_balance=customer["balance"],
        type=kind,
    )


def balance_listed(world: World, ids: Json, params: Json) -> Json:
    """GET /v1/customers/{customer}/balance_transactions."""
    name = existing(world, ids["customer"])["id"]
    moves = world.store.of_customer("customer_balance_transaction", name)
    return page(f"/v1/customers/{name}/balance_transactions", moves, params)
