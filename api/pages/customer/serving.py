"""The gate of the customer's console: its sessions, who may see what, its frame."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.pages.customer import sessions
from api.pages.customer.frame import Frame, in_frame
from api.pages.customer.page import Page
from api.pages.customer.visits import Visit, standing_of
from api.pages.rendering import rendered
from api.services import Services
from domain.errors import BillingError


@dataclass(frozen=True, slots=True)
class CustomerGate:
    """Lets in who has opened a customer's link."""

    frame: Frame

    async def enter(self, request: Request, at: datetime, request_id: str) -> Visit | None:
        """Return the visit of a session. Raises `NotFoundError`: nobody may see it any more."""
        services: Services = request.state.services
        session = sessions.session_of(request, services, at)
        if session is None:
            return None
        return Visit(
            services=services,
            session=session,
            standing=await standing_of(services, session, at),
            at=at,
            request_id=request_id,
            query=dict(request.query_params),
        )

    def session_id(self, visit: Visit) -> str:
        """Return the id of the visit's session."""
        return visit.session.session_id

    def may_see(self, visit: Visit, page: Page) -> bool:
        """Return whether a page is for the visitor: some are for admins alone."""
        return page.seen_by(visit)

    def may_send(self, visit: Visit, page: Page) -> bool:
        """Return whether the visitor may send its forms."""
        return self.may_see(visit, page) and not visit.session.only

    def sent(self, visit: Visit, form: Mapping[str, str]) -> Visit:
        """Return the visit with its form."""
        return replace(visit, form=form)

    def refused(self, visit: Visit, error: BillingError) -> Visit:
        """Return the visit with why its form did nothing."""
        return replace(visit, refused=error)

    def framed(self, visit: Visit, page: Page, facts: Mapping[str, Any]) -> Response:
        """Return the page in its frame."""
        return in_frame(self.frame, visit, page.name, facts)

    def renew(self, answer: Response, visit: Visit) -> None:
        """Renew the session by its use."""
        sessions.renew(answer, visit.services, visit.session, visit.at)

    def closed(self, _request: Request) -> Response:
        """Return the page of somebody whose session has ended, or who never had one."""
        return over()


def over() -> Response:
    """Return the page of somebody whose session has ended, or who never had one."""
    facts = {
        "title": "Please open your link again",
        "text": "This page closes after half an hour of rest. Open it again from the product,"
        " or with the button in one of our mails.",
    }
    answer = rendered("plain.html.j2", facts, 404)
    sessions.end(answer)
    return answer
