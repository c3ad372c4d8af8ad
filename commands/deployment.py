"""Commands that prepare a deployment."""

import asyncio
import sys
from argparse import Namespace

from alembic import command
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)

from commands.terminal import Add, console, database, settings
from ledger.distribution import setup
from migrations import configuration
from nexus import endpoint
from nexus.service import NAME
from worker import connected
from workflows import names


def migrate(_: Namespace) -> int:
    """Bring the database to the newest revision."""
    command.upgrade(configuration(), "head")
    return 0


def bootstrap(arguments: Namespace) -> int:
    """Register our search attributes and the Nexus endpoint with Temporal."""

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
        made = list(missing)
        if await endpoint.ensure(client, arguments.endpoint):
            made.append(f"the Nexus endpoint {arguments.endpoint}")
        console.print(f"registered {', '.join(made) or 'nothing: all exist already'}")

    asyncio.run(register())
    return 0


def distribute(arguments: Namespace) -> int:
    """Spread the ledger over the machines of a Citus cluster; --print only shows the statements."""
    with database() as engine, engine.begin() as connection:
        if arguments.print:
            for one in setup.statements(connection, arguments.shards):
                sys.stdout.write(f"{one};\n")
            return 0
        console.print(f"{setup.distribute(connection, arguments.shards)} statements carried out")
    return 0


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    add("migrate", migrate)
    one = add("bootstrap", bootstrap)
    one.add_argument("--endpoint", default=NAME, help="the Nexus endpoint's name in the cluster")
    one = add("distribute", distribute)
    one.add_argument("--print", action="store_true", help="carry out nothing")
    one.add_argument("--shards", type=int, default=setup.SHARDS, help="of each table")
