"""A process with other price lists than were published makes no prices, until it has them."""

from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import insert

from catalogs.reader import load_lists
from ledger import api_keys, published
from models.base import connect
from models.tables import PublishedRow
from settings import CATALOGS
from tests.api.arrangements import api
from tests.api.v1.conftest import put_on
from tests.builders import START, a_subscribed_wallet, left, micro, shipped_plan

NOW = datetime.now(UTC)


@pytest.fixture
def edited(tmp_path):
    """The price lists that are shipped, in one of which an action costs twice as much."""
    for path in CATALOGS.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    make = tmp_path / "make.yaml"
    before = make.read_text()
    make.write_text(before.replace("{with: credits, cost: 1}", "{with: credits, cost: 2}", 1))
    assert make.read_text() != before
    return tmp_path


@pytest.fixture
def elsewhere(database, variables):
    """A ledger of its own on which the shipped lists were published."""
    engine = connect(database.url)
    published.take_up(engine, load_lists(CATALOGS), NOW)
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 10)
        put_on(connection, wallet, shipped_plan("make", "core_10k"))
    yield {**variables, "DATABASE_URL": database.url}, wallet, engine
    engine.dispose()


def without(folder, name):
    """The price lists of a folder but one."""
    (folder / f"{name}.yaml").unlink()
    return folder


def unreadable(engine):
    """Publish what only a newer version of the engine could read, as its workers do."""
    newer = {"catalog": "make", "item": "plan newer 1", "revision": 1, "terms": {"v": 2}, "at": NOW}
    with engine.begin() as connection:
        connection.execute(insert(PublishedRow).values(newer))


async def statuses(variables, servers_folder, event, wallet, headers):
    """Ask a process of its own for a debit and a check; return both statuses."""
    with api(variables, servers_folder) as url:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=None) as http:
            debit = await http.post("/v1/usage", json=event(wallet))
            check = {"customer_id": wallet.customer_id, "action": "operation", "quantity": "1"}
            asked = await http.post("/v1/check", json=check)
    return {debit.status_code, asked.status_code}


@pytest.mark.long
async def test_a_plan_made_for_one_customer_is_shown_to_operators_alone(elsewhere, servers_folder):
    variables, _, engine = elsewhere
    folder = servers_folder / "with a private plan"
    folder.mkdir()
    for path in CATALOGS.glob("*.yaml"):
        (folder / path.name).write_text(path.read_text())
    text = (folder / "make.yaml").read_text()
    # No term: the database knows this list with all plans public.
    (folder / "make.yaml").write_text(
        text.replace("  - id: core_40k\n", "  - id: core_40k\n    public: false\n", 1)
    )
    shown = {}
    with api(variables | {"DRAWDOWN_CATALOGS": str(folder)}, servers_folder) as url:
        for scope in ("read", "operator"):
            with engine.begin() as connection:
                made = api_keys.create(connection, "t", ["read", scope], "make", by="ann", at=NOW)
            headers = {"Authorization": f"Bearer {made.secret}"}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=None) as http:
                told = (await http.get("/v1/catalogs/make")).json()["plans"]
                health = await http.get("/health")
            shown[scope] = {one["plan_id"]: one["public"] for one in told}
            assert health.status_code == 200
    assert shown["operator"] == {**shown["read"], "core_40k": False}
    assert set(shown["read"].values()) == {True}


@pytest.mark.long
async def test_other_lists_make_no_price(elsewhere, edited, servers_folder, event):
    variables, wallet, engine = elsewhere
    with engine.begin() as connection:
        made = api_keys.create(connection, "test", ["usage"], None, by="ann", at=NOW)
    sent = (servers_folder, event, wallet, {"Authorization": f"Bearer {made.secret}"})
    own = variables | {"DRAWDOWN_CATALOGS": str(edited)}
    assert await statuses(own, *sent) == {503}
    assert await statuses(variables, *sent) == {200}
    without(edited, "make")
    assert await statuses(own, *sent) == {503}
    unreadable(engine)
    assert await statuses(variables, *sent) == {503}
    with engine.connect() as connection:
        assert left(connection, wallet, START) == micro(9)
