"""The worker of simulations: it needs Temporal alone, and runs one simulation at a time."""

import asyncio
import logging
import signal
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

from domain.errors import InvalidInput
from local.simulations.activity import Simulator, sweep
from local.simulations.workflow import Simulation
from workflows import names
from workflows.converter import DATA_CONVERTER
from workflows.queries import TasksOnlyRunner

AT_ONCE = 1  # each has a database, a Temporal server and workers of its own
ADDRESS, NAMESPACE = "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"


def worker(
    client: Client, environment: Mapping[str, str], queue: str = names.SIMULATIONS, **options: Any
) -> Worker:
    """Return the worker; `options` override what tests must vary."""
    usual: dict[str, Any] = {
        "workflows": [Simulation],
        "activities": [Simulator(dict(environment)).simulate],
        "workflow_runner": TasksOnlyRunner(),
        "max_concurrent_activities": AT_ONCE,
        # Usually most of what a heartbeat may take: too long for whoever watches, or ends it.
        "max_heartbeat_throttle_interval": timedelta(seconds=1),
        # A simulation that is interrupted begins anew: there is nothing to wait for.
        "graceful_shutdown_timeout": timedelta(0),
    }
    return Worker(client, task_queue=queue, **(usual | options))


async def serve(environment: Mapping[str, str]) -> None:
    """Serve simulations until SIGTERM or SIGINT. Raises `InvalidInput` (`invalid_settings`)."""
    if not environment.get(ADDRESS):
        message = f"{ADDRESS} is missing: set it to host:port of Temporal's frontend"
        raise InvalidInput("invalid_settings", message)
    config = ClientConfig.load_client_connect_config()
    config["target_host"] = environment[ADDRESS]
    config["namespace"] = environment.get(NAMESPACE) or "default"
    client = await Client.connect(**config, data_converter=DATA_CONVERTER)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sweep()
    async with worker(client, environment):
        logging.getLogger("drawdown").info("serving %s", names.SIMULATIONS)
        await stop.wait()
