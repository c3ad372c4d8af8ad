"""Clients that never finish the head of a request, on raw connections to a real server."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn

from api.heads import SECONDS, STRAIGHT, TimedHeads
from local.patience import until
from local.processes import free_port
from tests.api.arrangements import api

SOON = 1  # seconds that a head may take here: more than a busy loop stands still
ASKED = b"GET / HTTP/1.1\r\nHost: api\r\n"


@dataclass
class Slow:
    """An application whose answers wait until released; it takes bodies sent to `/straight`."""

    free: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[bytes] = field(default_factory=list)

    def wants(self, cycle):
        return cycle.scope["path"] == "/straight"

    def takes(self, cycle, go_on):
        self.taken.append(bytes(cycle.body))
        go_on()
        return True

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"] |= {SECONDS: SOON, STRAIGHT: self}
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/slow":
            await self.free.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


class Raw:
    """A connection that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.answer = b""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while some := await self.reader.read(1_000):
            self.answer += some

    async def closed(self, drop: bytes = b"") -> bytes:
        """Wait until the server hangs up, sending `drop` meanwhile; return all it said."""

        async def look() -> bool:
            if drop and not self._reading.done():
                self.writer.write(drop)
            return self._reading.done()

        await until(look, bool, "the server to hang up")
        await asyncio.gather(self._reading, return_exceptions=True)  # reset: there was more to read
        return self.answer

    async def said(self) -> bytes:
        return self.answer

    async def answered(self) -> None:
        await until(self.said, lambda answer: answer.endswith(b"ok"), "an answer")


@asynccontextmanager
async def raw(port: int, *, sent: bytes = b"") -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = Raw(reader, writer)
    writer.write(sent)
    yield connection
    writer.close()
    await asyncio.gather(connection.closed(), writer.wait_closed(), return_exceptions=True)


@pytest.fixture
def application():
    return Slow()


@pytest.fixture
async def port(application):
    config = uvicorn.Config(
        application, port=free_port(), http=TimedHeads, lifespan="on", log_config=None
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())

    async def look() -> bool:
        return server.started

    await until(look, bool, "the server to start")
    yield config.port
    server.should_exit = True
    await running


def refused(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 408 ") and b"head_too_slow" in body


async def test_half_a_head_is_hung_up_on_with_its_reason_and_one_line(port, caplog):
    with caplog.at_level(logging.INFO, "api"):
        async with raw(port, sent=b"GET / HT") as client:
            assert refused(await client.closed())
    lines = [record.getMessage() for record in caplog.records if record.name == "api.heads"]
    assert len(lines) == 1
    assert "no whole request within 1 s" in lines[0]


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for(port):
    async with raw(port, sent=ASKED + b"X: ") as client:
        assert refused(await client.closed(drop=b"x"))


async def test_who_says_nothing_at_all_is_hung_up_on_without_a_word(port):
    async with raw(port) as client:
        assert await client.closed() == b""


async def test_a_second_head_has_no_more_time_than_the_first(port):
    async with raw(port, sent=ASKED + b"\r\n") as client:
        await client.answered()
        client.writer.write(b"GET / HT")
        _, _, second = (await client.closed()).partition(b"ok")
        assert refused(second)


async def test_a_body_that_nobody_reads_holds_no_connection(port):
    async with raw(port, sent=ASKED + b"Content-Length: 1000000\r\n\r\n") as client:
        await client.answered()
        assert (await client.closed(drop=b"x")).endswith(b"ok")


async def test_an_answer_may_take_longer_than_a_head(port, application):
    async with raw(port, sent=ASKED.replace(b"/ ", b"/slow ", 1) + b"\r\n") as patient:
        async with raw(port, sent=b"G") as other:  # its time begins later, and ends
            await other.closed()
        assert patient.answer == b""
        application.free.set()
        await patient.answered()


def posted(body: bytes, path: bytes = b"/straight") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: api\r\nContent-Length: %d\r\n\r\n%s" % (
        path,
        len(body),
        body,
    )


async def test_a_whole_request_is_taken_straight_in_its_turn(port, application):
    several = [posted(b"one"), posted(b"other", b"/ordinary"), posted(b"two"), posted(b"three")]
    async with raw(port, sent=b"".join(several)) as client:
        await until(client.said, lambda said: said.count(b"ok") == len(several), "all answers")
    assert application.taken == [b"one", b"two", b"three"]


async def test_a_body_sent_after_its_head_is_waited_for_a_little(port, application):
    head, _, body = posted(b"late").partition(b"\r\n\r\n")
    async with raw(port, sent=head + b"\r\n\r\n") as client:
        await asyncio.sleep(0)
        client.writer.write(body)
        await client.answered()
        begun = list(application.taken)
        client.answer = b""
        client.writer.write(head + b"\r\n\r\n")  # whose body never comes
        await client.answered()
    assert begun in ([b"late"], [])  # a busy machine may take longer than that
    assert application.taken == begun


async def test_the_api_is_served_so(variables, servers_folder):
    with api(variables | {"API_HEAD_SECONDS": "1"}, servers_folder) as url:
        async with raw(int(url.rpartition(":")[2]), sent=b"GET /health HT") as client:
            answer = await client.closed()
    assert refused(answer)
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["message"] == "the head of the request did not come within 1 s"
    assert body["cure"] == "send the whole request at once"
