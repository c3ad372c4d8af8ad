"""Cards and charges as a customer reads them: what for, how it stands, what the bank may say."""

from api.pages.asking import Json
from api.pages.customer.visits import CUSTOMER, Visit
from domain.mails.facts import Reason, neutral_reason
from domain.payments.charges import ChargeKind, ChargeState

CHARGES = f"GET {CUSTOMER}/charges"
METHODS = f"GET {CUSTOMER}/payment_methods"
MOST = "100"  # of a list that a page reads as a whole

WHY = {
    Reason.DECLINED: "The bank declined the payment. Your bank can tell you more.",
    Reason.INSUFFICIENT_FUNDS: "There was not enough money available on the card at that moment.",
    Reason.EXPIRED_CARD: "The card has expired.",
    Reason.WRONG_DETAILS: "The bank did not recognise the details of the card.",
    Reason.NOT_SUPPORTED: "The card cannot be used for this kind of payment.",
    Reason.NO_CARD: "There is no card on file.",
    Reason.CONFIRMATION: "Your bank wants you to confirm this payment yourself.",
    Reason.TEMPORARY: "The bank could not answer. This usually passes soon.",
}
FOR = {
    ChargeKind.PERIOD: "Plan",
    ChargeKind.UPGRADE: "Change of plan",
    ChargeKind.MANUAL: "Extra credits",
    ChargeKind.AUTO: "Auto-purchase",
    ChargeKind.PACK: "Packs",
}


async def cards(visit: Visit) -> list[Json]:
    """Return what can be charged, the default first."""
    found = await visit.ask(METHODS, query={"limit": MOST})
    return sorted(found["items"], key=lambda one: not one["default"])


async def default_card(visit: Visit) -> Json | None:
    """Return the card that is charged; None: there is none."""
    return next((one for one in await cards(visit) if one["default"]), None)


def told(charge: Json) -> Json:
    """Return a charge of the door's list with words for people: `what`, `standing`, `why`."""
    state, tone = _standing(charge)
    return {
        **charge,
        "what": FOR[ChargeKind(charge["kind"])],
        "standing": state,
        "tone": tone,
        "why": WHY[neutral_reason(charge["decline_code"])] if charge["decline_code"] else "",
    }


def is_declined(charge: Json) -> bool:
    """Return whether a charge was declined, is still wanted, and is tried again with a card."""
    unpaid = charge["state"] == ChargeState.OPEN and charge["declines"] > 0
    return unpaid and charge["kind"] in (ChargeKind.PERIOD, ChargeKind.AUTO)


def awaits_bank(charge: Json) -> bool:
    """Return whether the bank wants a purchase confirmed, and it still can be."""
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
            return "On its way", ""
        case _ if charge["declines"]:
            return "Declined", "bad"
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
