"""The pages of the operators' console, in the order of the menu."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.pages.operator import openid, sign_in
from api.pages.operator.customer.act import PAGE as ACT
from api.pages.operator.customer.charge import PAGE as CHARGE
from api.pages.operator.customer.customer import PAGE as CUSTOMER
from api.pages.operator.customer.proposals import PAGE as PROPOSALS
from api.pages.operator.customers import PAGE as CUSTOMERS
from api.pages.operator.page import FIRST, address
from api.pages.operator.running.accounts import PAGE as OPERATORS
from api.pages.operator.running.catalogs import PAGE as CATALOGS
from api.pages.operator.running.finance import PAGE as FINANCE
from api.pages.operator.running.health import PAGE as HEALTH
from api.pages.operator.running.keys import PAGE as KEYS
from api.pages.operator.running.webhooks import PAGE as WEBHOOKS
from api.pages.operator.serving import OperatorGate
from api.pages.operator.trying.page import PAGE as SIMULATIONS
from api.pages.serving import routes_of

PAGES = (
    CUSTOMERS,
    CUSTOMER,
    CHARGE,
    ACT,
    PROPOSALS,
    FINANCE,
    CATALOGS,
    SIMULATIONS,
    WEBHOOKS,
    KEYS,
    OPERATORS,
    HEALTH,
)
GATE = OperatorGate(PAGES)


async def _home(_: Request) -> Response:
    return RedirectResponse(address(FIRST), 303)


ROUTES = [
    *sign_in.ROUTES,
    *openid.ROUTES,
    Route("/operator", _home, methods=["GET"]),
    *(route for page in PAGES for route in routes_of(GATE, page)),
]
