"""Spans, where somebody collects them: of requests, debits and calls to the processor.

Temporal's own are in workflows/tracing.py. Without an endpoint nothing of OpenTelemetry is loaded,
and a span is one comparison. What spans may carry is a list in otel.py.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any, Protocol

Facts = Mapping[str, str | int]


class Span(Protocol):
    """A span that is open."""

    def tell(self, name: str, value: str | int) -> None:
        """Add an attribute."""
        ...


class Tracing(Protocol):
    """What makes spans; `tracer` is OpenTelemetry's own."""

    tracer: Any

    def span(self, name: str, kind: str, facts: Facts, sent: Mapping[str, str] | None) -> Any:
        """Return a context that is a span."""
        ...

    def trace_id(self) -> str | None:
        """Return the trace of the work at hand, as 32 hexadecimal digits."""
        ...

    def stop(self) -> None:
        """Send what is left."""
        ...


class _Nobody:
    def tell(self, name: str, value: str | int) -> None:
        """Tell nobody."""


_NOBODY: AbstractContextManager[Span] = nullcontext(_Nobody())
_running: list[Tracing] = []


def start(endpoint: str | None, service: str) -> None:
    """Send spans to an endpoint of OTLP over HTTP as those of a service; None: to nobody.

    Raises `RuntimeError` without the packages of the extra `otel`.
    """
    if endpoint is None or _running:
        return
    try:
        from gateways.telemetry.otel import OpenTelemetry  # noqa: PLC0415 - an extra
    except ImportError as error:
        told = "OTEL_EXPORTER_OTLP_ENDPOINT needs the packages of the extra `otel`"
        raise RuntimeError(told) from error
    _running.append(OpenTelemetry(endpoint, service))


def stop() -> None:
    """Send what is left, and no more."""
    while _running:
        _running.pop().stop()


def is_on() -> bool:
    """Return whether spans are collected."""
    return bool(_running)


def tracer() -> Any | None:
    """Return OpenTelemetry's tracer; None: nobody collects spans."""
    return _running[0].tracer if _running else None


def span(
    name: str,
    kind: str = "internal",
    facts: Facts = MappingProxyType({}),
    sent: Mapping[str, str] | None = None,
) -> AbstractContextManager[Span]:
    """Return a context that is a span, below the caller's of the headers `sent`, if they name one.

    `kind` is internal, server or client.
    """
    return _running[0].span(name, kind, facts, sent) if _running else _NOBODY


def trace_id() -> str | None:
    """Return the trace of the work at hand, as 32 hexadecimal digits; None: there is none."""
    return _running[0].trace_id() if _running else None
