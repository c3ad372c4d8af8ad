"""The addresses behind most mails' buttons: they open the customer's console."""

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import Response

from api.errors import NotFoundError
from api.pages.customer import opening, sessions
from api.pages.customer.page import FIRST
from api.pages.customer.pages import FRAME
from api.pages.serving import PeoplesRoute
from api.services import Services, Shared
from domain.errors import InvalidInput
from domain.mails.links import is_genuine, is_of_invoices
from ledger import subscriptions

INVOICES = "invoices"

router = APIRouter(route_class=PeoplesRoute)


# Names of subscriptions may contain slashes, which arrive decoded.
@router.get("/account/{subscription_id:path}/{token}")
async def open_console(
    subscription_id: str, token: str, services: Shared, page: str = FIRST
) -> Response:
    """Open the console for the holder of a mailed link; 404 if we did not sign it."""
    if not is_genuine(services.link_secrets, subscription_id, token):
        raise NotFoundError("unknown_link", "this link is not valid")
    account_id = await asyncio.to_thread(_account, services, subscription_id)
    session = sessions.begin(account_id, "", "", datetime.now(UTC))
    return opening.opened(services, session, page if page in FRAME.pages else FIRST)


@router.get("/invoices/{subscription_id:path}/{token}")
async def open_invoices(subscription_id: str, token: str, services: Shared) -> Response:
    """Show invoices alone to the holder of such a link; 404 if we did not sign it."""
    if not is_of_invoices(services.link_secrets, subscription_id, token):
        raise NotFoundError("unknown_link", "this link is not valid")
    account_id = await asyncio.to_thread(_account, services, subscription_id)
    session = sessions.begin(account_id, "", "", datetime.now(UTC), only=INVOICES)
    return opening.opened(services, session, INVOICES)


def _account(services: Services, subscription_id: str) -> int:
    with services.engine.connect() as connection:
        try:
            return subscriptions.stored(connection, subscription_id).account_id
        except InvalidInput as error:
            raise NotFoundError("unknown_link", "there is no such subscription") from error
