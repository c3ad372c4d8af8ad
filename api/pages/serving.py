"""How a console answers a request: who asks, the form, the page, and every error."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import RETRY_AFTER, NotFoundError
from api.pages.forms import fields_of
from api.pages.refusals import told_of
from api.pages.rendering import rendered
from api.services import Services
from api.v1.request_ids import request_id_of
from api.v1.serving import AWAY, told_as
from domain.errors import BillingError, InvalidInput
from domain.tracing import causes

V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)
P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)
# What a page's template is given, or a whole response.
Handle = Callable[[V], Awaitable[Mapping[str, Any] | Response]]
Serve = Callable[[Request], Coroutine[Any, Any, Response]]
UNAVAILABLE = 503


class Paged(Protocol[V_contra]):
    """What every console's page has."""

    @property
    def address(self) -> str: ...  # noqa: D102 - as the class says

    @property
    def show(self) -> Handle[V_contra]: ...  # noqa: D102

    @property
    def acts(self) -> Mapping[str, Handle[V_contra]]: ...  # noqa: D102

    @property
    def files(self) -> Mapping[str, Handle[V_contra]]: ...  # noqa: D102


class Gate(Protocol[V, P_contra]):
    """A console's own part of an answer."""

    async def enter(self, request: Request, at: datetime, request_id: str) -> V | None:
        """Return the visit of a request; None: whoever asks has no session."""
        ...

    def session_id(self, visit: V) -> str:
        """Return what the tokens of the visit's forms are made of."""
        ...

    def may_see(self, visit: V, page: P_contra) -> bool:
        """Return whether the visitor may know that the page exists."""
        ...

    def may_send(self, visit: V, page: P_contra) -> bool:
        """Return whether the visitor may send the page's forms."""
        ...

    def sent(self, visit: V, form: Mapping[str, str]) -> V:
        """Return the visit with the fields of its form."""
        ...

    def refused(self, visit: V, error: BillingError) -> V:
        """Return the visit with why its form did nothing."""
        ...

    def framed(self, visit: V, page: P_contra, facts: Mapping[str, Any]) -> Response:
        """Return the page in its frame."""
        ...

    def renew(self, answer: Response, visit: V) -> None:
        """Write the session's cookie anew where that is due."""
        ...

    def closed(self, request: Request) -> Response:
        """Return what somebody without a session is shown."""
        ...


@dataclass(frozen=True, slots=True)
class Answer(Generic[V, P]):
    """Answers the requests of one address; `form`: they are sent by the page's own forms."""

    gate: Gate[V, P]
    page: P
    show: Handle[V]
    handle: Handle[V]
    form: bool = False

    async def serve(self, request: Request) -> Response:
        """Answer a request, whatever comes of it."""
        at = datetime.now(UTC)
        request_id = request_id_of(dict(request.headers))
        causes.name_request(request_id)
        try:
            visit = await self.gate.enter(request, at, request_id)
            if visit is None:
                return self.gate.closed(request)
            answer = await self._answer(request, visit)
        except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a page
            return failed(told_as(error, request_id))
        self.gate.renew(answer, visit)
        return answer

    async def _answer(self, request: Request, visit: V) -> Response:
        gate = self.gate
        if not gate.may_see(visit, self.page):
            raise NotFoundError("not_found", "there is no such page")
        if not self.form:
            return self._told(visit, await self.handle(visit))
        services: Services = request.state.services
        found = await fields_of(request, services.link_secrets, gate.session_id(visit))
        if not gate.may_send(visit, self.page):
            raise NotFoundError("not_found", "there is no such page")
        visit = gate.sent(visit, found)
        try:
            return self._told(visit, await self.handle(visit))
        except BillingError as error:
            refusal = error
        except tuple(AWAY) as error:
            refusal = told_as(error, "")
        visit = gate.refused(visit, refusal)
        return self._told(visit, await self.show(visit))

    def _told(self, visit: V, found: Mapping[str, Any] | Response) -> Response:
        if isinstance(found, Response):
            return found
        return self.gate.framed(visit, self.page, found)


def routes_of(gate: Gate[V, Any], page: Paged[V]) -> list[Route]:
    """Return the routes of a page, of its forms and of its files."""
    found = [Route(page.address, Answer(gate, page, page.show, page.show).serve, methods=["GET"])]
    for name, act in page.acts.items():
        answer = Answer(gate, page, page.show, handle=act, form=True)
        found.append(Route(f"{page.address}/{name}", answer.serve, methods=["POST"]))
    for name, file in page.files.items():
        answer = Answer(gate, page, page.show, handle=file)
        found.append(Route(f"{page.address}/{name}", answer.serve, methods=["GET"]))
    return found


def failed(error: BillingError, ancestors: str = "'none'") -> Response:
    """Return the page of what could not be shown; `ancestors` may show it inside theirs."""
    told = told_of(error)
    facts = {"title": told.headline, "text": told.cure}
    return waiting(rendered("plain.html.j2", facts, told.status, ancestors=ancestors))


def waiting(answer: Response) -> Response:
    """Tell browsers and proxies when to come again, where something does not answer."""
    if answer.status_code == UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def _told(_: Request, error: BillingError) -> Response:
    return failed(error)


def for_people(serve: Serve, tell: Callable[[Request, BillingError], Response] = _told) -> Serve:
    """Return what answers a route that has no gate: whatever comes of it, a person gets a page."""

    async def answer(request: Request) -> Response:
        request_id = request_id_of(dict(request.headers))
        causes.name_request(request_id)
        try:
            return await serve(request)
        except RequestValidationError:
            return tell(request, InvalidInput("unknown_link", "a part of the address is missing"))
        except Exception as error:  # noqa: BLE001 - as above
            return tell(request, told_as(error, request_id))

    return answer


class PeoplesRoute(APIRoute):
    """A route of the framework whose errors are pages."""

    def get_route_handler(self) -> Serve:
        """Return what answers the route's requests."""
        return for_people(super().get_route_handler())
