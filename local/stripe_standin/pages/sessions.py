"""Pages where a person saves a card: Checkout in setup mode and the Billing Portal.

https://docs.stripe.com/payments/checkout/save-and-reuse (saves, and does not change the default)
and https://docs.stripe.com/customer-management/portal-deep-links (`payment_method_update` makes
the new card the customer's default for invoices).
"""

from local.stripe_standin.objects.cards import CARDS
from local.stripe_standin.objects.customers import ADDRESS, existing, merged
from local.stripe_standin.objects.payment_methods import card_of, make, save
from local.stripe_standin.objects.refusals import invalid, not_modelled
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

CHECKOUT = frozenset({"mode", "customer", "currency", "success_url", "cancel_url", "metadata"})
CHECKOUT |= {"expand", "client_reference_id", "payment_method_types"}
CHECKOUT |= {"billing_address_collection"}
PORTAL = frozenset({"customer", "return_url", "flow_data", "expand", "locale"})
DAY = 86_400  # seconds
DEBITS = {"usd": "us_bank_account", "eur": "sepa_debit"}  # by the one currency of each


def open_checkout(world: World, _: Json, params: Json) -> Json:
    """POST /v1/checkout/sessions with `mode=setup`."""
    if unknown := params.keys() - CHECKOUT:
        raise not_modelled(f"{', '.join(sorted(unknown))} of Checkout sessions")
    if params.get("mode") != "setup" or not {"customer", "success_url"} <= params.keys():
        raise not_modelled("Checkout other than in setup mode, for a customer, with success_url")
    customer = existing(world, params["customer"], "customer")
    debit = DEBITS.get(params.get("currency", ""))
    types = params.get("payment_method_types", ["card", debit] if debit else ["card"])
    fields = {"status": "requires_payment_method", "payment_method_types": types}
    setup = _setup(world, customer, **fields)
    session = world.new(
        "checkout.session",
        billing_address_collection=params.get("billing_address_collection"),
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        customer=customer["id"],
        expires_at=world.now() + DAY,
        metadata=merged(None, params.get("metadata")),
        mode="setup",
        payment_method_types=types,
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
    if session["object"] == "checkout.session":
        return _complete_checkout(world, session, made, customer)
    method = save(world, made, customer)
    setup = _setup(world, customer, status="succeeded", payment_method=method["id"])
    world.emit("setup_intent.succeeded", setup)
    customer["invoice_settings"]["default_payment_method"] = method["id"]
    world.store.put(customer)
    world.emit("customer.updated", customer)
    redirect = session["flow"]["after_completion"]["redirect"]
    return str(redirect["return_url"] if redirect else session["return_url"] or "")


def verify(world: World, order: Json) -> Json:
    """Carry out `{"setup_intent": …}`: the holder has found the small deposit; `late`: too late.

    https://docs.stripe.com/payments/ach-direct-debit/set-up-payment: after ten days it is over.
    """
    setup = world.get("setup_intent", order["setup_intent"])
    if setup["status"] != "requires_action":
        raise invalid(f"Nothing is to be verified: the setup intent is {setup['status']}")
    if order.get("late"):
        error = {"code": "payment_method_microdeposit_verification_timeout"}
        error |= {"type": "invalid_request_error", "message": "The account was not verified."}
        setup |= {"status": "requires_payment_method", "next_action": None}
        world.store.put(setup | {"last_setup_error": error, "payment_method": None})
        world.emit("setup_intent.setup_failed", setup)
    else:
        method = world.get("payment_method", setup["payment_method"])
        _succeed(world, setup, method, existing(world, setup["customer"], "customer"))
    return {"setup_intent": setup["id"], "status": setup["status"]}


def _complete_checkout(world: World, session: Json, made: Json, customer: Json) -> str:
    if session["status"] != "open":
        raise invalid("this page was used before")
    if made["type"] not in session["payment_method_types"]:
        raise invalid(f"{made['type']} is not offered here")
    setup = world.get("setup_intent", session["setup_intent"])
    if card_of(made).verified:
        _succeed(world, setup, made, customer)
    else:
        _wait(world, setup, made)
    session |= {"status": "complete", "url": None}
    world.store.put(session)
    world.emit("checkout.session.completed", session)
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _succeed(world: World, setup: Json, made: Json, customer: Json) -> None:
    """Attach what was saved: only now it can be charged."""
    method = save(world, made, customer)
    setup |= {"status": "succeeded", "payment_method": method["id"], "next_action": None}
    world.store.put(setup)
    world.emit("setup_intent.succeeded", setup)


def _wait(world: World, setup: Json, made: Json) -> None:
    world.store.put(made)
    action = world.spec.answers.blank("setup_intent_next_action")
    action["type"] = "verify_with_microdeposits"
    action["verify_with_microdeposits"] = {
        "arrival_date": world.now() + DAY,
        "hosted_verification_url": f"{world.base_url}/verify/{setup['id']}",
        "microdeposit_type": "descriptor_code",
    }
    setup |= {"status": "requires_action", "payment_method": made["id"], "next_action": action}
    world.store.put(setup)
    world.emit("setup_intent.requires_action", setup)


def _setup(world: World, customer: Json, **fields: object) -> Json:
    shared = {"customer": customer["id"], "payment_method_types": ["card"], "metadata": {}}
    return world.new("setup_intent", usage="off_session", **(shared | fields))
