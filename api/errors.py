"""The one place where errors become answers: a status and `{"reason", "message", "cure"}`."""

import logging
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import ClientDisconnect

from api.access_log import without_tokens
from domain.errors import BillingError, IdempotencyConflict, InvalidInput
from domain.reasons import CURES
from gateways.payments import ProcessorRefusal, ProcessorUnavailable

log = logging.getLogger(__name__)

RETRY_AFTER = 10  # seconds


class NotFoundError(BillingError):
    """It does not exist, or the client may not know that it does."""


class TooLargeError(BillingError):
    """The body is larger than any of our messages."""


class TooSlowError(BillingError):
    """The body did not arrive in time: half a request must not hold a connection."""


class UnavailableError(BillingError):
    """A server that the request needs is unreachable; nothing was done."""


STATUSES: dict[type[BillingError], int] = {
    InvalidInput: 400,
    NotFoundError: 404,
    IdempotencyConflict: 409,
    TooSlowError: 408,
    TooLargeError: 413,
    ProcessorRefusal: 502,
    UnavailableError: 503,
    BillingError: 400,
}
FRAMEWORK = {404: "not_found", 405: "method_not_allowed"}
EDGE_CURES = {
    "bad_signature": "sign the raw body with the endpoint's current secret and send it at once",
    "malformed_event": "send Stripe's snapshot events",
    "not_found": "look the address up in /docs, which exists if API_DOCS is on",
    "method_not_allowed": "look the method up in /docs, which exists if API_DOCS is on",
    "payload_too_large": "send at most 1 MB",
    "payload_too_slow": "send the whole body at once",
    "head_too_slow": "send the whole request at once",
    "unknown_link": "use the button in the newest mail",
    "temporal_unavailable": "send it again",
    "database_unavailable": "send it again",
    "processor_unavailable": "try again in a minute",
    "internal_error": "tell an operator when it happened; the log has the rest",
}


def install(app: FastAPI) -> None:
    """Register the handlers that answer every error of every route."""
    app.add_exception_handler(BillingError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(ProcessorUnavailable, _processor_away)
    app.add_exception_handler(Exception, _unexpected)
    for error in (OperationalError, PoolTimeoutError):
        app.add_exception_handler(error, _database_away)


def told(reason: str, message: str) -> dict[str, str]:
    """Return the JSON body of an error answer."""
    cure = EDGE_CURES.get(reason) or CURES.get(reason, "")
    return {"reason": reason, "message": message, "cure": cure}


def _answer(status: int, reason: str, message: str, retry_after: int | None = None) -> JSONResponse:
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return JSONResponse(told(reason, message), status, headers)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, BillingError):
        raise error
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    wait = RETRY_AFTER if isinstance(error, UnavailableError) else None
    answer = _answer(status, error.reason, str(error), wait)
    if isinstance(error, TooSlowError):  # do not wait for the rest of the body
        answer.headers["Connection"] = "close"
    return answer


async def _gone(request: Request, _: Exception) -> JSONResponse:
    """Nobody reads this answer: the client has hung up, which is not our fault."""
    log.info("a client hung up on %s %.200s", request.method, without_tokens(request.url.path))
    return _answer(400, "malformed", "the body ended before its length")


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    return _answer(400, "malformed", str(error))


async def _processor_away(_: Request, error: Exception) -> JSONResponse:
    log.warning("the payment processor is unreachable: %s", error)
    wait = error.retry_after if isinstance(error, ProcessorUnavailable) else None
    message = "the payment processor does not answer"
    return _answer(503, "processor_unavailable", message, wait or RETRY_AFTER)


async def _database_away(_: Request, error: Exception) -> JSONResponse:
    log.warning("the database is unreachable: %s", error)  # names hosts: only for our log
    return _answer(503, "database_unavailable", "the ledger does not answer", RETRY_AFTER)


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    """Reveal nothing about a bug of ours; the server logs it in full."""
    return _answer(500, "internal_error", "something went wrong here")


def by_framework(
    status: int, reason: str
) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    """Return what tells a program that the framework found no route, or none of its method."""

    async def answer(request: Request, _: Exception) -> JSONResponse:
        return _answer(status, reason, f"there is no {request.method} {request.url.path:.200}")

    return answer
