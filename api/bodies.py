"""Request bodies as the bytes that were sent: signatures and exact decimals need them so."""

from typing import Annotated

from fastapi import Depends, Request

from api.errors import TooLargeError

LARGEST = 1_000_000  # bytes


async def _raw_body(request: Request) -> bytes:
    """Read a body; stop as soon as it is too large, whatever its header said."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise TooLargeError("payload_too_large", f"the body has more than {LARGEST} bytes")
    return bytes(body)


RawBody = Annotated[bytes, Depends(_raw_body)]
