"""The balance as server-sent events: the newest at once, then each that differs."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import suppress

from sqlalchemy import Connection
from starlette.types import Receive

from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint, Parameter
from api.v1.endpoints import schemas
from api.v1.problems import Problem
from api.v1.reads.snapshots import of_customer
from api.watching.balances import Told, Viewer
from domain.api_keys import Scope

EVENTS = "text/event-stream"
HEARTBEAT_SECONDS = 15.0
# When readers connect again after their process has ended: later the more there are, for those that
# find too many requests under way are refused.
SOONEST_MS = 1_000
MS_EACH = 20
HEARTBEAT = b":\n\n"
LAST = "last-event-id"
# Proxies that gather an answer before they pass it on would show balances of a minute ago.
HEADERS = {"X-Accel-Buffering": "no"}


async def stream_balance(call: Call) -> Reply:
    """Answer a stream of a customer's balances. Raises `Problem` (`too_many_requests`)."""
    call.known()
    account_id = await of_customer(call, _account)
    if not call.services.limits.streams.take():
        raise Problem("too_many_requests", "this process has as many streams open as it may")
    return Reply(b"", headers=HEADERS, media_type=EVENTS, stream=Stream(call, account_id))


def _account(_: Connection, account_id: int) -> int:
    return account_id


class Stream:
    """The events of one reader; `close` it, whether or not it was read."""

    def __init__(self, call: Call, account_id: int) -> None:
        self._call = call
        self._account_id = account_id

    def close(self) -> None:
        """Give the place back."""
        self._call.services.limits.streams.free()

    async def parts(self, receive: Receive) -> AsyncGenerator[bytes, None]:
        """Yield what is sent, until the reader leaves, its key ends or the process stops."""
        watch = self._call.services.balances.watch
        with watch(self._account_id, self._call.path["id"]) as (feed, viewer):
            leaving = asyncio.create_task(_leave(receive, viewer))
            try:
                yield self._retry()
                seen, last = None, self._call.headers.get(LAST, "")
                while True:
                    heard = await _news(viewer)
                    if viewer.gone:
                        return
                    latest = feed.latest
                    if latest is not None and (seen is None or latest.digest != seen.digest):
                        if seen is not None or latest.name != last:
                            yield event_of(latest)
                        seen = latest
                    elif not heard:
                        yield HEARTBEAT
                    if not heard and not await self._may_go_on():
                        return
            finally:
                leaving.cancel()

    def _retry(self) -> bytes:
        spread = MS_EACH * self._call.services.limits.streams.taken
        return b"retry: %d\n\n" % random.randint(SOONEST_MS, SOONEST_MS + spread)  # noqa: S311

    async def _may_go_on(self) -> bool:
        _, _, token = self._call.headers["authorization"].partition(" ")
        key = await self._call.services.keys.find(token.strip())
        return key is not None and key.allows(Scope.READ)


async def _news(viewer: Viewer) -> bool:
    """Wait for news; False: there was none for as long as a reader may hear nothing."""
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            await viewer.news.wait()
        viewer.news.clear()
        return True
    return False


async def _leave(receive: Receive, viewer: Viewer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    viewer.leave()


def event_of(latest: Told) -> bytes:
    """Return a balance as an event."""
    return b"id: %s\ndata: %s\n\n" % (latest.name.encode(), latest.body)


STREAM = (
    Endpoint(
        "GET",
        "/customers/{id:path}/balance/stream",
        Scope.READ,
        summary="Watch a customer's balance: server-sent events, each as the balance's answer.",
        handle=stream_balance,
        answer={"type": "string"},
        parameters=(
            Parameter(
                "Last-Event-ID",
                schemas.TEXT,
                "The `id` of the newest event that the reader knows.",
                place="header",
            ),
        ),
        reasons=("unknown_customer", "too_many_requests"),
        answers_as=(EVENTS,),
    ),
)
