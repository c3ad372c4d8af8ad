"""Temporal's tracing for workflows that outlive every trace; loaded where spans are collected.

The SDK puts what a handler does below the workflow's start. Ours was months ago: what a message
causes goes below who sent it, and no run hands its trace on to the next.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.api.common.v1 import Payload
from temporalio.contrib.opentelemetry import (
    TracingInterceptor,
    TracingWorkflowInboundInterceptor,
)
from temporalio.contrib.opentelemetry.workflow import completed_span
from temporalio.worker import (
    ContinueAsNewInput,
    HandleSignalInput,
    HandleUpdateInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

HEADER = "_tracer-data"  # the SDK's


class Tracing(TracingInterceptor):
    """Of clients, which give it to their workers."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[TracingWorkflowInboundInterceptor]:
        """Return the interceptor class for workflows."""
        super().workflow_interceptor_class(input)
        return _Traced


class _Traced(TracingWorkflowInboundInterceptor):
    def __init__(self, next: WorkflowInboundInterceptor) -> None:  # noqa: A002
        super().__init__(_BelowSender(next))


class _BelowSender(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_HandsNothingOn(outbound))

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        with _below(input.headers, f"signal {input.signal}"):
            await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        with _below(input.headers, f"update {input.update}"):
            return await super().handle_update_handler(input)


class _HandsNothingOn(WorkflowOutboundInterceptor):
    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:  # noqa: A002
        with _attached(contexts.Context()):
            super().continue_as_new(input)


@contextmanager
def _below(headers: Mapping[str, Payload], name: str) -> Iterator[None]:
    """Work below the sender's span, of which a span of no length tells the name."""
    payload = headers.get(HEADER)
    carrier = json.loads(payload.data) if payload is not None else {}
    sender = trace.get_current_span(
        TraceContextTextMapPropagator().extract(carrier, contexts.Context())
    )
    with _attached(trace.set_span_in_context(sender)):
        completed_span(name)
        yield


@contextmanager
def _attached(held: contexts.Context) -> Iterator[None]:
    token = contexts.attach(held)
    try:
        yield
    finally:
        with suppress(ValueError):  # a workflow that is put away may end in another context
            contexts.detach(token)
