"""One path of the door: who asks, what was sent, the answer; every error becomes a problem.

Plain ASGI, because it runs for each debit: a middleware of the framework costs more than that.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import psycopg
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.types import Receive, Scope, Send

from activities.direct.shortfalls import TemporalAwayError
from api.errors import STATUSES as RAISED
from api.limits import NONE
from api.v1 import authentication, bodies, idempotency
from api.v1.call import Call, Reply
from api.v1.endpoint import Endpoint
from api.v1.hot.taken import TAKEN, Taken
from api.v1.metrics import DoorMetrics
from api.v1.problems import (
    MEDIA_TYPE,
    RETRY_SECONDS,
    STATUSES,
    UNPROCESSABLE,
    WAITS,
    Problem,
    problem,
    status_of,
)
from api.v1.request_ids import HEADER, request_id_of
from domain.errors import BillingError
from domain.messages import fields
from domain.tracing import causes
from gateways.payments import ProcessorUnavailable
from gateways.telemetry import tracing
from ledger.direct.lists import OtherListsError
from ledger.usage.queues import LedgerBusyError

log = logging.getLogger(__name__)

# What a server that we need raises when it does not answer.
AWAY: dict[type[Exception], str] = {
    TemporalAwayError: "temporal_unavailable",
    OtherListsError: "other_price_lists",
    psycopg.OperationalError: "database_unavailable",
    PoolTimeout: "database_unavailable",
    LedgerBusyError: "ledger_busy",
    OperationalError: "database_unavailable",
    PoolTimeoutError: "database_unavailable",
    ProcessorUnavailable: "processor_unavailable",
}


class Serve:
    """The operations of one path, by method."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = {one.method: one for one in endpoints}
        self._address = endpoints[0].address  # as it was described, not as it was sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        request_id = request_id_of(headers)
        causes.name_request(request_id)
        told: dict[str, str] = {}
        services = scope["state"]["services"]
        if services.metrics is not None:
            send = self._watched(services.metrics, send, scope["method"])
        if not services.limits.requests.take():  # before anything is read
            answer = refusal(busy(), request_id)
            self._note(scope, headers, request_id, answer)
            await respond(send, answer, request_id)
            return
        facts: Mapping[str, Any] = NONE
        try:
            answering = self._in_a_span if tracing.is_on() else self._answer
            answer = await answering(scope, receive, headers, request_id, told=told)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            answer = refusal(error, request_id)
            facts = getattr(error, "facts", NONE)
        finally:
            services.limits.requests.free()
        self._note(scope, headers, request_id, answer, facts=facts)
        if answer.stream is not None and scope["method"] == "HEAD":
            answer.stream.close()
        elif answer.stream is not None:
            await go_on(receive, send, answer, named=_headers(answer, request_id, told))
            return
        await respond(send, answer, request_id, told)

    def _watched(self, metrics: DoorMetrics, send: Send, method: str) -> Send:
        """Return a `send` that counts; a caller can make no new labels."""
        known = method if method in self._endpoints else "other"
        return metrics.watched(send, self._address, known)

    def _note(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        request_id: str,
        answer: Reply,
        *,
        facts: Mapping[str, Any] = NONE,
    ) -> None:
        """Count a refusal, and tell in the log of one whose request its caller named."""
        if answer.reason is None:
            return
        services = scope["state"]["services"]
        services.tally.add(answer.reason, datetime.now(UTC))
        if services.metrics is not None:
            services.metrics.refused(answer.reason)
        if headers.get(HEADER) == request_id:
            asked = {**self._asked(scope, headers), **facts}
            services.refusals.tell(request_id, answer.reason, asked)

    def _asked(self, scope: Scope, headers: Mapping[str, str]) -> dict[str, str]:
        """Return whom a request is about and its key, as far as path and headers say it."""
        found = {"key": headers.get(idempotency.HEADER)}
        if self._address.startswith("/customers/"):
            found["customer_id"] = scope["path_params"].get("id")
        return {name: one for name, one in found.items() if one and fields.is_text(one)}

    async def _in_a_span(
        self,
        scope: Scope,
        receive: Receive,
        headers: Mapping[str, str],
        request_id: str,
        *,
        told: dict[str, str],
    ) -> Reply:
        """Return the answer; making it is a span, below the caller's if the request names one."""
        method = scope["method"] if scope["method"] in self._endpoints else "other"
        path = self._address
        facts = {"http.request.method": method, "http.route": path, "drawdown.request": request_id}
        with tracing.span(f"{method} {path}", "server", facts, headers) as span:
            answer = await self._answer(scope, receive, headers, request_id, told=told)
            span.tell("http.response.status_code", answer.status)
            return answer

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        headers: Mapping[str, str],
        request_id: str,
        *,
        told: dict[str, str],
    ) -> Reply:
        """Return the answer; `told` gets the headers of every one, refusals included."""
        method = scope["method"]
        endpoint = self._endpoints.get("GET" if method == "HEAD" else method)
        address = f"{method} {scope['path']}"
        if endpoint is None:
            methods = ", ".join(sorted(self._endpoints))
            raise Problem("method_not_allowed", f"there is no {address:.200}", Allow=methods)
        services = scope["state"]["services"]
        key = await authentication.authenticate(services, headers, endpoint.scope)
        taken: Taken | None = scope["state"].get(TAKEN)
        if taken is not None:
            told.update(taken.rate)
        elif endpoint.scope is not None:
            allowed, rate = services.limits.rates.count(key.key_id)
            told.update(rate)
            if not allowed:
                raise Problem("too_many_requests", f"the key {key.key_id} asks too often")
        if taken is not None and taken.error is not None:
            raise taken.error
        body = b"" if taken is None else taken.body
        if taken is None and endpoint.request is not None:
            body = await bodies.read(receive, headers, endpoint.media_types)
        query = scope["query_string"]
        call = Call(
            services=services,
            key=key,
            path=scope.get("path_params", {}),
            query=_query(query) if query else {},
            headers=headers,
            body=body,
            request_id=request_id,
            address=address,
            decided=taken.outcome if taken is not None else None,
        )
        if endpoint.keyed:
            return await idempotency.once(call, endpoint.handle)
        return await endpoint.handle(call)


