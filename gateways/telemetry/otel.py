"""OpenTelemetry's part of tracing; loaded only where an endpoint is named.

The provider is ours alone and not the global one: FastAPI and other libraries that look for it
would add spans of their own to each request.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.errors import BillingError
from domain.tracing import causes
from gateways.telemetry.tracing import Facts

# Ids, names and numbers. Whatever else a library adds is not sent on: messages of exceptions quote
# what was asked (docs/decisions/0065).
ATTRIBUTES = frozenset(
    {
        "temporalWorkflowID",
        "temporalRunID",
        "temporalActivityID",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "drawdown.request",
        "drawdown.events",
        "drawdown.reason",
        "stripe.request",
    }
)
_PARENT = ("traceparent", "tracestate")


class OpenTelemetry:
    """Makes spans and sends them, in batches, from a thread of its own."""

    def __init__(self, endpoint: str, service: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = OTLPSpanExporter(f"{endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(Listed(exporter)))
        self.tracer = self._provider.get_tracer("drawdown")
        self._propagator = TraceContextTextMapPropagator()
        causes.hold_by(self._hold)

    @contextmanager
    def span(
        self, name: str, kind: str, facts: Facts, sent: Mapping[str, str] | None
    ) -> Iterator["_Span"]:
        """Return a context that is a span; what it raises that is no refusal makes it an error."""
        parent = None
        if sent is not None:
            known = {one: sent[one] for one in _PARENT if one in sent}
            parent = self._propagator.extract(known, contexts.Context())
        with self.tracer.start_as_current_span(
            name,
            parent,
            SpanKind[kind.upper()],
            dict(facts),
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            told = _Span(made)
            try:
                yield told
            except BillingError as error:
                told.tell("drawdown.reason", error.reason)
                raise
            except Exception:
                made.set_status(Status(StatusCode.ERROR))
                raise

    def trace_id(self) -> str | None:
        """Return the trace of the work at hand, as 32 hexadecimal digits."""
        known = trace.get_current_span().get_span_context()
        return trace.format_trace_id(known.trace_id) if known.is_valid else None

    def stop(self) -> None:
        """Send what is left."""
        causes.hold_by(None)
        self._provider.shutdown()

    def _hold(self) -> causes.Held:
        """Return how to work below the span that is current now."""
        return partial(attached, contexts.get_current())


class _Span:
    def __init__(self, made: trace.Span) -> None:
        self._made = made

    def tell(self, name: str, value: str | int) -> None:
        """Add an attribute."""
        self._made.set_attribute(name, value)


@contextmanager
def _attached(held: contexts.Context) -> Iterator[None]:
    token = contexts.attach(held)
    try:
        yield
    finally:
        with suppress(ValueError):  # a workflow that is put away may end in another context
            contexts.detach(token)


def attached(held: contexts.Context) -> AbstractContextManager[None]:
    """Return a context in which a span's context is the current one."""
    return _attached(held)


class Listed(SpanExporter):
    """Sends on what is listed: no events, no descriptions, no other attributes."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans on."""
        return self._exporter.export([listed(one) for one in spans])

    def shutdown(self) -> None:
        """Stop."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits."""
        return self._exporter.force_flush(timeout_millis)


def listed(span: ReadableSpan) -> ReadableSpan:
    """Return a span without what is not in `ATTRIBUTES`."""
    told = {name: value for name, value in (span.attributes or {}).items() if name in ATTRIBUTES}
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=told,
        links=[trace.Link(one.context) for one in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
