"""What a caller sees of errors: malformed input ends the operation, all else is tried again.

Refusals are answers and no errors: Temporal pauses an endpoint after a few retryable errors in a
row, so only servers that do not answer may be reported as such.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from nexusrpc import HandlerError, HandlerErrorType
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from temporalio.exceptions import ApplicationError

from activities.direct.shortfalls import TemporalAwayError
from domain.errors import InvalidInput
from ledger.direct.lists import OtherListsError
from ledger.usage.queues import LedgerBusyError

log = logging.getLogger(__name__)

# What is raised when a server does not answer, or this process must not price.
AWAY: dict[type[Exception], str] = {
    TemporalAwayError: "temporal_unavailable",
    OtherListsError: "other_price_lists",
    LedgerBusyError: "ledger_busy",
    TimeoutError: "ledger_busy",
    psycopg.OperationalError: "database_unavailable",
    PoolTimeout: "database_unavailable",
    OperationalError: "database_unavailable",
    PoolTimeoutError: "database_unavailable",
}


@contextmanager
def malformed_ends() -> Iterator[None]:
    """Turn `InvalidInput` into an error that is never retried; its cause's type is the reason."""
    try:
        yield
    except InvalidInput as error:
        message = str(error)
        cause = ApplicationError(message, type=error.reason, non_retryable=True)
        raise HandlerError(
            message, type=HandlerErrorType.BAD_REQUEST, retryable_override=False
        ) from cause


@contextmanager
def away_is_retried() -> Iterator[None]:
    """Turn the silence of a server into an error that Temporal retries with the same message."""
    try:
        yield
    except tuple(AWAY) as error:
        reason = next(reason for kind, reason in AWAY.items() if isinstance(error, kind))
        log.warning("%s: %s", reason, error)  # may name hosts: for the log
        message = "a server that the operation needs does not answer"
        cause = ApplicationError(message, type=reason)
        raise HandlerError(message, type=HandlerErrorType.UNAVAILABLE) from cause
