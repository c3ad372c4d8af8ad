"""How the customer's console answers: the session, the form, the page, and every error."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.errors import NotFoundError
from api.pages.customer import sessions
from api.pages.customer.frame import Frame, in_frame
from api.pages.customer.page import Handle, Page
from api.pages.customer.visits import Visit, standing_of
from api.pages.forms import fields_of
from api.pages.refusals import told_of
from api.pages.rendering import rendered
from api.services import Services
from api.v1.problems import Problem
from api.v1.request_ids import request_id_of
from domain.errors import BillingError
from domain.tracing import causes

log = logging.getLogger(__name__)


class Console:
    """The pages by address."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[Route]:
        """Return the routes of every page, its forms and its files."""
        found = []
        for page in self._frame.pages.values():
            found.append(Route(page.address, self._serve(page, page.show), methods=["GET"]))
            for name, act in page.acts.items():
                address = f"{page.address}/{name}"
                found.append(Route(address, self._serve(page, act, form=True), methods=["POST"]))
            for name, file in page.files.items():
                address = f"{page.address}/{name}"
                found.append(Route(address, self._serve(page, file), methods=["GET"]))
        return found

    def _serve(
        self, page: Page, handle: Handle, *, form: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        return _Answer(self._frame, page, handle, form=form).serve


class _Answer:
    """Answers the requests of one address."""

    def __init__(self, frame: Frame, page: Page, handle: Handle, *, form: bool) -> None:
        self._frame = frame
        self._page = page
        self._handle = handle
        self._form = form

    async def serve(self, request: Request) -> Response:
        """Answer a request, whatever comes of it."""
        at = datetime.now(UTC)
        services: Services = request.state.services
        session = sessions.session_of(request, services, at)
        if session is None:
            return over()
        try:
            answer = await self._answer(request, services, session, at=at)
        except BillingError as error:
            return failed(error)
        except (OperationalError, PoolTimeoutError) as error:
            log.warning("the database is unreachable: %s", error)
            return failed(Problem("database_unavailable", "the ledger does not answer"))
        sessions.renew(answer, services, session, at)
        return answer

    async def _answer(
        self, request: Request, services: Services, session: sessions.Session, *, at: datetime
    ) -> Response:
        request_id = request_id_of(dict(request.headers))
        causes.name_request(request_id)
        visit = Visit(
            services=services,
            session=session,
            standing=await standing_of(services, session, at),
            at=at,
            request_id=request_id,
            query=dict(request.query_params),
        )
        if self._page.admins and not visit.is_admin:
            raise NotFoundError("not_found", "there is no such page")
        if not self._form:
            return self._told(visit, await self._handle(visit))
        sent = await fields_of(request, services.link_secrets, session.session_id)
        visit = replace(visit, form=sent)
        try:
            return self._told(visit, await self._handle(visit))
        except BillingError as error:
            visit = replace(visit, refused=error)
            return self._told(visit, await self._page.show(visit))

    def _told(self, visit: Visit, found: object) -> Response:
        if isinstance(found, Response):
            return found
        if not isinstance(found, dict):
            raise TypeError("a page returns a response or what its template is given")
        return in_frame(self._frame, visit, self._page.name, found)


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


def failed(error: BillingError) -> Response:
    """Return the page of what could not be shown."""
    told = told_of(error)
    return rendered("plain.html.j2", {"title": told.headline, "text": told.cure}, told.status)


def home() -> RedirectResponse:
    """Lead to the first page."""
    return RedirectResponse("/console/credits", 303)
