"""Who asks: the key in `Authorization`, and whether it covers what is asked."""

from collections.abc import Mapping

from api.services import Services
from api.v1.problems import Problem
from domain.api_keys import ApiKey, Scope

CHALLENGE = 'Bearer realm="drawdown"'


NOBODY = ApiKey("", frozenset(), None)  # who asks for what is open to all


async def authenticate(
    services: Services, headers: Mapping[str, str], scope: Scope | None
) -> ApiKey:
    """Return the key that a request carries; `scope` None: none is needed.

    Raises `Problem`: `unauthorized`, `scope_missing`.
    """
    if scope is None:
        return NOBODY
    kind, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token:
        raise Problem("unauthorized", "the request carries no key", WWW_Authenticate=CHALLENGE)
    key = await services.keys.find(token)
    if key is None:
        raise Problem("unauthorized", "this key is not live", WWW_Authenticate=CHALLENGE)
    if not key.allows(scope):
        raise Problem("scope_missing", f"the key {key.key_id} does not cover {scope.value!r}")
    return key
