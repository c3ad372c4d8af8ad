"""The fleet's entry: settings, gateways, activities, one worker for each task queue.

    python worker.py [--queue billing] [--queue billing-stripe] [--queue billing-mail]

Without a flag it serves all queues. SIGTERM and Ctrl-C let running activities finish.
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities import served
from activities.context import BillingContext
from activities.direct.running import direct_usage
from activities.errors import NamedErrors
from activities.notifications.outbox import MailRelay
from activities.notifications.webhooks import WebhookRelay
from activities.payments.findings import keep_measuring
from catalogs.reader import load_catalogs, load_lists
from domain.errors import InvalidInput
from domain.pricing.catalog import Catalog
from domain.tracing import causes
from gateways.smtp import SmtpMailer
from gateways.stripe import StripePayments
from gateways.telemetry import logs, metrics, tracing
from gateways.webhooks.sending import Sender
from ledger import published
from ledger.direct.telling import Teller
from ledger.notifications.waiting import Waiting
from migrations import configuration
from models.base import connect
from nexus import handler
from settings import Settings
from workflows import names
from workflows.approval.workflow import Approval
from workflows.arguments import OneArgument
from workflows.converter import DATA_CONVERTER
from workflows.outbox_relay import TOPICS, OutboxRelay, Topic
from workflows.queries import TasksOnlyRunner
from workflows.reconciliation import Reconciliation
from workflows.requests import ServesRequests, of_clients
from workflows.stripe_event import StripeEvent
from workflows.subscription.workflow import Subscription

GRACE = timedelta(seconds=30)
MEASURE_SECONDS = 15
THREADS = 20
# docs/operations.md says why, under "A worker on a busy machine".
WORKFLOW_OPTIONS: dict[str, Any] = {
    "workflow_runner": TasksOnlyRunner(),
    "max_cached_workflows": 1_000,
    "max_concurrent_workflow_tasks": 8,
    "sticky_queue_schedule_to_start_timeout": timedelta(seconds=5),
    "workflow_task_poller_behavior": PollerBehaviorAutoscaling(),
}

# Never those of workflows: a slow ledger fills these, and the rest waits in Temporal.
NEXUS_OPTIONS: dict[str, Any] = {
    "max_concurrent_nexus_tasks": handler.MOST_AT_ONCE,
    "nexus_task_poller_behavior": PollerBehaviorAutoscaling(),
}

Served = tuple[list[type], served.Activities]


@dataclass(frozen=True)
class Fleet:
    """What every worker of this process shares."""

    settings: Settings
    engine: Engine
    client: Client
    catalogs: Sequence[Catalog] = ()  # as they were compared; none: as the files are now

    def served(self, queue: str) -> Served:
        """Return the workflows and activities of a queue: these lists are what the fleet can do."""
        context = self._context()
        if queue == names.STRIPE:
            processor = StripePayments(
                self.settings.stripe_api_key, base_url=self.settings.stripe_api_base
            )
            return [], served.by_the_processor(processor, context, self.client)
        if queue == names.MAIL:
            mailer = SmtpMailer(self.settings.smtp_url, sender=self.settings.mail_from)
            sender = Sender(anywhere=self.settings.webhook_private_addresses)
            webhooks = WebhookRelay(context, sender, _now)
            return [], [MailRelay(context, mailer).relay, webhooks.relay]
        return [Subscription, OutboxRelay, StripeEvent, Approval, Reconciliation], [
            *served.of_usage(context),
            *served.of_periods_and_plans(context),
            *served.of_purchases(context),
            *served.of_people(context, self.client),
        ]

    def _context(self) -> BillingContext:
        read = self.catalogs or load_catalogs(self.settings.drawdown_catalogs)
        return BillingContext(
            engine=self.engine,
            catalogs={one.name: one for one in read},
            public_url=self.settings.public_url,
            link_secrets=self.settings.link_secrets,
            renewal_spread=timedelta(seconds=self.settings.renewal_spread_seconds),
            tell=Teller(self.engine).tell,
            waits=self._waiting.on,
        )

    @cached_property
    def _waiting(self) -> Waiting:
        """One for all relays of this process, whichever queues they are of."""
        return Waiting(self.engine, _now)

    @asynccontextmanager
    async def running(
        self, queue: str, executor: ThreadPoolExecutor, **options: Any
    ) -> AsyncIterator[None]:
        """Run the worker of a queue; that of `billing` serves Nexus too, in slots of its own."""
        async with AsyncExitStack() as stack:
            if queue == names.BILLING:
                usage = direct_usage(
                    self.settings.database_url,
                    self._context(),
                    self.client,
                    deadline_seconds=handler.DEADLINE_SECONDS,
                )
                served = handler.DrawdownHandler(
                    await stack.enter_async_context(usage), self.engine
                )
                options = NEXUS_OPTIONS | {"nexus_service_handlers": [served]} | options
            await stack.enter_async_context(self.worker(queue, executor, **options))
            yield

    def worker(self, queue: str, executor: ThreadPoolExecutor, **options: Any) -> Worker:
        """Return the worker of a queue; `options` override what tests must vary."""
        workflows, activities = self.served(queue)
        defaults: dict[str, Any] = {
            "workflows": workflows,
            "activities": activities,
            "activity_executor": executor,
            "max_concurrent_activities": THREADS,
            "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
            "interceptors": [NamedErrors(), OneArgument(), ServesRequests()],
            "graceful_shutdown_timeout": GRACE,
            # Eager activities would go round the rate limit of the processor's queue.
            "disable_eager_activity_execution": True,
        }
        if workflows:
            defaults |= WORKFLOW_OPTIONS
        if queue == names.STRIPE:
            # Of the queue, whoever serves it; the server believes the worker that polled last.
            limit = float(self.settings.stripe_calls_per_second)
            defaults["max_task_queue_activities_per_second"] = limit
        return Worker(self.client, task_queue=queue, **(defaults | options))


def _now() -> datetime:
    return datetime.now(UTC)


async def connected(settings: Settings) -> Client:
    """Connect to Temporal; TLS and API key come from the SDK's own environment."""
    runtime = metrics.runtime(settings.metrics_address)
    config = ClientConfig.load_client_connect_config()
    config["target_host"] = settings.temporal_address
    config["namespace"] = settings.temporal_namespace
    return await Client.connect(
        **config,
        data_converter=DATA_CONVERTER,
        runtime=runtime,
        interceptors=of_clients(tracing.tracer()),
    )


