"""A small HTTP/1.1 server that can also do what a broken network does: close without an answer."""

import asyncio
import http
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
MAX_BODY = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; header names are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class ConnectionDropped(Exception):
    """Raised by a handler to close the connection without any answer."""


Handler = Callable[[Request], Awaitable[Response]]


async def serve(handler: Handler, host: str, port: int) -> asyncio.Server:
    """Listen and answer each request by `handler`, many connections at a time."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                writer.write(_encode(await _answer(handler, request)))
                await writer.drain()
        except ConnectionDropped:
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away
        except asyncio.CancelledError:
            pass  # the server stops while the connection idles
        finally:
            writer.close()

    return await asyncio.start_server(connected, host, port)


async def _answer(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except ConnectionDropped:
        raise
    except Exception:
        log.exception("STAND-IN BUG: %s %s", request.method, request.path)
        return Response(500, b"the Stripe stand-in has a bug; see its log", "text/plain")


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if length > MAX_BODY or "transfer-encoding" in headers:
        raise ConnectionResetError
    body = await reader.readexactly(length)
    path, _, query = target.partition("?")
    return Request(method=method, path=path, query=query, headers=headers, body=body)


def _encode(response: Response) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {http.HTTPStatus(response.status).phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        "Server: Drawdown Stripe stand-in",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + response.body
