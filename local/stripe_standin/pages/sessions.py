"""Pages where a person saves a card: Checkout in setup mode and the Billing Portal.

https://docs.stripe.com/payments/checkout/save-and-reuse (saves, and does not change the default)
and https://docs.stripe.com/customer-management/portal-deep-links (`payment_method_update` makes
the new card the customer's default for invoices).
"""

from local.stripe_standin.objects.cards import CARDS
from local.stripe_standin.objects.customers import ADDRESS, existing, merged
from local.stripe_standin.objects.payment_methods import make, save
from local.stripe_standin.objects.refusals import invalid, not_modelled
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

CHECKOUT = frozenset({"mode", "customer", "currency", "success_url", "cancel_url", "metadata"})
CHECKOUT |= {"expand", "client_reference_id", "payment_method_types"}
CHECKOUT |= {"billing_address_collection"}
PORTAL = frozenset({"customer", "return_url", "flow_data", "expand", "locale"})
DAY = 86_400  # seconds


def open_checkout(world: World, _: Json, params: Json) -> Json:
    """POST /v1/checkout/sessions with `mode=setup`."""
    if unknown := params.keys() - CHECKOUT:
        raise not_modelled(f"{', '.join(sorted(unknown))} of Checkout sessions")
    if params.get("mode") != "setup" or not {"customer", "success_url"} <= params.keys():
        raise not_modelled("Checkout other than in setup mode, for a customer, with success_url")
    customer = existing(world, params["customer"], "customer")
    setup = _setup(world, customer, status="requires_payment_method")
    session = world.new(
        "checkout.session",
        billing_address_collection=params.get("billing_address_collection"),
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        customer=customer["id"],
        expires_at=world.now() + DAY,
        metadata=merged(None, params.get("metadata")),
        mode="setup",
        payment_method_types=params.get("payment_method_types", ["card", "us_bank_account"]),
        payment_status="no_payment_required",
        setup_intent=setup["id"],
        status="open",
        success_url=params["success_url"],
    )
    session["url"] = f"{world.base_url}/checkout/{session['id']}"
    return world.store.put(session)


def retrieve_checkout(world: World, ids: Json, _: Json) -> Json:
    """GET /v1/checkout/sessions/{session}."""
    return world.get("checkout.session", ids["session"])


def open_portal(world: World, _: Json, params: Json) -> Json:
    """POST /v1/billing_portal/sessions; only the flow that replaces the card."""
    if unknown := params.keys() - PORTAL:
        raise not_modelled(f"{', '.join(sorted(unknown))} of portal sessions")
    flow = params.get("flow_data", {})
    if flow.get("type") != "payment_method_update" or "customer" not in params:
        raise not_modelled("portal sessions other than payment_method_update of a customer")
    after = flow.get("after_completion", {"type": "portal_homepage"})
    blank = world.spec.answers.blank("portal_flows_flow")
    blank["after_completion"] |= {"type": after["type"], "redirect": after.get("redirect")}
    session = world.new(
        "billing_portal.session",
        configuration="bpc_standin",
        customer=existing(world, params["customer"], "customer")["id"],
        flow=blank | {"type": "payment_method_update"},
        return_url=params.get("return_url"),
    )
    session["url"] = f"{world.base_url}/portal/{session['id']}"
    return world.store.put(session)


def asks_address(session: Json) -> bool:
    """Return whether a page wants the billing address."""
    return session.get("billing_address_collection") == "required"


def complete(world: World, session: Json, token: str, address: Json) -> str:
    """Save the chosen test card as the person would; return where the browser goes next.

    Raises `Refusal` when the bank refuses to save the card, or the address is missing.
    """
    if token not in CARDS:
        raise invalid(f"no such test card: {token}")
    if asks_address(session) and not address.get("country"):
        raise invalid("Your billing address is missing.")
    customer = existing(world, session["customer"], "customer")
    made = make(world, CARDS[token])
    if asks_address(session):
        made["billing_details"]["address"] = dict.fromkeys(ADDRESS) | address
    method = save(world, made, customer)
    if session["object"] == "checkout.session":
        return _complete_checkout(world, session, method)
    setup = _setup(world, customer, status="succeeded", payment_method=method["id"])
    world.emit("setup_intent.succeeded", setup)
    customer["invoice_settings"]["default_payment_method"] = method["id"]
    world.store.put(customer)
    world.emit("customer.updated", customer)
    redirect = session["flow"]["after_completion"]["redirect"]
    return str(redirect["return_url"] if redirect else session["return_url"] or "")


def _complete_checkout(world: World, session: Json, method: Json) -> str:
    if session["status"] != "open":
        raise invalid("this page was used before")
    setup = world.get("setup_intent", session["setup_intent"])
    setup |= {"status": "succeeded", "payment_method": method["id"]}
    session |= {"status": "complete", "url": None}
    world.store.put(setup)
    world.store.put(session)
    world.emit("setup_intent.succeeded", setup)
    world.emit("checkout.session.completed", session)
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _setup(world: World, customer: Json, **fields: object) -> Json:
    shared = {"customer": customer["id"], "payment_method_types": ["card"], "metadata": {}}
    return world.new("setup_intent", usage="off_session", **shared, **fields)