def check_database(engine: Engine) -> None:
    """Refuse to start on a database that is not migrated. Raises `InvalidInput`."""
    wanted = ScriptDirectory.from_config(configuration()).get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        raise InvalidInput(
            "database_not_migrated",
            f"the database is at {found or 'nothing'}, not {wanted}: run `python cli.py migrate`",
        )


async def check_search_attributes(client: Client) -> None:
    """Refuse to start while Temporal lacks our search attributes. Raises `InvalidInput`."""
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [
        key.name for key in names.SEARCH_ATTRIBUTES if key.name not in answer.custom_attributes
    ]
    if missing:
        raise InvalidInput(
            "search_attributes_missing",
            f"Temporal does not know {', '.join(missing)}: run `python cli.py bootstrap`",
        )


async def serve(settings: Settings, queues: Sequence[str]) -> None:
    """Serve queues until SIGTERM or SIGINT."""
    engine = connect(settings.database_url, pool_size=THREADS, request_id=causes.request_id)
    check_database(engine)
    client = await connected(settings)
    await check_search_attributes(client)
    read = published.take_up(engine, load_lists(settings.drawdown_catalogs), datetime.now(UTC))
    fleet = Fleet(settings, engine, client, read)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        for queue in queues:
            executor = stack.enter_context(ThreadPoolExecutor(THREADS, f"{queue}-"))
            await stack.enter_async_context(fleet.running(queue, executor))
        await start_relays(client)
        await start_nights(client)
        gauge = asyncio.create_task(
            keep_measuring(engine, Runtime.default().metric_meter, MEASURE_SECONDS)
        )
        stack.callback(gauge.cancel)
        gc.collect()
        gc.freeze()  # no look for garbage goes through what lasts as long as the process
        logging.getLogger("drawdown").info("serving %s", ", ".join(queues))
        await stop.wait()
    engine.dispose()


async def start_nights(client: Client) -> None:
    """Start the nightly comparison unless it runs."""
    what = "compares processor, ledger, workflows and outbox once a night"
    await _start(client, run=Reconciliation.run, args=[], name=names.RECONCILIATION, what=what)


async def start_relays(client: Client) -> None:
    """Start the outbox relays unless they run."""
    for topic in TOPICS:
        what = f"delivers {topic} messages of the outbox"
        await _start(
            client,
            run=OutboxRelay.run,
            args=[Topic(topic)],
            name=names.outbox_workflow(topic),
            what=what,
        )


async def _start(client: Client, run: Any, args: list[Any], name: str, what: str) -> None:
    await client.start_workflow(
        run,
        args=args,
        id=name,
        task_queue=names.BILLING,
        static_summary=what,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


def quickest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the loop that the API has too; None: not on this platform, Python's own.

    Python's own took an eighth of the CPU of a process of tests with a fleet in it.
    """
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def main() -> int:
    """Run the worker from the environment alone."""
    parser = argparse.ArgumentParser(description="Serve Drawdown's task queues.")
    parser.add_argument("--queue", action="append", choices=names.QUEUES, default=[])
    queues = parser.parse_args().queue or list(names.QUEUES)
    try:
        settings = Settings.from_environment()
        logs.configure(settings.log_format)
        tracing.start(settings.otel_exporter_otlp_endpoint, "drawdown-worker")
        with asyncio.Runner(loop_factory=quickest_loop()) as runner:
            runner.run(serve(settings, queues))
        tracing.stop()
    except InvalidInput as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python up to 3.12 sometimes aborts while the SDK's threads end with the interpreter.
    os._exit(code)
