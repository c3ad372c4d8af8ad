"""The id of a request goes along to workflows and activities, as a header: no message carries it.

A header is in no comparison with a history, so that old ones replay. Loops of workflows serve many
senders: they take a cause on for each message (workflows/subscription/mailbox.py).
"""

import json
from collections.abc import Mapping
from typing import Any

from temporalio import client, workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

with workflow.unsafe.imports_passed_through():
    from domain.tracing import causes

HEADER = "drawdown-request-id"
LONGEST = 64  # as long as the door lets an id be
Headers = Mapping[str, Payload]


def _with_request(headers: Headers) -> Headers:
    """Return headers with the request that the work at hand is done for."""
    named = causes.request_id()
    if named is None:
        return headers
    payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(named).encode())
    return {**headers, HEADER: payload}


def _cause(headers: Headers) -> causes.Cause:
    """Return what a message is sent for; a header that is none of ours means nothing."""
    payload = headers.get(HEADER)
    try:
        named = json.loads(payload.data) if payload is not None else None
    except ValueError:
        named = None
    return causes.Cause(named if isinstance(named, str) and 0 < len(named) <= LONGEST else None)


class NamesRequests(client.Interceptor):
    """Of clients: what is sent to a workflow carries its request."""

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:  # noqa: A002
        """Wrap what a client sends."""
        return _Sending(next)


def of_clients(tracer: Any | None) -> list[client.Interceptor]:
    """Return what clients send with: the request, and with a tracer the trace."""
    if tracer is None:
        return [NamesRequests()]
    from workflows.tracing import Tracing  # noqa: PLC0415 - an extra

    return [Tracing(tracer), NamesRequests()]


class _Sending(client.OutboundInterceptor):
    async def start_workflow(
        self,
        input: client.StartWorkflowInput,  # noqa: A002
    ) -> client.WorkflowHandle[Any, Any]:
        input.headers = _with_request(input.headers)
        return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:  # noqa: A002
        input.headers = _with_request(input.headers)
        await super().signal_workflow(input)

    async def start_workflow_update(
        self,
        input: client.StartWorkflowUpdateInput,  # noqa: A002
    ) -> client.WorkflowUpdateHandle[Any]:
        input.headers = _with_request(input.headers)
        return await super().start_workflow_update(input)


class ServesRequests(Interceptor):
    """Of workers: handlers, activities and their transactions know their request."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap an activity."""
        return _Activity(next)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002
    ) -> type[WorkflowInboundInterceptor] | None:
        """Return the interceptor class for workflows."""
        return _Workflow


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        with causes.since(_cause(input.headers)):
            return await super().execute_activity(input)


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Calling(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        # A run that continues another was started by nobody's request.
        with causes.since(_cause(input.headers)):
            return await super().execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        with causes.since(_cause(input.headers)):
            await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        with causes.since(_cause(input.headers)):
            return await super().handle_update_handler(input)


class _Calling(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        input.headers = _with_request(input.headers)
        return super().start_activity(input)
