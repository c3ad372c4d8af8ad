"""Turns domain errors into failures that Temporal does not retry, named by their reason."""

from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from domain.errors import BillingError
from gateways.payments import ProcessorUnavailable


class _NamedErrors(ActivityInboundInterceptor):
    """Drops the cause, which the worker logs: the Temporal UI would cut off the message."""

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        try:
            return await super().execute_activity(input)
        except BillingError as error:
            raise ApplicationError(str(error), type=error.reason, non_retryable=True) from None
        except ProcessorUnavailable as error:
            wait = timedelta(seconds=error.retry_after) if error.retry_after else None
            raise ApplicationError(
                str(error), type="processor_unavailable", next_retry_delay=wait
            ) from None


class NamedErrors(Interceptor):
    """Gives every activity failure its machine-readable reason as its type."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap an activity."""
        return _NamedErrors(next)
