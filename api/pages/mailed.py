"""Links from mails: how long each opens, and the page of one that opens no more.

Whoever holds an old mail may no longer read the customer's new ones. So an expired link opens
nothing, and a new one goes to the address on file, whoever asks for it.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from activities.notifications import fresh_links
from api.bodies import raw_body
from api.errors import NotFoundError
from api.pages.forms import parsed
from api.pages.rendering import rendered
from api.pages.serving import for_people
from api.services import Services
from domain.access.sealed import Seal, seal, unseal
from domain.errors import InvalidInput
from domain.mails.links import Opens, mailed
from ledger import subscriptions
from ledger.notifications import outbox

FRESH = "/links/fresh"
ASKED_WITHIN = timedelta(days=1)  # for which the button of an expired link's page works


class ExpiredLinkError(Exception):
    """We signed the link, and its life is over."""


async def account_of(services: Services, opens: Opens, subscription_id: str, token: str) -> int:
    """Return whose link it is. Raises `NotFoundError`: not ours, or gone; `ExpiredLinkError`."""
    found = mailed(services.link_secrets, opens, subscription_id, token)
    if found is None:
        raise NotFoundError("unknown_link", "this link is not valid")

    def read() -> tuple[int, datetime | None]:
        with services.engine.connect() as connection:
            account_id = subscriptions.stored(connection, subscription_id).account_id
            at = found.at
            if at is None:  # its mail's row knows it
                at = outbox.last_mail_with(connection, account_id, f"/{token}")
        return account_id, at

    try:
        account_id, at = await asyncio.to_thread(read)
    except InvalidInput as error:
        raise NotFoundError("unknown_link", "there is no such subscription") from error
    if at is None or datetime.now(UTC) >= at + services.link_life:
        raise ExpiredLinkError
    return account_id


def expired(services: Services, opens: Opens, subscription_id: str) -> Response:
    """Return the page of an expired link, with a button that has a new one mailed."""
    kept = [opens, subscription_id, datetime.now(UTC).isoformat()]
    facts = {
        "days": services.link_life // timedelta(days=1),
        "to": FRESH,
        "sealed": seal(services.link_secrets, Seal.FRESH_LINK, json.dumps(kept)),
    }
    return rendered("expired_link.html.j2", facts, 410)


async def _fresh(request: Request) -> Response:
    """Have a new link mailed; whoever asks reads the same, whatever comes of it."""
    services: Services = request.state.services
    at = datetime.now(UTC)
    sent = parsed(await raw_body(request)).get("link", "")
    content = unseal(services.link_secrets, Seal.FRESH_LINK, sent)
    if content is None:
        raise NotFoundError("unknown_link", "the button is not of our page")
    opens, subscription_id, shown_at = json.loads(content)
    if at >= datetime.fromisoformat(shown_at) + ASKED_WITHIN:
        raise NotFoundError("unknown_link", "the page of this button is old")

    def send() -> None:
        with services.engine.begin() as connection:
            fresh_links.send(
                services.context,
                connection,
                subscription_id,
                Opens(opens),
                lasts=services.link_life,
                at=at,
            )

    await asyncio.to_thread(send)
    facts = {
        "title": "Look into your mail",
        "text": "If there still is such a subscription, a new link is on its way to the address on"
        " file. It may take some minutes; there is one an hour at most. If that address is no"
        " longer yours, ask the people whose product this is.",
    }
    return rendered("plain.html.j2", facts)


ROUTES = [Route(FRESH, for_people(_fresh), methods=["POST"])]
