"""A collector of spans: takes OTLP over HTTP on loopback and keeps what it is sent."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """What was sent, span by span; `raw` is all of it as text."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        self.raw = ""
        self.url = ""

    def take(self, body: bytes) -> None:
        """Keep the spans of one request."""
        sent = MessageToDict(ExportTraceServiceRequest.FromString(body))
        self.raw += json.dumps(sent)
        for resource in sent.get("resourceSpans", []):
            for scope in resource.get("scopeSpans", []):
                self.spans += scope["spans"]

    def of(self, span: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the spans of a span's trace."""
        return [one for one in self.spans if one["traceId"] == span["traceId"]]

    def named(self, start: str) -> list[dict[str, Any]]:
        """Return the spans whose names begin so."""
        return [one for one in self.spans if one["name"].startswith(start)]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Listen; yield what is collected."""
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            collector.take(gzip.decompress(body) if zipped else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