def _query(text: bytes) -> dict[str, str]:
    pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise Problem("invalid_parameter", "a parameter occurs twice")
    return query


def busy() -> Problem:
    """Return the refusal of a request that this process has no room for."""
    return Problem("ledger_busy", "this process has as many requests as it takes at once")


def told_as(error: Exception, request_id: str) -> BillingError:
    """Return what an error is told as; what is our fault is logged, not told."""
    away = next((reason for kind, reason in AWAY.items() if isinstance(error, kind)), None)
    if away is not None:
        log.warning("request %s: %s: %s", request_id, away, error)  # may name hosts: for the log
        error = Problem(away, "a server that the request needs does not answer")
    if not isinstance(error, BillingError):
        log.error("request %s failed", request_id, exc_info=error)
        return Problem("internal_error", "something went wrong here")
    return error


def refusal(error: Exception, request_id: str) -> Reply:
    """Return the reply that an error comes to."""
    error = told_as(error, request_id)
    status = status_of(error.reason) if error.reason in STATUSES else raised_status(error)
    facts: dict[str, Any] = {}
    more: dict[str, str] = {}
    if isinstance(error, Problem):
        facts, more = error.facts, error.headers
    if status in WAITS:
        more = {"Retry-After": str(RETRY_SECONDS), **more}
    body = problem(error.reason, str(error), request_id, {**facts, "status": status})
    return Reply(body, status, more, MEDIA_TYPE, reason=error.reason)


def raised_status(error: BillingError) -> int:
    """Return the status of an error whose reason has none of its own."""
    known = {kind: status for kind, status in RAISED.items() if status > UNPROCESSABLE}
    return next((known[kind] for kind in type(error).__mro__ if kind in known), UNPROCESSABLE)


async def respond(
    send: Send, answer: Reply, request_id: str, more: Mapping[str, str] = NONE
) -> None:
    """Send a reply, with `more` headers."""
    headers = _headers(answer, request_id, more)
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def go_on(
    receive: Receive, send: Send, answer: Reply, *, named: list[tuple[bytes, bytes]]
) -> None:
    """Send a reply part by part; the server holds each back while the reader is slow."""
    stream = answer.stream
    if stream is None:
        return
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": named})
        async with aclosing(stream.parts(receive)) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        stream.close()


def _headers(answer: Reply, request_id: str, more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"x-request-id", request_id.encode()),
        (b"cache-control", b"no-store"),
    ]
    for named in (answer.headers, more):
        headers += [
            (name.lower().encode(), value.encode("latin-1")) for name, value in named.items()
        ]
    return headers
