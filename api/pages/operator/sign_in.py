"""Signing in. A wrong address and a wrong password are told alike."""

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.errors import NotFoundError
from api.pages.forms import fields_of, token_of
from api.pages.operator import sessions
from api.pages.operator.page import FIRST, address
from api.pages.operator.serving import SIGN_IN, is_open
from api.pages.operator.sessions import Way
from api.pages.rendering import HEADERS, rendered
from api.pages.serving import for_people
from api.services import Services
from domain.access.operators import Operator
from ledger.access import operators

ANYBODY = "sign-in"  # whose token the form has: nobody has a session yet
CHECKS = asyncio.Semaphore(2)  # at once: each costs 64 MiB and a good part of a second's CPU
WRONG = "Address or password are wrong, or the account is locked for a quarter of an hour."


async def _ask(request: Request) -> Response:
    return _page(request.state.services, "")


async def _sign_in(request: Request) -> Response:
    """Begin a session."""
    services: Services = request.state.services
    if not is_open(services, Way.PASSWORD):
        raise NotFoundError("not_found", "there is no such page")
    sent = await fields_of(request, services.link_secrets, ANYBODY)
    at = datetime.now(UTC)
    email, password = sent.get("email", "").strip().lower(), sent.get("password", "")
    if "\x00" in email or len(password) > 1_000:  # noqa: PLR2004 - as nobody's password
        return _page(services, WRONG)

    def check() -> Operator | None:
        with services.engine.begin() as connection:
            return operators.sign_in(connection, email, password, at)

    async with CHECKS:
        operator = await asyncio.to_thread(check)
    if operator is None:
        return _page(services, WRONG)
    answer = RedirectResponse(address(FIRST), 303, HEADERS)
    sessions.keep(answer, services, sessions.begin(operator.email, operator.epoch, at))
    return answer


def _page(services: Services, wrong: str) -> Response:
    known = services.identities
    facts = {
        "wrong": wrong,
        "csrf": token_of(services.link_secrets, ANYBODY),
        "issuer": urlsplit(known.provider.issuer).netloc if known else "",
        "passwords": is_open(services, Way.PASSWORD),
    }
    return rendered("operator/sign_in.html.j2", facts, 403 if wrong else 200)


ROUTES = [
    Route(SIGN_IN, _ask, methods=["GET"]),
    Route(SIGN_IN, for_people(_sign_in), methods=["POST"]),
]
