"""The HTTP door's endpoints, asked by a page: the same checks, keys and answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import msgspec

from api.services import Services
from api.v1 import idempotency
from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint
from api.v1.endpoints.every import ENDPOINTS
from api.v1.problems import MEDIA_TYPE, Problem
from domain.api_keys import ApiKey

Json = dict[str, Any]
NONE: Mapping[str, str] = MappingProxyType({})
KEY_PREFIX = "console-"  # keys of forms and those of a product's own requests never meet
_BY_NAME: dict[str, Endpoint] = {f"{one.method} {one.address}": one for one in ENDPOINTS}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: `key` is what a session may do, as if it were a key of the API."""

    services: Services
    key: ApiKey
    request_id: str = field(default="")

    async def ask(
        self,
        wanted: str,
        path: Mapping[str, str] = NONE,
        *,
        query: Mapping[str, str] = NONE,
        body: Json | None = None,
        key: str = "",
    ) -> Json:
        """Return the JSON that an endpoint answers, such as `GET /customers/{id}/balance`.

        `key` is the form's own text for this act: sent twice, it is done once. Raises
        `BillingError`, also for what the door answers as a problem (a declined payment).
        """
        answer = await self.reply(wanted, path, query=query, body=body, key=key)
        found: Json = msgspec.json.decode(answer.body)
        if answer.media_type == MEDIA_TYPE:
            reason, told = found.pop("reason"), found.pop("detail", "")
            raise Problem(reason, told, facts=found)
        return found

    async def reply(
        self,
        wanted: str,
        path: Mapping[str, str] = NONE,
        *,
        query: Mapping[str, str] = NONE,
        body: Json | None = None,
        key: str = "",
        accept: str = "",
    ) -> Reply:
        """Return an endpoint's reply as it is. Raises `BillingError`."""
        endpoint = _BY_NAME[wanted]
        if endpoint.scope is not None and not self.key.allows(endpoint.scope):
            raise Problem("scope_missing", f"this session may not ask {wanted}")
        headers = {"idempotency-key": KEY_PREFIX + key} if key else {}
        if accept:
            headers["accept"] = accept
        call = Call(
            services=self.services,
            key=self.key,
            path=path,
            query=query,
            headers=headers,
            body=msgspec.json.encode(body) if body is not None else b"",
            request_id=self.request_id,
            address=_address(endpoint, path),
        )
        if endpoint.keyed:
            return await idempotency.once(call, endpoint.handle)
        return await endpoint.handle(call)


def _address(endpoint: Endpoint, path: Mapping[str, str]) -> str:
    """Return method and path as a client would have sent them."""
    filled = endpoint.address
    for name, value in path.items():
        filled = filled.replace(f"{{{name}}}", quote(value))
    return f"{endpoint.method} /v1{filled}"
