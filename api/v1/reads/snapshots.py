"""Reads through the door: one snapshot in a thread, of a customer that the key may see."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from api.v1.call import Call
from ledger.reads import snapshots

Found = TypeVar("Found")


async def of_customer(call: Call, read: Callable[[Connection, int], Found]) -> Found:
    """Return what `read` finds of the path's customer. Raises `InvalidInput`."""

    def run() -> Found:
        with snapshots.snapshot(call.services.engine) as connection:
            account = snapshots.account_of(connection, call.path["id"], call.key.catalog)
            return read(connection, account)

    return await asyncio.to_thread(run)
