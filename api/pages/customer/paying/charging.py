"""Cards and charges as a customer reads them: what for, how it stands, what the bank may say."""

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from api.pages.asking import Json
from api.pages.customer.page import back_to
from api.pages.customer.visits import CUSTOMER, Visit
from domain.mails.facts import Reason, neutral_reason
from domain.payments.charges import ChargeKind, ChargeState
from domain.payments.sent_invoices import INVOICE_OVERDUE
from domain.payments.taxes import LOCATION_MISSING, PRICE_CHANGED

CHARGES = f"GET {CUSTOMER}/charges"
METHODS = f"GET {CUSTOMER}/payment_methods"
BANK = f"GET {CUSTOMER}/invoices/{{invoice}}/page"
MOST = "100"  # of a list that a page reads as a whole
LATEST = "20"  # charges among which one that was just made is looked for

WHY = {
    Reason.DECLINED: "The bank declined the payment. Your bank can tell you more.",
    Reason.INSUFFICIENT_FUNDS: "There was not enough money available at that moment.",
    Reason.EXPIRED_CARD: "The card has expired.",
    Reason.WRONG_DETAILS: "The bank did not recognise the details of the card.",
    Reason.NOT_SUPPORTED: "It cannot be used for this kind of payment.",
    Reason.NO_CARD: "There is no card on file.",
    Reason.NO_ADDRESS: "The billing address is missing, without which the tax cannot be computed.",
    Reason.CONFIRMATION: "Your bank wants you to confirm this payment yourself.",
    Reason.TEMPORARY: "The bank could not answer. This usually passes soon.",
}
# Charges that were never put to a bank: how they stand, and why.
UNTRIED = {
    LOCATION_MISSING: ("No address", WHY[Reason.NO_ADDRESS]),
    INVOICE_OVERDUE: ("Overdue", "Its invoice was not paid by its day."),
    PRICE_CHANGED: ("Not charged", "It would have cost another amount than was shown."),
}
FOR = {
    ChargeKind.PERIOD: "Plan",
    ChargeKind.UPGRADE: "Change of plan",
    ChargeKind.MANUAL: "Extra credits",
    ChargeKind.AUTO: "Auto-purchase",
    ChargeKind.PACK: "Packs",
    ChargeKind.IMPORT: "Bought before",
}


async def cards(visit: Visit) -> list[Json]:
    """Return what can be charged, the default first."""
    found = await visit.ask(METHODS, query={"limit": MOST})
    return sorted(found["items"], key=lambda one: not one["default"])


async def default_card(visit: Visit) -> Json | None:
    """Return the card that is charged; None: there is none."""
    return next((one for one in await cards(visit) if one["default"]), None)


async def named_charge(visit: Visit) -> Json | None:
    """Return the charge that the address names, as the ledger has it now."""
    named = visit.query.get("charge")
    if not named:
        return None
    found = await visit.ask(CHARGES, query={"limit": LATEST})
    return next((told(one) for one in found["items"] if one["id"] == named), None)


async def unconfirmed(visit: Visit, kind: ChargeKind) -> Json | None:
    """Return the charge of a kind that the bank wants confirmed; None: there is none."""
    found = await visit.ask(CHARGES, query={"limit": MOST, "state": ChargeState.OPEN})
    waiting = (one for one in found["items"] if one["kind"] == kind and awaits_bank(one))
    return next((told(one) for one in waiting), None)


async def led_to_the_bank(visit: Visit, page: str) -> Response:
    """Lead to the processor's page where the bank is told, or back to a page if it need not be."""
    charge = await named_charge(visit)
    if charge is None or not awaits_bank(charge):
        return back_to(page, urlencode({"charge": visit.query.get("charge", "")}))
    found = await visit.ask(BANK, invoice=charge["invoice"])
    return RedirectResponse(found["url"], 303)


def told(charge: Json) -> Json:
    """Return a charge of the door's list with words for people: `what`, `standing`, `why`."""
    state, tone = _standing(charge)
    return {
        **charge,
        "what": FOR[ChargeKind(charge["kind"])],
        "standing": state,
        "tone": tone,
        "why": _why(charge["decline_code"]),
        "placeless": charge["decline_code"] == LOCATION_MISSING,
    }


def _why(code: str | None) -> str:
    """Return why a charge was last not paid, in words for people; "": it was never declined."""
    if code in UNTRIED:
        return UNTRIED[code][1]
    return WHY[neutral_reason(code)] if code else ""


def is_declined(charge: Json) -> bool:
    """Return whether a charge was declined, is still wanted, and is tried again with a card."""
    unpaid = charge["state"] == ChargeState.OPEN and charge["declines"] > 0
    if charge["decline_code"] == INVOICE_OVERDUE:
        return False  # its transfer is awaited: no card pays it
    return unpaid and charge["kind"] in (ChargeKind.PERIOD, ChargeKind.AUTO)


def awaits_bank(charge: Json) -> bool:
    """Return whether the bank wants a charge confirmed, and it still can be."""
    open_still = charge["state"] == ChargeState.OPEN and charge["declines"] > 0
    return open_still and neutral_reason(charge["decline_code"]) is Reason.CONFIRMATION


def _standing(charge: Json) -> tuple[str, str]:
    """Return how a charge stands, and the tone in which it is shown."""
    if awaits_bank(charge):
        return "To be confirmed", "warn"
    match ChargeState(charge["state"]):
        case ChargeState.PAID:
            return _paid(charge)
        case ChargeState.PROCESSING:
            return ("Due", "warn") if charge["due_at"] else ("On its way", "")
        case _ if charge["declines"]:
            untried, _ = UNTRIED.get(charge["decline_code"], ("", ""))
            return (untried, "warn") if untried else ("Declined", "bad")
        case ChargeState.VOID:
            return "Not charged", ""
        case ChargeState.OPEN:
            return "Under way", ""


def _paid(charge: Json) -> tuple[str, str]:
    if charge["disputed_minor"]:
        return "Disputed", "warn"
    if charge["refunded_minor"]:
        whole = charge["refunded_minor"] >= charge["amount_minor"]
        return ("Refunded" if whole else "Refunded in part"), "warn"
    return "Paid", "good"
