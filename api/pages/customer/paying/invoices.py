"""Invoices: the list, their files, and copies by mail."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from api.pages.asking import Json
from api.pages.customer import words
from api.pages.customer.page import Page, back_to
from api.pages.customer.paying.charging import FOR
from api.pages.customer.visits import CUSTOMER, Visit
from domain.errors import InvalidInput
from domain.payments.charges import ChargeKind, ChargeState

INVOICES = f"GET {CUSTOMER}/invoices"
PDF = f"GET {CUSTOMER}/invoices/{{invoice}}/pdf"
OWN_PAGE = f"GET {CUSTOMER}/invoices/{{invoice}}/page"
MAIL = f"POST {CUSTOMER}/invoices/{{invoice}}/mail"
FINANCE = f"POST {CUSTOMER}/finance_email"
SHOWN = "20"  # invoices at once
STATES = {
    "open": ("Due", "warn"),
    "processing": ("On its way", ""),
    "paid": ("Paid", "good"),
    "void": ("Void", ""),
}


async def show(visit: Visit) -> dict[str, Any]:
    """Show a page of invoices and where they go by mail."""
    query = {"limit": SHOWN}
    if visit.query.get("after"):
        query["starting_after"] = visit.query["after"]
    found = await visit.ask(INVOICES, query=query)
    items = [_told(one) for one in found["items"]]
    kept = visit.standing.customer
    return words.facts(
        visit,
        invoices=items,
        older=items[-1]["id"] if found["has_more"] else "",
        finance=kept.finance_email or "",
        goes_to=kept.finance_email or kept.email,
        mailed=visit.query.get("mailed", ""),
        new_key=visit.new_key,
    )


def _told(invoice: Json) -> Json:
    """Return an invoice with what it is for and how it stands, in words and a tone."""
    awaited = invoice["state"] in (ChargeState.OPEN, ChargeState.PROCESSING) and invoice["due_at"]
    state, tone = STATES[ChargeState.OPEN if awaited else invoice["state"]]
    what = FOR[ChargeKind(invoice["kind"])]
    return {**invoice, "what": what, "standing": state, "tone": tone, "awaited": bool(awaited)}


async def pdf(visit: Visit) -> Response:
    """Lead to the file of one of the customer's invoices, which is at the processor."""
    found = await visit.ask(PDF, invoice=_invoice(visit.query.get("invoice")))
    return RedirectResponse(found["url"], 303)


async def page(visit: Visit) -> Response:
    """Lead to the page of an invoice at the processor, which has the account number."""
    found = await visit.ask(OWN_PAGE, invoice=_invoice(visit.query.get("invoice")))
    return RedirectResponse(found["url"], 303)


async def mail(visit: Visit) -> Response:
    """Mail a copy to finance, or to the customer where there is no such address."""
    invoice, key = _invoice(visit.form.get("invoice")), visit.form.get("key", "")
    await visit.ask(MAIL, body={}, key=key, invoice=invoice)
    return back_to("invoices", urlencode({"mailed": invoice}))


async def finance(visit: Visit) -> Response:
    """Set the address that receives receipts too; an empty field stops that."""
    email = visit.form.get("email", "").strip()
    await visit.ask(FINANCE, body={"email": email or None}, key=visit.form.get("key", ""))
    return back_to("invoices")


def _invoice(named: str | None) -> str:
    if not named:
        raise InvalidInput("unknown_invoice", "no invoice was named")
    return named


PAGE = Page(
    "invoices",
    "Invoices",
    show,
    acts={"mail": mail, "finance": finance},
    files={"pdf": pdf, "page": page},
    admins=True,
)
