"""Requests that are never finished, and the API's own documentation."""

import asyncio
import logging

import httpx
import pytest

from api import bodies
from api.main import create_app

HALF = {"type": "http.request", "body": b"{", "more_body": True}
GONE = {"type": "http.disconnect"}
ROUTE = "/webhooks/stripe"


async def answer_to(messages, path=ROUTE):
    """Return what the application sends when a client sends these messages and then nothing."""
    queue = [*messages]
    sent = []

    async def receive():
        if queue:
            return queue.pop(0)
        return await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
        "state": {"services": None},
    }
    await create_app({})(scope, receive, send)
    return sent[0]


async def test_half_a_request_is_closed_after_a_time(monkeypatch):
    monkeypatch.setattr(bodies, "LONGEST", 0.01)
    answer = await answer_to([HALF])
    assert answer["status"] == 408
    assert (b"connection", b"close") in answer["headers"]


async def test_a_client_that_hangs_up_leaves_one_line_and_no_traceback(caplog):
    with caplog.at_level(logging.INFO):
        await answer_to([HALF, GONE])
    lines = [record for record in caplog.records if record.name.startswith("api")]
    assert [line.getMessage() for line in lines] == [f"a client hung up on POST {ROUTE}"]
    assert not any(record.exc_info for record in lines)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
@pytest.mark.parametrize(("asked", "status"), [({}, 404), ({"API_DOCS": "on"}, 200)])
async def test_the_api_describes_itself_only_where_it_is_asked_to(path, asked, status):
    transport = httpx.ASGITransport(create_app(asked))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        assert (await http.get(path)).status_code == status
