"""Where mails about a card lead: the processor's own page, on which it is replaced."""

from uuid import uuid4

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, RedirectResponse

from api.errors import NotFoundError
from api.services import Shared
from domain.mails.links import is_genuine
from ledger.payments import processor_ids

BACK = "/billing/back"
THANKS = """\
You can close this page.

If you have replaced your card, whatever waited for it goes on by itself within minutes.
"""
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

router = APIRouter()


@router.get(BACK, response_class=PlainTextResponse)
def back() -> str:
    """Receive a person who comes back from the processor's page."""
    return THANKS


# Names of subscriptions may contain slashes, which arrive decoded.
@router.get("/billing/{subscription_id:path}/{token}", response_class=RedirectResponse)
def open_card_page(subscription_id: str, token: str, services: Shared) -> RedirectResponse:
    """Redirect to a page that is valid for minutes; 404 for a link that we did not sign."""
    if not is_genuine(services.link_secret, subscription_id, token):
        raise NotFoundError("unknown_link", "this link leads nowhere")
    with services.engine.connect() as connection:
        payer = processor_ids.payer_of_subscription(connection, subscription_id)
    if payer is None:
        raise NotFoundError("unknown_link", "this subscription is unknown to the payment processor")
    # A new key every time: the page of a repeated key would have expired.
    url = services.payments.card_link(
        payer, return_url=services.public_url + BACK, key=f"{payer}:card:{uuid4()}"
    )
    return RedirectResponse(url, 303, PRIVATE)
