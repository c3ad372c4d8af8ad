"""Forms that came from our own pages: their fields, and the proof that they did.

Each page gives its forms a token of the visitor's session. A page of another origin can make a
browser send a form here, with its cookies, and cannot know that token.
"""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from api.bodies import raw_body
from api.errors import NotFoundError
from domain.access.sealed import Seal, seal
from domain.errors import InvalidInput

TOKEN = "csrf"  # noqa: S105 - the field's name
KIND = "application/x-www-form-urlencoded"


def token_of(secrets: tuple[str, ...], session: str) -> str:
    """Return the token of a session's forms."""
    return seal(secrets, Seal.FORM, session)


async def fields_of(request: Request, secrets: tuple[str, ...], session: str) -> Mapping[str, str]:
    """Return a form's fields; a field that occurs twice has its last value.

    Raises `NotFoundError` where it is not one of our pages' forms, `TooLargeError`,
    `TooSlowError`, `InvalidInput`.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise NotFoundError("not_found", "the form is not of this page")
    if request.headers.get("content-type", "").partition(";")[0].strip() != KIND:
        raise InvalidInput("malformed", "the form is not written as browsers write forms")
    found = parsed(await raw_body(request))
    sent = found.pop(TOKEN, "").encode("utf-8", "surrogatepass")
    known = [hmac.compare_digest(token_of((one,), session).encode(), sent) for one in secrets]
    if not any(known):
        raise NotFoundError("not_found", "the form is not of this page")
    return found


def parsed(body: bytes) -> dict[str, str]:
    """Return the fields of a form as browsers write them. Raises `InvalidInput`."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError as error:
        raise InvalidInput("malformed", "the form cannot be read") from error
