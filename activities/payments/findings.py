"""Findings: recorded for operators, counted for monitoring, reported to their subscriptions."""

import asyncio
import logging
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from temporalio.common import MetricMeter

from activities.context import BillingContext
from activities.notifications.outbox import BATCH, Shift, work
from activities.signals import SignalsSubscriptions
from activities.uninterrupted import uninterrupted
from domain.payments.findings import Finding
from ledger.notifications import outbox
from ledger.payments import findings

TOPIC = "finding"


class FindingActivities:
    """Records findings for workflows."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="record_finding")
    def record(self, finding: Finding) -> bool:
        """Record a finding; return whether it is new. A repeat changes nothing."""
        with self._context.engine.begin() as connection:
            return findings.record(connection, finding)


class FindingRelay(SignalsSubscriptions):
    """Tells subscriptions how many findings they have open, for the operators' list."""

    @uninterrupted(name="relay_findings")
    def relay(self, shift: Shift) -> int:
        """Deliver for one shift; return how many messages."""
        return work(shift, self._tell_some, partial(self._context.waits, TOPIC))

    def _tell_some(self) -> int:
        with self._context.engine.begin() as connection:
            messages = outbox.waiting(connection, TOPIC, grace_seconds=0, limit=BATCH)
            for message in messages:
                subscription = str(message.payload["subscription"])
                # The count as of now: messages that overtake each other then agree.
                told = {
                    "open": findings.count_of(connection, subscription),
                    "settled": message.message_key.startswith("finding:settled:"),
                }
                refused = self._tell(subscription, "findings_changed", told)
                outbox.delivered(connection, message, refused=refused)
        return len(messages)


def measure(engine: Engine, meter: MetricMeter) -> None:
    """Set the gauge of open findings, one per kind."""
    gauge = meter.create_gauge("drawdown_open_findings", "findings that nobody has settled")
    with engine.connect() as connection:
        for kind, number in findings.counts(connection).items():
            gauge.set(number, {"kind": kind.value})


async def keep_measuring(engine: Engine, meter: MetricMeter, seconds: float) -> None:
    """Measure every `seconds` until cancelled."""
    while True:
        try:
            await asyncio.to_thread(measure, engine, meter)
        except OperationalError:
            logging.getLogger("drawdown").warning("database unreachable: findings not counted")
        await asyncio.sleep(seconds)
