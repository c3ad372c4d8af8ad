"""Commands that prepare a deployment."""

import asyncio
from argparse import Namespace

from alembic import command
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)

from commands.terminal import Add, console, settings
from migrations import configuration
from worker import connected
from workflows import names


def migrate(_: Namespace) -> int:
    """Bring the database to the newest revision."""
    command.upgrade(configuration(), "head")
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
        console.print(f"registered {', '.join(missing) or 'nothing: all exist already'}")

    asyncio.run(register())
    return 0


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    add("migrate", migrate)
    add("bootstrap", bootstrap)
