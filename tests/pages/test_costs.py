"""What a page costs: queries, and bytes of style and script."""

from contextlib import contextmanager
from contextvars import ContextVar

import httpx
import pytest
from sqlalchemy import event

from api.pages.assets import all_assets
from api.pages.customer.pages import FRAME
from api.pages.operator.pages import PAGES
from tests.pages.inside import in_this_process
from tests.pages.operators import entered

MOST_QUERIES = 12
MOST_BYTES = 60_000


asking = ContextVar("asking", default=False)


@contextmanager
def counted(engine):
    """Count the statements of an engine that are made for who asks now, in any thread.

    What the application does by itself meanwhile is nobody's page.
    """
    seen = []

    def count(_connection, _cursor, statement, *_others):
        if asking.get():
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    token = asking.set(True)
    yield seen
    asking.reset(token)
    event.remove(engine, "before_cursor_execute", count)


@pytest.fixture
async def here(door_variables):
    async with in_this_process(door_variables) as served:
        yield served


async def test_no_page_of_a_customer_makes_many_queries(fleet, link, here):
    web, engine = here
    acme = await fleet.subscribe("core_10k", auto=True)
    await acme.use("10")
    opened = httpx.URL(await link(acme.name)).path
    await web.get(opened)
    found = {}
    for page in FRAME.pages.values():
        with counted(engine) as seen:
            answer = await web.get(page.address)
        assert answer.status_code == 200, page.name
        found[page.name] = len(seen)
    assert max(found.values()) > 0
    assert {name: many for name, many in found.items() if many > MOST_QUERIES} == {}


async def test_no_page_of_operators_makes_many_queries(fleet, here):
    web, engine = here
    acme = await fleet.subscribe("core_10k")
    await entered(fleet, web)
    ((charge,),) = acme.rows("SELECT charge_id FROM charges WHERE account_id = %s")
    found = {}
    for page in PAGES:
        with counted(engine) as seen:
            answer = await web.get(page.address, params={"id": acme.name, "charge": charge})
        assert answer.status_code == 200, page.name
        found[page.name] = len(seen)
    assert max(found.values()) > 0
    assert {name: many for name, many in found.items() if many > MOST_QUERIES} == {}


def test_style_and_script_are_small():
    assert sum(len(one.content) for one in all_assets().values()) <= MOST_BYTES
