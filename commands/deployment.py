"""Commands that prepare or run a deployment."""

import asyncio
from argparse import Namespace
from pathlib import Path

from alembic import command
from alembic.config import Config
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)

from commands.terminal import Add, console, settings
from local import exports, state
from local.stack import reset, run_forever
from worker import connected
from workflows import names


def up(_: Namespace) -> int:
    """Start the local stack and leave it running."""
    return run_forever(state.home())


def env(_: Namespace) -> int:
    """Print the running local stack for a shell: eval "$(.venv/bin/python cli.py env)"."""
    print(exports.lines(state.live(state.home())))  # noqa: T201 - a shell reads it, as it is
    return 0


def reset_stack(_: Namespace) -> int:
    """Empty the local stack's folder."""
    reset(state.home())
    return 0


def migrate(_: Namespace) -> int:
    """Bring the database to the newest revision."""
    config = Config(Path(__file__).parents[1] / "alembic.ini")
    command.upgrade(config, "head")
    return 0


def bootstrap(_: Namespace) -> int:
    """Register our search attributes with Temporal."""

    async def register() -> None:
        client = await connected(settings())
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {
            key.name: IndexedValueType.ValueType(int(key.indexed_value_type))
            for key in names.SEARCH_ATTRIBUTES
            if key.name not in known.custom_attributes
        }
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
        console.print(f"registered {', '.join(missing) or 'nothing: all are there'}")

    asyncio.run(register())
    return 0


def run_demo(_: Namespace) -> int:
    """Live four subscriptions on real usage and prove the books."""
    from local.demo.play import play  # noqa: PLC0415 - drawing takes long to import

    return 0 if asyncio.run(play(console)) else 1


def add_commands(add: Add) -> None:
    """Name the commands and what they take."""
    add("up", up)
    add("env", env)
    add("reset", reset_stack)
    add("migrate", migrate)
    add("bootstrap", bootstrap)
    add("demo", run_demo)
