"""What the door tells Prometheus: requests, refusals, and what this process holds at the moment.

Labels are paths of the list of endpoints, statuses and reasons; never a customer or an id.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter

from starlette.types import Message, Send
from temporalio.common import MetricCounter, MetricHistogramFloat, MetricMeter

from activities.direct.load import Load
from api.limits import Limits
from gateways.telemetry.metrics import HTTP_SECONDS

SAMPLE_SECONDS = 5.0


class DoorMetrics:
    """Counters of one process; each set of labels is bound once, because requests are many."""

    def __init__(self, meter: MetricMeter) -> None:
        self._requests = meter.create_counter("drawdown_http_requests", "answers of /v1")
        self._seconds = meter.create_histogram_float(
            HTTP_SECONDS, "until the answer begins, waiting for a purchase included"
        )
        self._refusals = meter.create_counter("drawdown_http_refusals", "problems, by reason")
        self._bound: dict[tuple[str, str, int], tuple[MetricCounter, MetricHistogramFloat]] = {}
        self._batches = meter.create_counter("drawdown_commit_batches", "transactions")
        self._committed = meter.create_counter("drawdown_commit_requests", "debits and holds")
        self._gauges = {
            "queued": meter.create_gauge("drawdown_commit_queue", "waiting for a transaction"),
            "parked": meter.create_gauge("drawdown_parked_callers", "waiting for credits"),
        }
        self._requests_open = meter.create_gauge("drawdown_http_requests_open", "under way")
        self._streams_open = meter.create_gauge("drawdown_http_streams_open", "of balances")
        self._was = Load(0, 0, 0, 0)

    def answered(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        """Count an answer. `endpoint` is a path as it was described, not as it was sent."""
        labels = (endpoint, method, status)
        if labels not in self._bound:
            named: dict[str, str | int] = {"endpoint": endpoint, "method": method, "status": status}
            self._bound[labels] = (
                self._requests.with_additional_attributes(named),
                self._seconds.with_additional_attributes({"endpoint": endpoint, "method": method}),
            )
        count, duration = self._bound[labels]
        count.add(1)
        duration.record(seconds)

    def watched(self, send: Send, endpoint: str, method: str) -> Send:
        """Return a `send` that counts the answer when it begins."""
        began = perf_counter()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answered(endpoint, method, message["status"], perf_counter() - began)
            await send(message)

        return told

    def refused(self, reason: str) -> None:
        """Count a problem."""
        self._refusals.add(1, {"reason": reason})

    def sample(self, limits: Limits, load: Load) -> None:
        """Tell what the process holds, and what it has committed since the last time."""
        self._requests_open.set(limits.requests.taken)
        self._streams_open.set(limits.streams.taken)
        for name, gauge in self._gauges.items():
            gauge.set(getattr(load, name))
        self._batches.add(load.batches - self._was.batches)
        self._committed.add(load.committed - self._was.committed)
        self._was = load


async def keep_sampling(metrics: DoorMetrics, limits: Limits, load: Callable[[], Load]) -> None:
    """Sample until cancelled."""
    while True:
        metrics.sample(limits, load())
        await asyncio.sleep(SAMPLE_SECONDS)
