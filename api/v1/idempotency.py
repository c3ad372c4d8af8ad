"""`Idempotency-Key`: the first answer to a request is kept for ever and given again.

A refusal binds nothing, as with every message: the key stays free. So does an answer that is not
final (202), which the same key asks for again.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from api.v1.call import Call, Reply
from api.v1.problems import Problem
from domain.errors import InvalidInput
from domain.messages import fields
from ledger import kept_requests

HEADER = "idempotency-key"
REPLAYED = {"Idempotent-Replayed": "true"}
PENDING = 202


async def once(call: Call, handle: Callable[[Call], Awaitable[Reply]]) -> Reply:
    """Carry a request out, or give its first answer again.

    Raises `Problem`: `idempotency_key_missing`, `idempotency_conflict`, `request_under_way`.
    """
    if is_preview(call):
        return await handle(call)
    key = key_of(call.headers)
    name = kept_requests.Name(call.key.catalog or "", key)
    begun = await asyncio.to_thread(_begin, call, name)
    if begun.answer is not None:
        return Reply(begun.answer, begun.status, REPLAYED)
    if begun.under_way:
        raise Problem(
            "request_under_way", "the first request with this key is under way", Retry_After="1"
        )
    try:
        answer = await handle(call)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_forget, call, name))
        raise
    await asyncio.shield(asyncio.to_thread(_end, call, name, answer))
    return answer


def key_of(headers: Mapping[str, str]) -> str:
    """Return the request's key, quoted or not. Raises `Problem`."""
    sent = headers.get(HEADER, "").strip()
    if len(sent) > 1 and sent[0] == sent[-1] == '"':
        sent = sent[1:-1]
    if not sent:
        raise Problem("idempotency_key_missing", "the request has no `Idempotency-Key`")
    return fields.key({"key": sent})


def is_preview(call: Call) -> bool:
    """Return whether a request only asks what would be; such a one needs no key."""
    try:
        sent = json.loads(call.body or b"{}")
    except ValueError as error:
        raise InvalidInput("malformed", "the payload is not JSON") from error
    return isinstance(sent, dict) and sent.get("preview") is True


def _begin(call: Call, name: kept_requests.Name) -> kept_requests.Begun:
    with call.services.engine.begin() as connection:
        begun = kept_requests.begin(connection, name, _fingerprint(call), datetime.now(UTC))
    if begun.conflict:
        raise Problem(
            "idempotency_conflict", f"the key was used for another request: {begun.address}"
        )
    return begun


def _fingerprint(call: Call) -> kept_requests.Request:
    """Return what a key is bound to: method, path and the body's content, however it is written."""
    content: Any = json.loads(call.body or b"{}")
    written = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return kept_requests.Request(call.address[:500], hashlib.sha256(written).digest())


def _end(call: Call, name: kept_requests.Name, answer: Reply) -> None:
    if answer.status == PENDING:
        _forget(call, name)
        return
    with call.services.engine.begin() as connection:
        kept_requests.answer(
            connection, name, answer.status, answer.kept or answer.body, at=datetime.now(UTC)
        )


def _forget(call: Call, name: kept_requests.Name) -> None:
    with call.services.engine.begin() as connection:
        kept_requests.forget(connection, name)
