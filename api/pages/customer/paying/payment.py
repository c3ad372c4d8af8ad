"""How the customer pays: cards, what was declined, and every charge that there was."""

from typing import Any

from starlette.responses import RedirectResponse, Response

from activities.notifications.mails import adds_tax
from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, address, back_to
from api.pages.customer.paying.charging import CHARGES, MOST, awaits_bank, cards, is_declined, told
from api.pages.customer.visits import CUSTOMER, Visit
from domain.payments.charges import ChargeState
from domain.payments.kinds import PaymentKind
from domain.payments.sent_invoices import INVOICE_OVERDUE
from domain.subscription import Pause

LINK = f"POST {CUSTOMER}/payment_method_link"
DEFAULT = f"POST {CUSTOMER}/payment_method"
RETRY = f"POST {CUSTOMER}/retry_payment"
SHOWN = "20"  # charges at once


async def show(visit: Visit) -> dict[str, Any]:
    """Show the cards, what is unpaid, and one page of the charges."""
    open_charges = await _open(visit)
    unpaid = [one for one in open_charges if is_declined(one)]
    overdue = [one for one in open_charges if one["decline_code"] == INVOICE_OVERDUE]
    query = {"limit": SHOWN}
    if visit.query.get("after"):
        query["starting_after"] = visit.query["after"]
    found = await visit.ask(CHARGES, query=query)
    items = [told(one) for one in found["items"]]
    return words.facts(
        visit,
        cards=await cards(visit),
        debits=PaymentKind.BANK_DEBIT in visit.plan.takes.any,
        unpaid=unpaid,
        overdue=overdue,
        placeless=bool(unpaid) and all(one["placeless"] for one in unpaid),
        plus_tax=adds_tax(visit.plan) and any(one["placeless"] for one in unpaid),
        unconfirmed=[one for one in open_charges if awaits_bank(one) and one not in unpaid],
        paused=Pause.PAYMENT_FAILED in visit.standing.wallet.paused_by,
        tried=_tried(visit, unpaid),
        charges=items,
        older=items[-1]["id"] if found["has_more"] else "",
        key=visit.new_key(),
        new_keys=visit.new_key,
    )


async def use(visit: Visit) -> Response:
    """Charge another card from now on; what was declined is tried once with it."""
    mark = await _mark(visit)
    card = visit.form.get("card", "")
    await visit.ask(DEFAULT, body={"payment_method": card}, key=visit.form.get("key", ""))
    return back_to("payment", f"tried={mark}")


async def retry(visit: Visit) -> Response:
    """Try what was declined once more with the same card."""
    mark = await _mark(visit)
    await visit.ask(RETRY, body={}, key=visit.form.get("key", ""))
    return back_to("payment", f"tried={mark}")


async def save_a_card(visit: Visit) -> Response:
    """Lead to the processor's own page, which leads back here."""
    mark = await _mark(visit)
    back = f"{visit.services.public_url}{address('payment')}?saved=1&tried={mark}"
    opened = await visit.ask(LINK, body={"return_url": back})
    return RedirectResponse(opened["url"], 303)


async def _open(visit: Visit) -> list[Json]:
    """Return the charges that are neither paid nor given up."""
    found = await visit.ask(CHARGES, query={"limit": MOST, "state": ChargeState.OPEN})
    return [told(one) for one in found["items"]]


async def _mark(visit: Visit) -> int:
    """Return how often unpaid charges were declined: it tells whether another try was made."""
    return sum(one["declines"] for one in await _open(visit) if is_declined(one))


def _tried(visit: Visit, unpaid: list[Json]) -> str:
    """Return what came of a try: `` (none), `waits`, `declined`, `paid`, `saved` (nothing due)."""
    mark = visit.query.get("tried", "")
    if not (mark.isascii() and mark.isdigit()):
        return ""
    if mark == "0":
        return "saved" if not unpaid else ""
    if not unpaid:
        paused = Pause.PAYMENT_FAILED in visit.standing.wallet.paused_by
        return "waits" if paused else "paid"
    now = sum(one["declines"] for one in unpaid)
    return "waits" if str(now) == mark else "declined"


PAGE = Page(
    "payment",
    "Payment",
    show,
    acts={"use": use, "retry": retry},
    files={"card": save_a_card},
    admins=True,
)
