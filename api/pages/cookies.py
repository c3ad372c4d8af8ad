"""The sealed cookie of a session: no script reads it, and nobody changes what it says."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from api.services import Services
from domain.access.sealed import Seal, seal, unseal


@dataclass(frozen=True, slots=True)
class SealedCookie:
    """A cookie below `path`, which a browser forgets after `lasts` without use."""

    name: str
    path: str
    purpose: Seal
    lasts: timedelta
    same_site: Literal["lax", "strict"]

    def read(self, request: Request, services: Services) -> dict[str, Any] | None:
        """Return what a request's cookie says; None: there is none of ours."""
        sent = request.cookies.get(self.name, "")
        content = unseal(services.link_secrets, self.purpose, sent)
        if content is None:
            return None
        kept: dict[str, Any] = json.loads(content)
        return kept

    def write(self, response: Response, services: Services, content: dict[str, Any]) -> None:
        """Give the cookie to the browser."""
        response.set_cookie(
            self.name,
            seal(services.link_secrets, self.purpose, json.dumps(content)),
            max_age=int(self.lasts.total_seconds()),
            path=self.path,
            secure=services.public_url.startswith("https:"),
            httponly=True,
            samesite=self.same_site,
        )

    def end(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(self.name, path=self.path)
