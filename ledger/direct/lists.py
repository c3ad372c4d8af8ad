"""Whether a process prices by what was published; one that does not must not price at all.

Workers compare their price lists when they start. A process that only prices compares again and
again, because a newer worker may have published what its own files lack.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from domain.pricing.catalog import Catalog
from ledger import published
from ledger.direct.background import Background

log = logging.getLogger(__name__)

EVERY_SECONDS = 20


class OtherListsError(Exception):
    """The process has other price lists than were published: nothing was decided."""


class ListsInForce(Background):
    """Price lists that are compared with what was published."""

    def __init__(self, engine: Engine, catalogs: Mapping[str, Catalog]) -> None:
        self._engine = engine
        self._catalogs = catalogs
        self._compared = asyncio.Event()
        self._differ: tuple[str, ...] = ()

    @property
    def are_mine(self) -> bool:
        """Return whether they were compared, and prices may be made by what is here."""
        return self._compared.is_set() and not self._differ

    async def require(self) -> None:
        """Return if prices may be made. Raises `OtherListsError`."""
        if not self._compared.is_set():
            await self._compare()
        if self._differ:
            raise OtherListsError(", ".join(self._differ))

    async def _run(self) -> None:
        while True:
            try:
                await self._compare()
            except SQLAlchemyError as error:
                log.warning("price lists were not compared: %s", error)
            await asyncio.sleep(EVERY_SECONDS)

    async def _compare(self) -> None:
        try:
            differ = await self._finished(asyncio.to_thread(self._differences))
        except SQLAlchemyError:  # it is away: what was compared before holds
            raise
        except Exception:
            # A newer worker published what cannot be read here: this process is behind.
            log.exception("what was published cannot be read")
            differ = ("what was published cannot be read",)
        if differ != self._differ and differ:
            log.error("other price lists were published than are here: %s", ", ".join(differ))
        self._differ = differ
        self._compared.set()

    @staticmethod
    async def _finished(comparing: Coroutine[Any, Any, tuple[str, ...]]) -> tuple[str, ...]:
        """Wait for it also when cancelled: its thread would keep a connection of a closed pool."""
        under_way = asyncio.ensure_future(comparing)
        try:
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            await asyncio.wait([under_way])
            raise

    def _differences(self) -> tuple[str, ...]:
        at = datetime.now(UTC)
        with self._engine.connect() as connection:
            return tuple(
                f"{catalog.name}: {one.item.kind} {one.item.name} {one.item.version}"
                for catalog in self._catalogs.values()
                for one in published.compared(connection, catalog, at).refused
            )
