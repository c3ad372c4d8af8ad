"""The link in mails about a card: redirects to the processor's page to replace it."""

import asyncio
from uuid import uuid4

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from api.errors import NotFoundError
from api.pages import mailed
from api.pages.serving import PeoplesRoute
from api.services import Services, Shared
from domain.mails.links import Opens
from domain.payments.kinds import CARD_PAGE
from ledger.payments import processor_ids

BACK = "/billing/back"
THANKS = """\
You can close this page.

If you have replaced your card, everything that waited for it continues within minutes.
"""
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

router = APIRouter(route_class=PeoplesRoute)


@router.get(BACK, response_class=PlainTextResponse)
def back() -> str:
    """Show a page to someone coming back from the processor's page."""
    return THANKS


# Names of subscriptions may contain slashes, which arrive decoded.
@router.get("/billing/{subscription_id:path}/{token}", response_class=RedirectResponse)
async def open_card_page(subscription_id: str, token: str, services: Shared) -> Response:
    """Redirect to a page that is valid for minutes; 404 if it is not ours, 410: it is old."""
    try:
        await mailed.account_of(services, Opens.CONSOLE, subscription_id, token)
    except mailed.ExpiredLinkError:
        return mailed.expired(services, Opens.CONSOLE, subscription_id)
    url = await asyncio.to_thread(_card_page, services, subscription_id)
    return RedirectResponse(url, 303, PRIVATE)


def _card_page(services: Services, subscription_id: str) -> str:
    with services.engine.connect() as connection:
        payer = processor_ids.payer_of_subscription(connection, subscription_id)
        page = processor_ids.saving_page(connection, payer) if payer else CARD_PAGE
    if payer is None:
        raise NotFoundError("unknown_link", "this subscription is unknown to the payment processor")
    # A new key every time: a repeated key would return an expired page.
    return services.payments.card_link(
        payer,
        return_url=services.public_url + BACK,
        key=f"{payer}:card:{uuid4()}",
        page=page,
    )
