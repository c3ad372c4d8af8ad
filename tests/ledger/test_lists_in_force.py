"""A process that stops while price lists are compared leaves no connection behind."""

import asyncio
import threading

from sqlalchemy import create_engine, event

from catalogs.reader import read_catalog
from ledger.direct.lists import ListsInForce
from settings import CATALOGS


async def test_stopping_waits_for_the_comparison_that_has_a_connection(session_database):
    engine = create_engine(session_database.url)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*_: object) -> None:
        begun.set()
        go_on.wait()

    event.listen(engine, "checkout", slowly)
    catalog = read_catalog(CATALOGS / "make.yaml")
    async with ListsInForce(engine, {catalog.name: catalog}):
        await asyncio.to_thread(begun.wait)
        asyncio.get_running_loop().call_later(0.3, go_on.set)
    assert engine.pool.checkedout() == 0
    engine.dispose()
