"""The application under `/v1`: a route for each path of the list of endpoints."""

import re
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

    def __init__(self, path: str, serve: Serve, methods: list[str]) -> None:
        super().__init__(path, serve, methods=methods)
        # As a whole: a key may contain a line break, and a path does not end before one.
        whole = self.path_regex.pattern.removesuffix("$") + r"\Z"
        self.path_regex = re.compile(whole, re.DOTALL)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; a wrong method is answered as every error is."""
        await self.app(scope, receive, send)


def create_door(endpoints: Sequence[Endpoint] = every.ENDPOINTS) -> Router:
    """Return the application; the hot path's routes come first, because they are tried in turn."""
    paths: dict[str, list[Endpoint]] = defaultdict(list)
    for one in sorted(endpoints, key=_takes_all_below):
        paths[one.path].append(one)
    routes = [
        _Path(f"/v1{path}", Serve(some), methods=[one.method for one in some])
        for path, some in paths.items()
    ]
    return Router(routes, redirect_slashes=False, default=_not_found)


def _takes_all_below(one: Endpoint) -> bool:
    """Return whether a path ends with an id, which may have slashes: such a one is tried last."""
    return one.path.endswith(":path}")


async def _not_found(scope: Scope, _receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    request_id = request_id_of(headers)
    told = f"there is no {scope['method']} {scope['path']:.200}"
    await respond(send, refusal(Problem("not_found", told), request_id), request_id)
