"""The pages of the customer's console, in the order of the menu."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.pages.customer import live, opening
from api.pages.customer.buy import PAGE as BUY
from api.pages.customer.credits import PAGE as CREDITS
from api.pages.customer.frame import Frame
from api.pages.customer.serving import Console, home

FRAME = Frame((CREDITS, BUY))


async def _home(_: Request) -> Response:
    return home()


ROUTES = [
    *opening.ROUTES,
    *live.ROUTES,
    Route("/console", _home, methods=["GET"]),
    *Console(FRAME).routes(),
]
