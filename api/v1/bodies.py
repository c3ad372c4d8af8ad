"""Bodies of requests: bounded in size and time, and of a type that the endpoint takes."""

import asyncio
import re
from collections.abc import Mapping, Sequence

from starlette.types import Message, Receive

from api.bodies import LARGEST, LONGEST
from api.v1.problems import Problem

_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)


async def read(receive: Receive, headers: Mapping[str, str], media_types: Sequence[str]) -> bytes:
    """Return a body. Raises `Problem`: `unsupported_media_type`, `payload_too_large`, `…_slow`."""
    sent = headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in media_types:
        raise Problem("unsupported_media_type", f"{sent!a:.60} is not one of {media_types}")
    if _stated_length(headers) > LARGEST:
        raise _too_large()
    message = await _next(receive)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > LARGEST:
            raise _too_large()
        return body
    return await _rest(receive, bytearray(body))


async def _rest(receive: Receive, body: bytearray) -> bytes:
    try:
        async with asyncio.timeout(LONGEST):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem("malformed", "the body ended before its length")
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > LARGEST:
                    raise _too_large()
    except TimeoutError as error:
        raise _too_slow() from error
    return bytes(body)


async def _next(receive: Receive) -> Message:
    """Return a request's first message; nearly always it is there already."""
    try:
        async with asyncio.timeout(LONGEST):
            message = await receive()
    except TimeoutError as error:
        raise _too_slow() from error
    if message["type"] == "http.disconnect":
        raise Problem("malformed", "the body ended before its length")
    return message


def _stated_length(headers: Mapping[str, str]) -> int:
    stated = headers.get("content-length", "0")
    return int(stated) if _NUMBER.fullmatch(stated) else 0


def _too_large() -> Problem:
    # The connection stays: closed with bytes unread, the answer would be lost on the way.
    return Problem("payload_too_large", f"the body has more than {LARGEST} bytes")


def _too_slow() -> Problem:
    # Half a request must not hold a connection.
    told = f"the body did not come within {LONGEST:g} seconds"
    return Problem("payload_too_slow", told, Connection="close")
