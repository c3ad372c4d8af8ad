"""The API with an endpoint beside it that does nothing: what the server itself costs."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.main import create_app as create_api

PATH = "/empty"
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]


class EmptyBeside:
    """Reads a body and answers `{}`; all else is the API's."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope.get("path") != PATH:
            await self._api(scope, receive, send)
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"{}"})


def create_app() -> ASGIApp:
    """Return the application."""
    return EmptyBeside(create_api())
