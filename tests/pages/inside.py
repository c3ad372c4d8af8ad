"""The application in the test's own process, where queries are counted and names are changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from sqlalchemy import Engine

from api.main import create_app


@asynccontextmanager
async def in_this_process(
    variables: dict[str, str],
) -> AsyncIterator[tuple[httpx.AsyncClient, Engine]]:
    """Serve the application here; yield a browser without a screen, and the engine."""
    app = create_app({"PUBLIC_URL": "http://door", **variables})
    async with app.pages.router.lifespan_context(app.pages) as state:

        async def serve(scope, receive, send):
            await app({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(serve)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            yield client, state["services"].engine
