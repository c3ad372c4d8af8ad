"""What the processor keeps of a customer: payment methods and the files of invoices."""

import asyncio
from typing import Any

from sqlalchemy import Connection

from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint, Example
from api.v1.problems import Problem
from api.v1.reads.lists import PAGE
from api.v1.reads.parameters import PAGING, limit_of, text_of
from api.v1.reads.snapshots import of_customer
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.payments.charges import InvoiceRecord
from gateways.payments import ProcessorRefusal
from ledger import accounts
from ledger.accounts import CustomerDetails


async def read_methods(call: Call) -> Reply:
    """Answer a customer's payment methods, the newest first."""
    query = call.known("limit", "starting_after")
    after, limit = text_of(query, "starting_after"), limit_of(query)
    details = await of_customer(call, _details)
    found: list[dict[str, Any]] = []
    if details.payer is not None:
        methods = await asyncio.to_thread(call.services.payments.payment_methods, details.payer)
        found = [
            {
                "id": one.method,
                "name": one.card,
                "kind": one.kind,
                "default": one.method == details.payment_method,
            }
            for one in methods
        ]
    places = {one["id"]: place for place, one in enumerate(found)}
    if after is not None and after not in places:
        raise Problem("invalid_cursor", f"`starting_after`: the list has no item {after!a:.100}")
    begin = 0 if after is None else places[after] + 1
    items = found[begin : begin + limit]
    return reply({"items": items, "has_more": begin + limit < len(found)})


async def open_invoice(call: Call) -> Reply:
    """Lead to an invoice's file at the processor."""
    return _led((await _invoice(call)).pdf_url, call)


async def open_invoice_page(call: Call) -> Reply:
    """Lead to an invoice's own page at the processor, where it is paid or confirmed."""
    return _led((await _invoice(call)).page_url, call)


async def _invoice(call: Call) -> InvoiceRecord:
    call.known()
    details = await of_customer(call, _details)
    invoice = call.path["invoice"]
    try:
        if details.payer is None:
            raise _unknown(invoice)
        return await asyncio.to_thread(call.services.payments.invoice, details.payer, invoice)
    except ProcessorRefusal as error:
        raise _unknown(invoice) from error


def _led(url: str, call: Call) -> Reply:
    if not url:
        raise _unknown(call.path["invoice"])
    return reply({"url": url}, 302, Location=url)


def _details(connection: Connection, account_id: int) -> CustomerDetails:
    return accounts.details_of(connection, account_id)


def _unknown(invoice: str) -> InvalidInput:
    return InvalidInput("unknown_invoice", f"there is no invoice {invoice!a:.80}")


PAYMENTS = (
    Endpoint(
        "GET",
        "/customers/{id:path}/payment_methods",
        Scope.READ,
        summary="List a customer's payment methods, the newest first.",
        handle=read_methods,
        answer=PAGE,
        parameters=PAGING,
        reasons=("unknown_customer", "invalid_cursor", "invalid_parameter"),
        examples=(Example("payment methods", path={"id": "acme"}),),
    ),
    Endpoint(
        "GET",
        "/customers/{id:path}/invoices/{invoice}/pdf",
        Scope.READ,
        summary="Be led to an invoice's PDF.",
        handle=open_invoice,
        answer={"type": "object", "required": ["url"]},
        statuses=(302,),
        reasons=("unknown_customer", "unknown_invoice"),
    ),
    Endpoint(
        "GET",
        "/customers/{id:path}/invoices/{invoice}/page",
        Scope.READ,
        summary="Be led to an invoice's page, where a person pays it or confirms it with the bank.",
        handle=open_invoice_page,
        answer={"type": "object", "required": ["url"]},
        statuses=(302,),
        reasons=("unknown_customer", "unknown_invoice"),
    ),
)
