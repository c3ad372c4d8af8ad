"""Several processes of the API on one ledger: nothing is lost, doubled or oversold."""

import asyncio
from contextlib import ExitStack
from itertools import cycle

import httpx
import pytest

from ledger import balances
from local.fleet import start_api
from local.processes import free_port, stop
from tests.builders import START

pytestmark = pytest.mark.long

HAVE, CALLERS, EACH = 900, 48, 25  # more is asked for than there is


@pytest.fixture
def three(variables, servers_folder):
    """Three processes; a test may end one of them."""
    with ExitStack() as running:
        found = []
        for _ in range(3):
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            log = servers_folder / f"api-{port}.log"
            process = start_api({"PUBLIC_URL": url, **variables}, port, log)
            running.callback(stop, process)
            found.append((f"{url}/v1", process))
        yield found


async def test_a_hot_customer_is_never_oversold_though_a_process_is_killed(
    three, api_key, customer, event, engine
):
    wallet = customer(HAVE)
    urls = cycle([url for url, _ in three])
    sent = [[event(wallet) for _ in range(EACH)] for _ in range(CALLERS)]
    done = asyncio.Event()
    answers: list[dict] = []

    async def call(http, mine):
        for one in mine:
            answers.append(await ask(http, urls, one))
            if len(answers) == HAVE // 3:
                done.set()

    headers = {"Authorization": f"Bearer {api_key}"}
    async with httpx.AsyncClient(headers=headers, timeout=None) as http:
        calls = [asyncio.create_task(call(http, mine)) for mine in sent]
        await done.wait()
        three[0][1].kill()
        await asyncio.gather(*calls)

    taken = [one for one in answers if one.get("status") in ("debited", "repeated")]
    refused = [one for one in answers if one.get("reason") == "insufficient_credits"]
    assert len(taken) == HAVE
    assert len(taken) + len(refused) == CALLERS * EACH
    assert len({one["seq"] for one in taken}) == HAVE
    with engine.connect() as connection:
        assert balances.available(connection, wallet.account_id, "credits", START) == 0
        assert balances.violations(connection) == []


async def ask(http, urls, event):
    """Send an event to any process, and again to another one until it is answered."""
    while True:
        try:
            answer = await http.post(f"{next(urls)}/usage", json=event)
        # The second: uvloop tells anyio of no socket where a connection is closed at once.
        except (httpx.TransportError, AttributeError):
            continue
        if answer.status_code not in (429, 503):
            return answer.json()
