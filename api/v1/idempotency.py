"""`Idempotency-Key`: the first answer to a request is kept for ever and given again.

A refusal binds nothing, as with every message: the key stays free. So does an answer that is not
final (202), which the same key asks for again. Where it is unknown what a request came to (a server
away, a process killed, a caller who would not wait), the key stays bound, and a repeat carries the
same attempt on.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from api.v1.call import Call, Reply
from api.v1.problems import MEDIA_TYPE, STATUSES, WAITS, Problem, status_of
from domain.errors import BillingError, InvalidInput
from domain.messages import fields
from ledger import kept_requests
from ledger.kept_requests import Turn

HEADER = "idempotency-key"
REPLAYED = {"Idempotent-Replayed": "true"}
PENDING = 202


async def once(call: Call, handle: Callable[[Call], Awaitable[Reply]]) -> Reply:
    """Carry a request out, or give its first answer again.

    Raises `Problem`: `idempotency_key_missing`, `idempotency_conflict`, `request_under_way`.
    """
    body = fields.parse_object(call.body or b"{}")
    if body.get("preview") is True:
        if HEADER in call.headers:  # needs none, but what is sent is read
            key_of(call.headers)
        return await handle(call)
    name = kept_requests.Name(call.key.catalog or "", key_of(call.headers))
    begun = await asyncio.to_thread(_begin, call, name, _fingerprint(call, body))
    if begun.answer is not None:
        return _replayed(begun.answer, begun.status)
    if begun.turn is None:
        raise Problem(
            "request_under_way", "the first request with this key is under way", Retry_After="1"
        )
    return await _carried_out(replace(call, turn=begun.turn), begun.turn, handle)


def _replayed(answer: bytes, status: int) -> Reply:
    if status not in STATUSES.values():
        return Reply(answer, status, REPLAYED)
    return Reply(answer, status, REPLAYED, MEDIA_TYPE, reason=json.loads(answer)["reason"])


async def _carried_out(call: Call, turn: Turn, handle: Callable[[Call], Awaitable[Reply]]) -> Reply:
    try:
        answer = await handle(call)
    except BaseException as error:
        leave = kept_requests.forget if _came_to_nothing(error) else kept_requests.abandon
        await asyncio.shield(asyncio.to_thread(_leave, call, turn, leave))
        raise
    if answer.status == PENDING:
        leave = kept_requests.abandon if answer.goes_on else kept_requests.forget
        await asyncio.shield(asyncio.to_thread(_leave, call, turn, leave))
    else:
        await asyncio.shield(asyncio.to_thread(_keep, call, turn, answer))
    return answer


def key_of(headers: Mapping[str, str]) -> str:
    """Return the request's key, quoted or not. Raises `Problem`, `InvalidInput`."""
    sent = headers.get(HEADER, "").strip()
    if len(sent) > 1 and sent[0] == sent[-1] == '"':
        sent = sent[1:-1]
    if not sent:
        raise Problem("idempotency_key_missing", "the request has no `Idempotency-Key`")
    try:
        # Servers read headers as Latin-1; the key of a message is the text that was meant.
        meant = sent.encode("latin-1").decode()
    except UnicodeError as error:
        raise InvalidInput("invalid_key", "`Idempotency-Key` is not UTF-8") from error
    return fields.key({"key": meant})


def _came_to_nothing(error: BaseException) -> bool:
    """Return whether a request was refused; otherwise it may have been carried out."""
    decided = isinstance(error, Problem) and error.decided
    refused = isinstance(error, BillingError) and status_of(error.reason) not in (500, 502, *WAITS)
    return decided or refused


def _begin(
    call: Call, name: kept_requests.Name, request: kept_requests.Request
) -> kept_requests.Begun:
    with call.services.engine.begin() as connection:
        begun = kept_requests.begin(connection, name, request, datetime.now(UTC))
    if begun.conflict:
        raise Problem(
            "idempotency_conflict", f"the key was used for another request: {begun.address}"
        )
    return begun


def _fingerprint(call: Call, body: Mapping[str, Any]) -> kept_requests.Request:
    """Return what a key is bound to: method, path and the body's content, however it is written."""
    written = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str).encode()
    digest = hashlib.sha256(call.address.encode("utf-8", "surrogatepass") + b"\n" + written)
    address = call.address[:500].replace("\x00", "?")
    return kept_requests.Request(address, digest.digest(), call.request_id)


def _keep(call: Call, turn: Turn, answer: Reply) -> None:
    with call.services.engine.begin() as connection:
        kept_requests.answer(
            connection, turn, answer.status, answer.kept or answer.body, at=datetime.now(UTC)
        )


def _leave(call: Call, turn: Turn, leave: Callable[[Any, Turn], None]) -> None:
    with call.services.engine.begin() as connection:
        leave(connection, turn)
