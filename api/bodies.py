"""Request bodies as raw bytes, which signatures and exact decimals need."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from api.errors import TooLargeError, TooSlowError

LARGEST = 1_000_000  # bytes
LONGEST = 10.0  # seconds from a request's head to the end of its body


async def raw_body(request: Request) -> bytes:
    """Read a body; stop as soon as it is too large or too slow, whatever its header says."""
    body = bytearray()
    try:
        async with asyncio.timeout(LONGEST):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST:
                    told = f"the body has more than {LARGEST} bytes"
                    raise TooLargeError("payload_too_large", told)
    except TimeoutError as error:
        told = f"the body did not come within {LONGEST:g} seconds"
        raise TooSlowError("payload_too_slow", told) from error
    return bytes(body)


RawBody = Annotated[bytes, Depends(raw_body)]
