"""A customer as the processor has it, and what others do there past our gateway."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlencode
from urllib.request import HTTPErrorProcessor, Request, build_opener, urlopen

from local.stripe_standin.process import StandIn

Json = dict[str, Any]


class _Stay(HTTPErrorProcessor):
    """Does not follow where the page leads: that is the product's own."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response


class _AtProcessor(Protocol):
    """What reaches the processor."""

    @property
    def standin(self) -> StandIn: ...


def card_in(fleet: _AtProcessor, country: str, card: str = "tok_visa") -> str:
    """Make a card that belongs to nobody yet, with a place in its billing details."""
    somebody = Payer()
    somebody.fleet = fleet
    form = {"type": "card", "card[token]": card, "billing_details[address][country]": country}
    return str(somebody.ask_processor("payment_methods", form)["id"])


@contextmanager
def held(standin: StandIn, customer: str = "", path: str = "/v1/invoices/*/pay") -> Iterator[None]:
    """Let the processor execute one request only after what is done meanwhile."""
    standin.post("/_fault", fault="held", path=path, customer=customer)
    try:
        yield
    finally:
        standin.post("/_release", customer=customer)


class Payer:
    """The part of a customer that is at the processor."""

    fleet: _AtProcessor
    name: str

    def processor(self) -> Json:
        """Return the processor's objects of this customer, and its `payer` there."""
        customers = self.fleet.standin.get("/_ledger")["customers"].items()
        return next(
            {"payer": payer} | one for payer, one in customers if one["customer_id"] == self.name
        )

    def fault(self, fault: str, **order: Any) -> None:
        """Let the processor misbehave towards this customer (local/stripe_standin/faults.py)."""
        payer = self.processor()["payer"]
        self.fleet.standin.post("/_fault", fault=fault, customer=payer, **order)

    @contextmanager
    def payment_held(self) -> Iterator[None]:
        """Let this customer's next payment happen only after what is done meanwhile."""
        with held(self.fleet.standin, self.processor()["payer"]):
            yield

    def is_held(self) -> bool:
        """Return whether the processor holds a request."""
        return bool(self.fleet.standin.get("/_fault")["held"])

    def new_card(self, card: str = "tok_mastercard") -> str:
        """Make a card at the processor that belongs to nobody yet; return its id."""
        made = self.ask_processor("payment_methods", {"type": "card", "card[token]": card})
        return str(made["id"])

    def pay_elsewhere(self, invoice: str, *, outside: bool = False) -> None:
        """Pay an invoice on the processor's own page, or by a transfer that is noted there."""
        self.ask_processor(
            f"invoices/{invoice}/pay", {"paid_out_of_band": "true"} if outside else {}
        )

    def confirm(self, invoice: str) -> None:
        """Confirm an invoice with the bank, on the processor's own page."""
        body = urlencode({"card": "pm_card_authenticationRequired"}).encode()
        page = f"{self.fleet.standin.base_url}/invoice/{invoice}"
        with urlopen(Request(page, body, method="POST")) as answer:  # noqa: S310
            assert answer.status == HTTPStatus.OK

    def save_there(self, page: str, method: str, **address: str) -> None:
        """Save a payment method on the processor's page, whose address a link gave.

        `address` is what is typed of the billing address: `country`, `postal_code`, `state`.
        """
        body = urlencode({"card": method} | address).encode()
        opener = build_opener(_Stay())
        with opener.open(Request(page, body, method="POST")) as answer:  # noqa: S310
            assert answer.status == HTTPStatus.SEE_OTHER

    def balance(self, amount_minor: int) -> None:
        """Move the payer's balance at the processor, as its dashboard can; negative is credit."""
        payer = self.processor()["payer"]
        move = {"amount": str(amount_minor), "currency": "usd"}
        self.ask_processor(f"customers/{payer}/balance_transactions", move)

    def settle_later(self, invoice: str, code: str | None = None) -> None:
        """Let money that is on its way come, or be refused with the bank's code."""
        order = {"invoice": invoice} | ({"code": code} if code else {})
        self.fleet.standin.post("/_settle", **order)

    def transfers(self, invoice: str, amount_minor: int) -> None:
        """Let so much of a sent invoice come by transfer."""
        self.fleet.standin.post("/_transfer", invoice=invoice, amount=amount_minor)

    def open_invoices(self) -> list[str]:
        """Return the invoices that the processor would still take money for."""
        listed = self.ask_processor(f"invoices?customer={self.processor()['payer']}&status=open")
        return [invoice["id"] for invoice in listed["data"]]

    def balance_at_processor(self) -> int:
        """Return the payer's balance in minor units; below zero is the payer's credit."""
        return int(self.ask_processor(f"customers/{self.processor()['payer']}")["balance"])

    def ask_processor(
        self, path: str, form: dict[str, str] | None = None, method: str = ""
    ) -> Json:
        """Ask the processor for something as others do, past our gateway."""
        standin = self.fleet.standin
        request = Request(  # noqa: S310 - the stand-in on this machine
            f"{standin.base_url}/v1/{path}",
            None if form is None else urlencode(form).encode(),
            {"Authorization": f"Bearer {standin.api_key}"},
            method=method or ("GET" if form is None else "POST"),
        )
        with urlopen(request) as answer:  # noqa: S310
            return dict(json.load(answer))

    def paid(self) -> list[int]:
        """Return the amounts that the processor collected, in order."""
        return [invoice["amount_minor"] for invoice in self.processor()["paid"]]

    def attempts(self) -> int:
        """Return how often the processor was asked to pay."""
        return int(self.processor()["attempts"])
