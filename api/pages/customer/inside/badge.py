"""A balance inside a product's page: read only, live, and a button that leads to buying."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import NotFoundError
from api.pages.customer import sessions, words
from api.pages.customer.credits import BALANCE
from api.pages.customer.live import NO_MORE, stream_of
from api.pages.customer.page import address
from api.pages.customer.visits import Visit, standing_of
from api.pages.refusals import told_of
from api.pages.rendering import rendered
from api.pages.serving import UNAVAILABLE, for_people, waiting
from api.services import Services
from domain.access.badges import badge_of
from domain.errors import BillingError

LOW_DAYS = 3  # for which it suffices at today's pace
OVER = 404
RELOAD = "Reload the page to see them."
SOON = "Reload the page in a minute."


async def _show(request: Request) -> Response:
    """Show what can be used now, of the plan's main credit type."""
    services: Services = request.state.services
    session = _session(request)
    if session is None:
        raise NotFoundError("unknown_link", "this badge is over")
    at = datetime.now(UTC)
    standing = await standing_of(services, session, at)
    visit = Visit(services, session, standing, at, request_id="")
    balance = await visit.ask(BALANCE)
    kind = visit.plan.main_credit_type
    found = balance["credit_types"].get(kind)
    sells = bool(visit.plan.manual or visit.plan.packs) and visit.is_admin
    facts = words.facts(
        visit,
        available=found["available"] if found else "0",
        low=found is not None and _is_low(found["days_to_empty"]),
        unit=visit.unit(kind),
        mark=standing.mark,
        paused=visit.standing.wallet.refusal is not None,
        buy=(session.return_url or address("buy")) if sells else "",
        news=f"/embed/{request.path_params['token']}/live",
    )
    return rendered("badge.html.j2", facts, ancestors=services.ancestors)


async def _news(request: Request) -> Response:
    """Answer the news of a badge's customer, until the badge is over."""
    session = _session(request)
    if session is None:
        return Response(status_code=NO_MORE)
    return await stream_of(request.state.services, session)


def _session(request: Request) -> sessions.Session | None:
    """Return what a badge may read, as a session that no cookie carries and no use renews."""
    services: Services = request.state.services
    token = request.path_params["token"]
    badge = badge_of(services.link_secrets, token, datetime.now(UTC))
    if badge is None:
        return None
    return sessions.begin(badge.account_id, badge.member_id, badge.return_url, badge.made_at)


def _is_low(days_to_empty: int | None) -> bool:
    return days_to_empty is not None and days_to_empty <= LOW_DAYS


def _none(request: Request, error: BillingError) -> Response:
    """Say in a line that there is nothing to see, and for how long; why is for our log."""
    services: Services = request.state.services
    status = told_of(error).status
    away = status == UNAVAILABLE
    facts = {"text": "Your credits cannot be shown just now. " + (SOON if away else RELOAD)}
    status = status if away else OVER
    return waiting(rendered("badge_none.html.j2", facts, status, ancestors=services.ancestors))


ROUTES = [
    Route("/embed/{token}", for_people(_show, _none), methods=["GET"]),
    Route("/embed/{token}/live", for_people(_news, _none), methods=["GET"]),
]
