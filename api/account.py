"""The addresses behind most mails' buttons: they open the customer's console."""

from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import Response

from api.pages import mailed
from api.pages.customer import opening, sessions
from api.pages.customer.page import FIRST
from api.pages.customer.pages import FRAME
from api.pages.serving import PeoplesRoute
from api.services import Shared
from domain.mails.links import Opens

INVOICES = "invoices"

router = APIRouter(route_class=PeoplesRoute)


# Names of subscriptions may contain slashes, which arrive decoded.
@router.get("/account/{subscription_id:path}/{token}")
async def open_console(
    subscription_id: str, token: str, services: Shared, page: str = FIRST
) -> Response:
    """Open the console for the holder of a mailed link; 404 if it is not ours, 410: it is old."""
    try:
        account_id = await mailed.account_of(services, Opens.CONSOLE, subscription_id, token)
    except mailed.ExpiredLinkError:
        return mailed.expired(services, Opens.CONSOLE, subscription_id)
    session = sessions.begin(account_id, "", "", datetime.now(UTC))
    return opening.opened(services, session, page if page in FRAME.pages else FIRST)


@router.get("/invoices/{subscription_id:path}/{token}")
async def open_invoices(subscription_id: str, token: str, services: Shared) -> Response:
    """Show invoices alone to the holder of such a link; 404 if it is not ours, 410: it is old."""
    try:
        account_id = await mailed.account_of(services, Opens.INVOICES, subscription_id, token)
    except mailed.ExpiredLinkError:
        return mailed.expired(services, Opens.INVOICES, subscription_id)
    session = sessions.begin(account_id, "", "", datetime.now(UTC), only=INVOICES)
    return opening.opened(services, session, INVOICES)
