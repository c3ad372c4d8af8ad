"""Automatic tax: a rate by the customer's place, computed line by line, half up.

https://docs.stripe.com/tax/invoicing, https://docs.stripe.com/tax/customer-locations. The rates are
few and stand for those of Stripe Tax; everywhere else the seller is not registered and 0 is due.
"""

from local.stripe_standin.objects.amounts import step_of
from local.stripe_standin.objects.refusals import Refusal, invalid
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

# Thousandths of a percent, and what the tax is called there.
RATES = {
    "AU": (10_000, "GST", "gst"),
    "CH": (8_100, "VAT", "vat"),
    "DE": (19_000, "VAT", "vat"),
    "FR": (20_000, "VAT", "vat"),
    "GB": (20_000, "VAT", "vat"),
    "JP": (10_000, "JCT", "jct"),
    "US-NY": (8_875, "Sales Tax", "sales_tax"),  # New York City's, which most addresses have
}
NOTHING = (0, "Tax", "sales_tax")
WHOLE = 100_000  # a hundred percent
LOCATION = "customer_tax_location_invalid"
ZIP = 5  # digits that the United States want


def place_of(world: World, customer: Json) -> str:
    """Return who taxes a customer, such as `DE` or `US-NY`; "": nothing that is known suffices.

    The customer's address counts first, then that of the payment method it pays with.
    """
    address = customer.get("address") or _address_of_method(world, customer)
    country = address.get("country") or ""
    code = (address.get("postal_code") or "").strip()
    if country == "US" and not (len(code) >= ZIP and code[:ZIP].isdigit()):
        return ""
    if country == "CA" and not (code or address.get("state")):
        return ""
    state = f"{country}-{address.get('state') or ''}"
    return state if state in RATES else str(country)


def _address_of_method(world: World, customer: Json) -> Json:
    name = customer["invoice_settings"]["default_payment_method"]
    method = world.store.find("payment_method", name) if name else None
    return (method["billing_details"].get("address") or {}) if method else {}


def check_item(invoice: Json, params: Json) -> None:
    """Refuse what cannot be taxed: https://docs.stripe.com/api/invoices/create (automatic_tax)."""
    if not (invoice["automatic_tax"] or {}).get("enabled"):
        return
    if params["amount"] < 0 or params.get("tax_behavior") not in {"exclusive", "inclusive"}:
        message = "Automatic tax needs positive amounts with a tax behavior."
        raise invalid(message, param="tax_behavior")


def keep_behavior(world: World, line: Json, params: Json) -> None:
    """Keep how a line is taxed: lines do not show it before they are."""
    behavior = params.get("tax_behavior")
    world.store.put({"object": "tax_behavior", "id": line["id"], "behavior": behavior})


def compute(
    world: World, invoice: Json, customer: Json, behaviors: dict[str, str] | None = None
) -> None:
    """Set the sums of an invoice, and with automatic tax what each line bears of it.

    `behaviors`: how each line is taxed, by its id; None: as was kept.
    """
    lines = invoice["lines"]["data"]
    subtotal = sum(line["amount"] for line in lines)
    automatic = invoice["automatic_tax"] or {}
    place = place_of(world, customer) if automatic.get("enabled") else ""
    if automatic.get("enabled"):
        automatic |= {"status": "complete" if place else "requires_location_inputs"}
    for line in lines:
        behavior = behaviors[line["id"]] if behaviors is not None else _behavior(world, line)
        line["taxes"] = [_tax(world, place, behavior, line)] if place else []
    taxes = [one for line in lines for one in line["taxes"]]
    added = sum(one["amount"] for one in taxes if one["tax_behavior"] == "exclusive")
    tax = sum(one["amount"] for one in taxes)
    total = subtotal + added
    invoice |= dict.fromkeys(("total", "amount_due", "amount_remaining"), total)
    invoice |= {"subtotal": subtotal, "subtotal_excluding_tax": total - tax}
    invoice |= {"total_excluding_tax": total - tax, "total_taxes": _summed(taxes)}


def refuse_without_place(invoice: Json) -> None:
    """Refuse to finalise what cannot be taxed: the invoice stays a draft."""
    automatic = invoice["automatic_tax"] or {}
    if automatic.get("enabled") and automatic.get("status") != "complete":
        raise no_place()


def no_place() -> Refusal:
    """Make the error for a customer whose place is unknown."""
    message = "The customer's location isn't recognized. Set a valid customer address."
    return invalid(message, code=LOCATION, param="automatic_tax")


def _behavior(world: World, line: Json) -> str:
    kept = world.store.find("tax_behavior", line["id"])
    return str(kept["behavior"]) if kept else ""


def _tax(world: World, place: str, behavior: str, line: Json) -> Json:
    share, amount, step = RATES.get(place, NOTHING)[0], line["amount"], step_of(line["currency"])
    base = step * (WHOLE if behavior == "exclusive" else WHOLE + share)
    tax = step * ((2 * amount * share + base) // (2 * base))  # a total that can be paid
    return {
        "amount": tax,
        "tax_behavior": behavior,
        "tax_rate_details": {"tax_rate": _rate(world, place, behavior)["id"]},
        "taxability_reason": "standard_rated" if share else "not_collecting",
        "taxable_amount": amount if behavior == "exclusive" else amount - tax,
        "type": "tax_rate_details",
    }


def _rate(world: World, place: str, behavior: str) -> Json:
    share, name, kind = RATES.get(place, NOTHING)
    inclusive = behavior == "inclusive"
    for known in world.store.every("tax_rate"):
        if (known["jurisdiction"], known["inclusive"]) == (place, inclusive):
            return known
    country, _, state = place.partition("-")
    return world.new(
        "tax_rate",
        active=False,
        country=country,
        state=state or None,
        display_name=name,
        inclusive=inclusive,
        jurisdiction=place,
        jurisdiction_level="state" if state else "country",
        percentage=share / 1000,  # Stripe says it as a number, too
        effective_percentage=share / 1000,
        rate_type="percentage",
        tax_type=kind,
    )


def _summed(taxes: list[Json]) -> list[Json]:
    """Return one entry for each rate, as an invoice has them."""
    sums: dict[str, Json] = {}
    for one in taxes:
        known = sums.setdefault(
            one["tax_rate_details"]["tax_rate"], one | {"amount": 0, "taxable_amount": 0}
        )
        for name in ("amount", "taxable_amount"):
            known[name] += one[name]
    return list(sums.values())
