"""Invitations: the customer's link, who signed up by it, what it brought; and where it lands."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import NotFoundError
from api.pages.customer import sessions, words
from api.pages.customer.page import Page
from api.pages.customer.visits import CUSTOMER, Visit, standing_of
from api.pages.rendering import rendered
from api.pages.serving import for_people
from api.services import Services
from domain.access.invitations import Invitation, Inviter, invitation_token, inviter_of
from domain.credits import parse_credits
from domain.errors import InvalidInput
from domain.pricing.catalog import Bonus
from domain.subscription import Status

ENTRIES = f"GET {CUSTOMER}/entries"
LATEST = "100"  # sign-ups that are shown, the newest first


async def show(visit: Visit) -> dict[str, Any]:
    """Show the link, and what came of it."""
    bonus = _bonus(visit)
    if bonus is None:
        return words.facts(visit, bonus=None)
    inviter = Inviter(visit.standing.wallet.account_id, visit.customer_id, bonus.bonus_id)
    token = invitation_token(visit.services.link_secrets, inviter)
    wanted = {"tag": f"bonus:{bonus.bonus_id}", "limit": LATEST}
    found = await visit.ask(ENTRIES, query=wanted)
    came = [one for one in found["items"] if one["kind"] == "grant"]
    return words.facts(
        visit,
        bonus=bonus,
        lasts=bonus.expires.value,
        unit=visit.unit(bonus.credit_type),
        url=f"{visit.services.public_url}/invite/{token}",
        came=came,
        more=found["has_more"],
        brought=visit.show.number(sum(parse_credits(one["credits"]) for one in came)),
    )


def _bonus(visit: Visit) -> Bonus | None:
    """Return what a sign-up brings; None: the seller takes no invitations."""
    found = _invitation(visit.services, visit.plan.catalog)
    if found is None or visit.catalog is None:
        return None
    try:
        return visit.catalog.bonus(found.bonus_id)
    except InvalidInput:
        return None


def _invitation(services: Services, catalog: str) -> Invitation | None:
    return next((one for one in services.invitations if one.catalog == catalog), None)


async def _land(request: Request) -> Response:
    """Tell a visitor who invites, and lead on to the seller's own sign-up page and no other."""
    services: Services = request.state.services
    token, at = request.path_params["token"], datetime.now(UTC)
    inviter = inviter_of(services.link_secrets, token)
    if inviter is None:
        return _nobody()
    try:
        session = sessions.begin(inviter.account_id, "", "", at)
        standing = await standing_of(services, session, at)
    except NotFoundError:
        return _nobody()
    found = _invitation(services, standing.plan.catalog)
    if found is None or found.bonus_id != inviter.bonus_id or standing.status is Status.ENDED:
        return _nobody()
    catalog = services.context.catalogs.get(found.catalog)
    facts = {
        "brand": catalog.brand if catalog else found.catalog,
        "name": standing.customer.name,
        "link": found.signup(token),
    }
    return rendered("invitation.html.j2", facts)


def _nobody() -> Response:
    facts = {
        "title": "This invitation is not valid",
        "text": "Ask who sent it for a new one, or sign up without it.",
    }
    return rendered("plain.html.j2", facts, 404)


PAGE = Page("invite", "Invite", show, has=lambda visit: _bonus(visit) is not None)
ROUTES = [Route("/invite/{token}", for_people(_land), methods=["GET"])]
