"""Refuses messages with a wrong number of arguments, which would otherwise block the workflow."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class _OneArgument(WorkflowInboundInterceptor):
    """Our messages take exactly one argument; any other number is refused as `malformed`."""

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        dynamic = workflow.get_dynamic_signal_handler()
        named = workflow.get_signal_handler(input.signal) is not None
        if named and dynamic is not None and len(input.args) != 1:
            dynamic(input.signal, input.args)
            return
        await super().handle_signal(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        named = workflow.get_update_handler(input.update) is not None
        if named and len(input.args) != 1:
            raise ApplicationError(
                "send exactly one argument", type="malformed", non_retryable=True
            )
        super().handle_update_validator(input)


class OneArgument(Interceptor):
    """Refuses messages that do not have exactly one argument."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002
    ) -> type[WorkflowInboundInterceptor] | None:
        """Return the interceptor class for workflows."""
        return _OneArgument
