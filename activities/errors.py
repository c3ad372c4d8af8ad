"""Errors of the domain become failures that Temporal does not retry, named by their reason."""

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
    """Causes are left to the worker's log: the UI would cut the failure before its message."""

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
    """Give every failure of an activity its machine-readable reason as type."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap an activity."""
        return _NamedErrors(next)
