"""The application under `/v1`: a route for each path of the list of endpoints."""

from collections.abc import Sequence

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from api.v1.endpoint import Endpoint
from api.v1.endpoints import every
from api.v1.problems import Problem
from api.v1.request_ids import request_id_of
from api.v1.serving import Serve, refusal, respond


def create_door(endpoints: Sequence[Endpoint] = every.ENDPOINTS) -> Router:
    """Return the application; the hot path's routes come first, because they are tried in turn."""
    by_path: dict[str, list[Endpoint]] = {}
    for one in endpoints:
        by_path.setdefault(one.path, []).append(one)
    routes = [Route(f"/v1{path}", Serve(tuple(some))) for path, some in by_path.items()]
    return Router(routes, redirect_slashes=False, default=_not_found)


async def _not_found(scope: Scope, _receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    request_id = request_id_of(headers)
    told = f"there is no {scope['method']} {scope['path']:.200}"
    await respond(send, refusal(Problem("not_found", told), request_id), request_id)
