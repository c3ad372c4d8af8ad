"""Measure open streams of balances: the memory of each, and how long after a debit it is seen.

One process of the API serves them all. Debits go through another, as in a fleet, so that the news
comes through the database. A delay is from the answer of the debit to the event. Then the process
is started again, and all readers come back when it had told them to.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from pathlib import Path

# `benchmarks.http` takes this folder away, whose `http` would hide Python's own.
sys.path.insert(0, str(Path(__file__).parents[1]))

from datetime import UTC, datetime

from benchmarks.durable.footprint import cpu_seconds
from benchmarks.http import Served, prepared, served
from benchmarks.load.machine import describe, fresh_postgres, ratio

OPENING = 50  # streams that are opened at once
REST_SECONDS = 20  # longer than the time between two looks at all wallets
HEAD = "GET /v1/customers/{}/balance/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n"
USE = (
    "POST /v1/usage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
)
MOST_SECONDS = 0.25  # after which a change must be seen


class Reader:
    """One stream; `seen` says when each sequence number came."""

    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.seen: dict[int, float] = {}
        self.first = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.retry = 0.0  # seconds to wait before connecting again

    async def open(self, api: Served) -> None:
        """Open the stream and wait for its first balance."""
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=2**20)
        writer.write(HEAD.format(self.customer, api.key).encode())
        self.task = asyncio.create_task(self._read(reader, writer))
        await self.first.wait()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if b" 200 " not in await reader.readline():
                raise SystemExit(f"the stream of {self.customer} was refused")
            async for line in reader:
                if line.startswith(b"retry: "):
                    self.retry = int(line[7:]) / 1e3
                if line.startswith(b"id: "):
                    self.seen[int(line[4:])] = time.perf_counter()
                    self.first.set()
        finally:
            writer.close()


async def use(api: Served, customer: str, number: int) -> int:
    """Debit a customer; return the sequence number of the debit."""
    event = {
        "customer_id": customer,
        "key": f"stream-{number}",
        "action": "operation",
        "quantity": "1",
        "event_at": datetime.now(UTC).isoformat(),
    }
    body = json.dumps(event)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write((USE.format(api.key, len(body)) + body).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    answer = json.loads(await reader.readexactly(length))
    writer.close()
    return int(answer["seq"])


def memory_of(api: Served) -> int:
    """Return the bytes that a process holds in memory."""
    status = Path(f"/proc/{api.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def readers_of(api: Served, streams: int) -> list[Reader]:
    """Return so many readers, each of another customer as far as there are customers."""
    return [Reader(api.customers[n % len(api.customers)]) for n in range(streams)]


async def at_rest(api: Served) -> float:
    """Return the part of a core that a process takes while nothing happens."""
    before, began = cpu_seconds(api.process.pid), time.perf_counter()
    await asyncio.sleep(REST_SECONDS)
    return (cpu_seconds(api.process.pid) - before) / (time.perf_counter() - began)


async def come_back(api: Served, left: list[Reader]) -> None:
    """Let all readers connect to a process that has just begun; print what it took."""

    async def connect(before: Reader) -> Reader:
        await asyncio.sleep(before.retry)
        now = Reader(before.customer)
        await now.open(api)
        return now

    began = time.perf_counter()
    readers = await asyncio.gather(*(connect(one) for one in left))
    took, last = time.perf_counter() - began, max(one.retry for one in left)
    print(f"all back at a new process after {took:.1f} s; the last came after {last:.1f} s")
    leave(readers)


def leave(readers: list[Reader]) -> None:
    """Close every stream."""
    for one in readers:
        if one.task is not None:
            one.task.cancel()


async def measure(
    watched: Served, used: Served, streams: int, debits: int, pace: float
) -> list[Reader]:
    """Open the streams, debit their customers, print what it took; return who read."""
    readers = readers_of(watched, streams)
    await readers[0].open(watched)
    before = memory_of(watched)
    began = time.perf_counter()
    for start in range(1, streams, OPENING):
        await asyncio.gather(*(one.open(watched) for one in readers[start : start + OPENING]))
    opened = time.perf_counter() - began
    each = (memory_of(watched) - before) / max(streams - 1, 1) / 1024
    rest = await at_rest(watched)
    delays = await delays_of(used, readers, debits, pace)
    held = memory_of(watched) / 2**20
    print(f"{streams:,} streams opened in {opened:.1f} s, {each:.1f} kB each, {held:.0f} MB in all")
    print(f"at rest {rest:.1%} of a core")
    middle, late, last = (delays[int(len(delays) * part)] * 1e3 for part in (0.5, 0.95, 0.99))
    print(f"seen after {middle:.0f} ms (p50), {late:.0f} ms (p95), {last:.0f} ms (p99)")
    on_time = sum(one <= MOST_SECONDS for one in delays) / len(delays)
    print(ratio("streams_on_time", on_time), flush=True)
    leave(readers)
    return readers


async def delays_of(api: Served, readers: list[Reader], debits: int, pace: float) -> list[float]:
    """Debit customers one after another; return the delays, the shortest first."""
    wanted: list[tuple[Reader, int, float]] = []
    for number in range(debits):
        reader = readers[number * 7 % len(readers)]
        seq = await use(api, reader.customer, number)
        wanted.append((reader, seq, time.perf_counter()))
        await asyncio.sleep(pace)
    await asyncio.sleep(2)
    found = []
    for reader, seq, answered in wanted:
        later = [at for one, at in reader.seen.items() if one >= seq]
        if not later:
            raise SystemExit(f"{reader.customer} never saw {seq}")
        found.append(min(later) - answered)
    return sorted(found)


def main() -> None:
    """Print memory and delay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2_000)
    parser.add_argument("--debits", type=int, default=300)
    parser.add_argument("--pace", type=float, default=0.02, help="seconds between debits")
    asked = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with fresh_postgres() as server:
        print(describe(server))
        customers, key = prepared(server, "read")
        with served(server, customers, key) as watched, served(server, customers, key) as used:
            left = asyncio.run(measure(watched, used, asked.streams, asked.debits, asked.pace))
        with served(server, customers, key) as again:
            asyncio.run(come_back(again, left))


if __name__ == "__main__":
    main()
