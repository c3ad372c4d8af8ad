"""One request over HTTP, for both clients: its parts, its time-outs, what a broken one means."""

from typing import Any, TypeVar

import httpx2

from drawdown_client.calls import Call, answer
from drawdown_client.errors import NoAnswer
from drawdown_client.version import VERSION

T = TypeVar("T")

CONNECT_SECONDS = 5.0


def settings(url: str, key: str) -> dict[str, Any]:
    """Return the arguments of an HTTP client. Raises `ValueError` for what is no address or key."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is not the address of an API")
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the API key has characters that no key has")
    return {
        "base_url": url,
        "headers": {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json, application/problem+json",
            "User-Agent": f"drawdown-client/{VERSION}",
        },
        "follow_redirects": False,
    }


def request(call: Call[Any], wait: int, timeout: float) -> dict[str, Any]:
    """Return the arguments of one request: `wait` seconds parked, `timeout` to answer then."""
    headers = {"Prefer": f"wait={wait}"} if call.waits else {}
    if call.content is not None:
        headers["Content-Type"] = "application/json"
    if call.key is not None:
        headers["Idempotency-Key"] = call.key
    return {
        "method": call.method,
        "url": call.path,
        "content": call.content,
        "headers": headers,
        "timeout": httpx2.Timeout(timeout + (wait if call.waits else 0), connect=CONNECT_SECONDS),
    }


def read(call: Call[T], response: httpx2.Response) -> T:
    """Read what a response answers."""
    return answer(call, response.status_code, response.headers, response.content)


def broken(error: httpx2.TransportError) -> NoAnswer:
    """Return what a broken connection means for the caller."""
    return NoAnswer(f"no answer came ({type(error).__name__}): {error}")
