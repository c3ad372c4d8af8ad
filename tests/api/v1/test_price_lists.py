"""A process with other price lists than were published makes no prices, until it has them."""

from datetime import UTC, datetime

import httpx
import pytest

from catalogs.reader import load_lists
from ledger import api_keys, published
from models.base import connect
from settings import CATALOGS
from tests.api.arrangements import api
from tests.api.v1.conftest import put_on
from tests.builders import a_subscribed_wallet, shipped_plan


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
    published.take_up(engine, load_lists(CATALOGS), datetime.now(UTC))
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 10)
        put_on(connection, wallet, shipped_plan("make", "core_10k"))
    yield {**variables, "DATABASE_URL": database.url}, wallet, engine
    engine.dispose()


@pytest.mark.long
async def test_an_edited_list_makes_no_price(elsewhere, edited, servers_folder, event):
    variables, wallet, engine = elsewhere
    with engine.begin() as connection:
        at = datetime.now(UTC)
        made = api_keys.create(connection, "test", ["usage"], None, by="ann", at=at)
    headers = {"Authorization": f"Bearer {made.secret}"}
    for folder, status in ((edited, 503), (CATALOGS, 200)):
        with api(variables | {"DRAWDOWN_CATALOGS": str(folder)}, servers_folder) as url:
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=None) as http:
                answer = await http.post("/v1/usage", json=event(wallet))
                check = {"customer_id": wallet.customer_id, "action": "operation", "quantity": "1"}
                asked = await http.post("/v1/check", json=check)
        assert (answer.status_code, asked.status_code) == (status, status), answer.text
    assert answer.json()["available"] == "9"
