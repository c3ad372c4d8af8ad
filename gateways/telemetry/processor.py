"""Calls to the processor as spans: method, path without ids, status, its name of the request."""

import re
from typing import Any
from urllib.parse import urlsplit

import stripe

from gateways.telemetry import tracing

ID = re.compile(r"(?<=/)[a-z]+_[A-Za-z0-9_]+(?=/|$)")


class Tracked(stripe.RequestsClient):
    """The library's client, one span a request where spans are collected."""

    def request(self, *call: Any, **more: Any) -> Any:
        """Send a request: method, address, headers, content."""
        with tracing.span(name_of(*call[:2]), "client") as span:
            answer = super().request(*call, **more)
            _, status, headers = answer
            span.tell("http.response.status_code", status)
            if request := headers.get("Request-Id"):
                span.tell("stripe.request", request)
            return answer


def name_of(method: str, url: str) -> str:
    """Return the name of a request: its path, with ids left out."""
    return f"{method.upper()} {ID.sub('{id}', urlsplit(url).path)}"
