"""The application under `/v1`: a route for each path of the list of endpoints."""

from collections import defaultdict
from collections.abc import Sequence

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from api.v1.endpoint import Endpoint
from api.v1.endpoints import every
from api.v1.problems import Problem
from api.v1.request_ids import request_id_of
from api.v1.serving import Serve, refusal, respond


class _Path(Route):
    """A path with its methods; another path may match with the method that this one lacks."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; a wrong method is answered as every error is."""
        await self.app(scope, receive, send)


def create_door(endpoints: Sequence[Endpoint] = every.ENDPOINTS) -> Router:
    """Return the application; the hot path's routes come first, because they are tried in turn."""
    paths: dict[str, list[Endpoint]] = defaultdict(list)
    for one in endpoints:
        paths[one.path].append(one)
    routes = [
        _Path(f"/v1{path}", Serve(some), methods=[one.method for one in some])
        for path, some in paths.items()
    ]
    return Router(routes, redirect_slashes=False, default=_not_found)


async def _not_found(scope: Scope, _receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    request_id = request_id_of(headers)
    told = f"there is no {scope['method']} {scope['path']:.200}"
    await respond(send, refusal(Problem("not_found", told), request_id), request_id)
