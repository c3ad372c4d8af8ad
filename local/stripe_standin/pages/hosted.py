"""The pages a person sees: choose a card, look at or pay an invoice. All say what they are."""

from urllib.parse import parse_qs

from local.stripe_standin.objects.cards import CARDS
from local.stripe_standin.objects.charging import collect
from local.stripe_standin.objects.payment_methods import make
from local.stripe_standin.objects.refusals import Refusal, invalid
from local.stripe_standin.pages.html import TYPED, Choice, card_page, invoice_page, note
from local.stripe_standin.pages.pdf import placeholder
from local.stripe_standin.pages.sessions import asks_address, complete
from local.stripe_standin.server import Request, Response
from local.stripe_standin.store import Json
from local.stripe_standin.world import World

SESSIONS = {"checkout": "checkout.session", "portal": "billing_portal.session"}
SAVING = (
    Choice("pm_card_visa", "Visa ···4242", "works"),
    Choice("pm_card_mastercard", "Mastercard ···4444", "works"),
    Choice("pm_card_chargeCustomerFail", "Visa ···0341", "can be saved; every charge is declined"),
    Choice(
        "pm_card_authenticationRequired",
        "Visa ···3184",
        "can be saved; charges without you need 3-D Secure",
    ),
    Choice("pm_card_visa_chargeDeclined", "Visa ···0002", "the bank refuses to save it"),
)

# Checkout offers them where the seller's settings and the currency allow; the portal never does.
ACCOUNTS = {
    "us_bank_account": (
        Choice("pm_usBankAccount_success", "Bank account ···6789", "works; its money takes days"),
        Choice(
            "pm_usBankAccount_unverified",
            "Bank account ···4321",
            "after a small deposit",
        ),
    ),
    "sepa_debit": (
        Choice("pm_sepaDebit_success", "Bank account ···3201", "works; its money takes days"),
    ),
}

PAYING = (
    Choice("pm_card_visa", "Visa ···4242", "works"),
    Choice("pm_card_authenticationRequired", "Visa ···3184", "you confirm by 3-D Secure; works"),
    Choice("pm_card_visa_chargeDeclined", "Visa ···0002", "is declined"),
)


class Pages:
    """The hosted pages of Stripe, as plain forms."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request) -> Response:
        """Show a page, or act on its button."""
        what, _, rest = request.path.strip("/").partition("/")
        name, _, part = rest.partition("/")
        try:
            if what in SESSIONS:
                return self._session(request, self._world.get(SESSIONS[what], name))
            if what == "invoice":
                return self._invoice(request, self._world.get("invoice", name), part)
        except Refusal as refusal:
            return _html(note(str(refusal)), refusal.status)
        return _html(note("No such page."), 404)

    def _session(self, request: Request, session: Json) -> Response:
        customer = self._world.get("customer", session["customer"])
        if session.get("status") == "complete":
            return _html(note("This page was used before."))
        types = session.get("payment_method_types", ())
        accounts = (one for kind in types for one in ACCOUNTS.get(kind, ()))
        offered, asks = (*SAVING, *accounts), asks_address(session)
        if request.method != "POST":
            return _html(card_page(customer, offered, "", asks_address=asks))
        try:
            target = complete(self._world, session, _chosen(request), _address(request))
        except Refusal as refusal:
            self._world.store.commit()
            said = card_page(customer, offered, str(refusal), asks_address=asks)
            return _html(said, refusal.status)
        self._world.store.commit()
        if target:
            return Response(303, b"", "text/html", {"Location": target})
        return _html(note("The card was saved. You can close this page."))

    def _invoice(self, request: Request, invoice: Json, part: str) -> Response:
        if invoice["status"] == "draft":
            raise invalid("a draft has no page")
        if part == "pdf":
            return Response(200, placeholder(invoice), "application/pdf")
        if request.method != "POST":
            return _html(invoice_page(invoice, PAYING, ""))
        try:
            self._pay(invoice, _chosen(request))
        except Refusal as refusal:
            return _html(invoice_page(invoice, PAYING, str(refusal)), refusal.status)
        finally:
            self._world.store.commit()
        return _html(invoice_page(invoice, PAYING, "Thank you, it is paid."))

    def _pay(self, invoice: Json, token: str) -> None:
        """Pay with another card; the person is there, so the bank can ask for confirmation.

        The card is not saved: https://docs.stripe.com/invoicing/hosted-invoice-page.
        """
        if invoice["status"] != "open":
            raise invalid(f"this invoice is {invoice['status']}")
        if token not in CARDS:
            raise invalid(f"no such test card: {token}")
        collect(self._world, invoice, make(self._world, CARDS[token]), off_session=False)


def _chosen(request: Request) -> str:
    return parse_qs(request.body.decode()).get("card", [""])[0]


def _address(request: Request) -> Json:
    """Return what was typed of a billing address."""
    typed = parse_qs(request.body.decode())
    return {name: typed[name][0].strip() for name in TYPED if name in typed}


def _html(text: str, status: int = 200) -> Response:
    return Response(status, text.encode(), "text/html; charset=utf-8")
