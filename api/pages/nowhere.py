"""Addresses at which there is nothing: people read a page, programs read JSON."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api.errors import FRAMEWORK, NotFoundError, by_framework
from api.pages.serving import failed

CONSOLES = ("/console", "/operator")


def install(app: FastAPI) -> None:
    """Register what answers where no route does, or none that is asked so."""
    for status, reason in FRAMEWORK.items():
        app.add_exception_handler(status, _told_by(by_framework(status, reason)))


def _told_by(
    to_programs: Callable[[Request, Exception], Awaitable[Response]],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        if _is_for_people(request):
            return failed(NotFoundError("not_found", "there is no such page"))
        return await to_programs(request, error)

    return answer


def _is_for_people(request: Request) -> bool:
    """Return whether a person looks: at a console, or by a browser, which asks for HTML."""
    is_console = request.url.path.startswith(CONSOLES)
    return is_console or "text/html" in request.headers.get("accept", "")
