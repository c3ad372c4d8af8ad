"""News for an open page: the mark of the customer's wallet, whenever it is another.

A page carries the mark that it was read with (`Standing.mark`), so that it misses nothing of what
happens before it listens.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.pages.customer import sessions
from api.pages.customer.visits import standing_of
from api.pages.serving import for_people
from api.services import Services
from domain.errors import BillingError

EVENTS = "text/event-stream"
HEARTBEAT_SECONDS = 15.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
NO_MORE = 204  # a browser that reads this does not connect again


async def _stream(request: Request) -> Response:
    """Answer a stream of marks, as long as the page and the session are open."""
    services: Services = request.state.services
    session = sessions.session_of(request, services, datetime.now(UTC))
    if session is None:
        return Response(status_code=NO_MORE)
    return await stream_of(services, session)


async def stream_of(services: Services, session: sessions.Session) -> Response:
    """Answer the news of a session's customer; 204 tells a browser not to ask again."""
    try:
        standing = await standing_of(services, session, datetime.now(UTC))
    except BillingError:
        return Response(status_code=NO_MORE)
    if not services.limits.streams.take():
        return Response(status_code=NO_MORE)
    customer = standing.customer.customer_id
    news = _news(services, session, customer)
    return StreamingResponse(news, media_type=EVENTS, headers=HEADERS)


async def _news(
    services: Services, session: sessions.Session, customer_id: str
) -> AsyncGenerator[bytes, None]:
    try:
        with services.balances.watch(session.account_id, customer_id) as (feed, viewer):
            yield b"retry: 2000\n\n"
            seen = ""
            while not viewer.gone and not session.is_over(datetime.now(UTC)):
                latest = feed.latest
                if latest is not None and latest.mark != seen:
                    seen = latest.mark
                    yield f"data: {seen}\n\n".encode()
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await viewer.news.wait()
                if viewer.news.is_set():
                    viewer.news.clear()
                else:
                    yield b":\n\n"
    finally:
        services.limits.streams.free()


ROUTES = [Route("/console/live", for_people(_stream), methods=["GET"])]
