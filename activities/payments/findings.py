"""Findings: kept for operators, counted for their alarms, told to the subscriptions they are of."""

import asyncio
import logging

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
    """What workflows let operators look at."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="record_finding")
    def record(self, finding: Finding) -> bool:
        """Keep a finding; say whether it is new. A repeat changes nothing."""
        with self._context.engine.begin() as connection:
            return findings.record(connection, finding)


class FindingRelay(SignalsSubscriptions):
    """Tells subscriptions how many of their findings are open: operators see it in their list."""

    @uninterrupted(name="relay_findings")
    def relay(self, shift: Shift) -> int:
        """Tell for one shift; return how many messages."""
        return work(shift, self._tell_some)

    def _tell_some(self) -> int:
        with self._context.engine.begin() as connection:
            messages = outbox.waiting(connection, TOPIC, grace_seconds=0, limit=BATCH)
            for message in messages:
                subscription = str(message.payload["subscription"])
                # The number of this instant: messages that overtake each other say the same.
                told = {
                    "open": findings.count_of(connection, subscription),
                    "settled": message.message_key.startswith("finding:settled:"),
                }
                refused = self._tell(subscription, "findings_changed", told)
                outbox.delivered(connection, message, refused=refused)
        return len(messages)


def measure(engine: Engine, meter: MetricMeter) -> None:
    """Set the gauge of open findings, one for each kind."""
    gauge = meter.create_gauge("drawdown_open_findings", "findings that nobody has settled")
    with engine.connect() as connection:
        for kind, number in findings.counts(connection).items():
            gauge.set(number, {"kind": kind.value})


async def keep_measuring(engine: Engine, meter: MetricMeter, seconds: float) -> None:
    """Measure every so many seconds, for as long as the process serves."""
    while True:
        try:
            await asyncio.to_thread(measure, engine, meter)
        except OperationalError:
            logging.getLogger("drawdown").warning("the database is away: findings not counted")
        await asyncio.sleep(seconds)
