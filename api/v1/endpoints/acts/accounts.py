"""What a customer sets: how it pays, where receipts go, when it is alerted."""

import asyncio
from functools import partial
from uuid import uuid4

from api.billing import BACK
from api.v1.call import Call, Reply, reply
from api.v1.endpoint import Endpoint
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.endpoints.acts.acting import Message, shown
from api.v1.problems import Problem
from api.v1.sending import acts
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from domain.messages.alerts import MOST_READ, MOST_THRESHOLDS, parse_read_notices, parse_set_alerts
from domain.messages.cards import parse_retry_payment
from domain.messages.invoices import (
    parse_mail_invoice,
    parse_set_finance_email,
    parse_use_payment_method,
)
from domain.webhooks.targets import parsed_url
from ledger.payments import processor_ids

EMAIL = {"anyOf": [schemas.EMAIL, {"type": "null"}]}
ALERT = schemas.closed(
    {"channel": {"enum": ["email", "in_app", "both"]}},
    percent={"type": "integer", "minimum": 1, "maximum": 99},
    credits=schemas.QUANTITY,
    rearm_on_purchase={"type": "boolean"},
)
ALERTS = {
    "anyOf": [{"type": "array", "maxItems": MOST_THRESHOLDS, "items": ALERT}, {"type": "null"}]
}
LINK = schemas.titled(
    "PaymentMethodLink",
    {
        "type": "object",
        "required": ["customer_id", "url"],
        "properties": {"customer_id": schemas.CUSTOMER, "url": {"type": "string"}},
    },
)


async def link(call: Call) -> Reply:
    """Answer the processor's page where a card is saved; it is good for some minutes."""
    raw = fields.only(fields.parse_object(call.body), optional=("return_url",))
    back = call.services.public_url + BACK
    if "return_url" in raw:
        back = return_url(call, raw["return_url"])
    owner = await acts.customer_of(call)
    if owner.payer is None:
        raise Problem("unknown_payer", "the payment processor does not know this customer")
    opened = partial(_opened, call, owner.payer, back)
    return reply({"customer_id": owner.customer_id, "url": await asyncio.to_thread(opened)})


def _opened(call: Call, payer: str, back: str) -> str:
    with call.services.engine.connect() as connection:
        page = processor_ids.saving_page(connection, payer)
    # A new key every time: a repeated key would return an expired page.
    key = f"{payer}:card:{uuid4()}"
    return call.services.payments.card_link(payer, return_url=back, key=key, page=page)


def return_url(call: Call, sent: object) -> str:
    """Return where to go afterwards. Raises `InvalidInput` (`invalid_url`)."""
    if not isinstance(sent, str):
        raise InvalidInput("invalid_url", "`return_url` must be a text")
    # An engine that is itself served without TLS is a local one.
    parsed_url(sent, anywhere=call.services.public_url.startswith("http://"))
    return sent


ACCOUNTS = (
    acting.customers(
        "/payment_method",
        Message("use_payment_method", parse_use_payment_method, keyed=False),
        "Charge this card from now on; failed charges are retried once with it.",
        schemas.closed({"payment_method": schemas.CUSTOMER}),
        *("unknown_payment_method", "payment_method_of_another_customer"),
        "payment_method_not_accepted",
        examples=(shown("A new card", {"payment_method": "pm_card_mastercard"}),),
    ),
    Endpoint(
        "POST",
        f"{acting.CUSTOMER}/payment_method_link",
        Scope.CUSTOMER,
        summary="Open the processor's page where a card is saved. A repeat opens another.",
        handle=link,
        request=schemas.closed({}, return_url={"type": "string", "format": "uri"}),
        answer=LINK,
        reasons=("unknown_customer", "unknown_payer", "invalid_url", "processor_unavailable"),
        examples=(shown("Back to the product", {"return_url": "https://acme.example/billing"}),),
    ),
    acting.customers(
        "/retry_payment",
        Message("retry_payment", parse_retry_payment),
        "Retry declined charges with the current card.",
        schemas.closed({}),
        *("nothing_declined", "paid_by_transfer", "paused:by_operator"),
        examples=(shown("The card may work now", {}),),
    ),
    acting.customers(
        "/finance_email",
        Message("set_finance_email", parse_set_finance_email, keyed=False),
        "Send receipts to this address too; null stops that.",
        schemas.closed({"email": EMAIL}),
        "invalid_email",
        examples=(shown("To the books", {"email": "finance@acme.example"}),),
    ),
    acting.customers(
        "/invoices/{invoice}/mail",
        Message("mail_invoice", parse_mail_invoice, named={"invoice": "invoice"}),
        "Mail an invoice.",
        schemas.closed({}, email=EMAIL),
        *("unknown_invoice", "invalid_email"),
        examples=(shown("To an auditor", {"email": "audit@acme.example"}, invoice="in_1"),),
    ),
    acting.customers(
        "/alerts",
        Message("set_alerts", parse_set_alerts, keyed=False),
        "Set the balances at which the customer is alerted; null restores the plan's.",
        schemas.closed({"alerts": ALERTS}),
        "invalid_threshold",
        examples=(shown("At a fifth", {"alerts": [{"percent": 20, "channel": "both"}]}),),
    ),
    acting.customers(
        "/notices/read",
        Message("read_notices", parse_read_notices, keyed=False),
        "Mark notices as read.",
        schemas.closed(
            {"notices": {"type": "array", "maxItems": MOST_READ, "items": schemas.TEXT}}
        ),
        examples=(shown("One", {"notices": ["alert:20_percent:7"]}),),
    ),
)
