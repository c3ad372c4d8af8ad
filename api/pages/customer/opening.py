"""The links that open the console: one for each portal session, and those in mails."""

import asyncio
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.pages.customer import sessions
from api.pages.customer.page import address
from api.pages.customer.serving import over
from api.pages.rendering import HEADERS
from api.pages.serving import for_people
from api.services import Services
from ledger.access import portal_sessions


async def _open(request: Request) -> Response:
    """Open a portal session's link, once."""
    services: Services = request.state.services
    if request.method == "HEAD":  # whoever only looks whether there is a page must not use it up
        return Response(status_code=204, headers=HEADERS)
    at, token = datetime.now(UTC), request.path_params["token"]

    def take() -> portal_sessions.Opening | None:
        with services.engine.begin() as connection:
            return portal_sessions.open_once(connection, token, at)

    found = await asyncio.to_thread(take)
    if found is None:
        return over()
    session = sessions.begin(found.account_id, found.member_id or "", found.return_url or "", at)
    return opened(services, session, found.page)


def opened(services: Services, session: sessions.Session, page: str) -> Response:
    """Lead to a page with the cookie of a new session."""
    answer = RedirectResponse(address(page), 303, HEADERS)
    sessions.keep(answer, services, session)
    return answer


async def _leave(request: Request) -> Response:
    """End the session of this browser."""
    services: Services = request.state.services
    session = sessions.session_of(request, services, datetime.now(UTC))
    answer = RedirectResponse(session.return_url, 303) if session and session.return_url else over()
    sessions.end(answer)
    return answer


ROUTES = [
    Route("/console/open/{token}", for_people(_open), methods=["GET"]),
    Route("/console/leave", for_people(_leave), methods=["GET"]),
]
