"""The pages of the customer's console, in the order of the menu."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.pages.customer import invite, live, opening
from api.pages.customer.credits import PAGE as CREDITS
from api.pages.customer.frame import Frame
from api.pages.customer.inside import badge, prompts
from api.pages.customer.page import FIRST, address
from api.pages.customer.paying.auto_purchase import PAGE as AUTO_PURCHASE
from api.pages.customer.paying.buy import PAGE as BUY
from api.pages.customer.paying.invoices import PAGE as INVOICES
from api.pages.customer.paying.payment import PAGE as PAYMENT
from api.pages.customer.paying.plan import PAGE as PLAN
from api.pages.customer.serving import CustomerGate
from api.pages.customer.team import PAGE as TEAM
from api.pages.customer.using.alerts import PAGE as ALERTS
from api.pages.customer.using.results import PAGE as RESULTS
from api.pages.customer.using.usage import PAGE as USAGE
from api.pages.serving import routes_of

FRAME = Frame(
    (
        CREDITS,
        BUY,
        AUTO_PURCHASE,
        USAGE,
        RESULTS,
        PLAN,
        PAYMENT,
        INVOICES,
        TEAM,
        ALERTS,
        invite.PAGE,
    )
)


async def _home(_: Request) -> Response:
    return RedirectResponse(address(FIRST), 303)


ROUTES = [
    *opening.ROUTES,
    *live.ROUTES,
    *prompts.ROUTES,
    *badge.ROUTES,
    *invite.ROUTES,
    Route("/console", _home, methods=["GET"]),
    *(route for page in FRAME.pages.values() for route in routes_of(CustomerGate(FRAME), page)),
]
