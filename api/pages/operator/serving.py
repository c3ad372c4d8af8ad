"""The gate of the operators' console: its sessions, its roles, its frame."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.pages.forms import token_of
from api.pages.operator import sessions
from api.pages.operator.page import Page
from api.pages.operator.visits import Visit
from api.pages.refusals import told_of
from api.pages.rendering import rendered
from api.services import Services
from domain.access.operators import Operator
from domain.errors import BillingError
from ledger.access import operator_acts, operators

SIGN_IN = "/operator/sign_in"
CALLBACK = f"{SIGN_IN}/callback"
SIGN_OUT = "/operator/sign_out"


def is_open(services: Services, way: sessions.Way) -> bool:
    """Return whether people sign in so: beside a provider, passwords only break the glass."""
    if way is sessions.Way.PROVIDER:
        return services.identities is not None
    return services.identities is None or services.identities.break_glass


class OperatorGate:
    """Lets in who has signed in."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages

    async def enter(self, request: Request, at: datetime, request_id: str) -> Visit | None:
        """Return the visit of a session whose account is live."""
        services: Services = request.state.services
        session = sessions.session_of(request, services, at)
        if session is None or not is_open(services, session.way):
            return None

        def find() -> tuple[Operator | None, int]:
            with services.engine.connect() as connection:
                found = operators.find(connection, session.email, session.epoch)
                return found, operator_acts.waiting(connection) if found else 0

        operator, waiting = await asyncio.to_thread(find)
        if operator is None:
            return None
        return Visit(
            services=services,
            session=session,
            operator=operator,
            waiting=waiting,
            at=at,
            request_id=request_id,
            query=dict(request.query_params),
        )

    def session_id(self, visit: Visit) -> str:
        """Return the id of the visit's session."""
        return visit.session.session_id

    def may_see(self, visit: Visit, page: Page) -> bool:
        """Return whether the operator's role looks at the page."""
        return visit.operator.role in page.seen_by

    def may_send(self, visit: Visit, page: Page) -> bool:
        """Return whether the operator's role acts there."""
        return visit.operator.role in page.roles

    def sent(self, visit: Visit, form: Mapping[str, str]) -> Visit:
        """Return the visit with its form."""
        return replace(visit, form=form)

    def refused(self, visit: Visit, error: BillingError) -> Visit:
        """Return the visit with why its form did nothing."""
        return replace(visit, refused=error)

    def framed(self, visit: Visit, page: Page, facts: Mapping[str, Any]) -> Response:
        """Return the page in its frame, with a status of its own where a form was refused."""
        told = told_of(visit.refused) if visit.refused else None
        around = {
            "title": page.title,
            "current": page.name,
            "menu": [one for one in self.pages if one.menu and self.may_see(visit, one)],
            "operator": visit.operator,
            "may_act": self.may_send(visit, page),
            "refused": told,
            "csrf": token_of(visit.services.link_secrets, visit.session.session_id),
            "key": visit.new_key(),
            "show": visit.show,
            "visit": visit,
        }
        status = told.status if told else 200
        return rendered(f"operator/{page.name}.html.j2", {**around, **facts}, status)

    def renew(self, answer: Response, visit: Visit) -> None:
        """Renew the session by its use."""
        sessions.renew(answer, visit.services, visit.session, visit.at)

    def closed(self, _request: Request) -> Response:
        """Lead to the sign-in, which leads nowhere but to the first page."""
        return RedirectResponse(SIGN_IN, 303)
