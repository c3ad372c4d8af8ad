"""Callers on keep-alive connections, in a process of their own: `python http_callers.py SPEC`.

SPEC is JSON; what is printed is JSON too: requests, seconds, latencies in milliseconds.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import uvloop

Bodies = Callable[[int], bytes]


def bodies(kind: str, customers: list[str], many: int) -> Bodies:
    """Return a function that writes the body of a caller's next request."""
    number = count()
    name = f"{time.time_ns():x}"
    at = datetime.now(UTC).isoformat()

    def event(caller: int) -> str:
        key = next(number)
        customer = customers[(key * 7919 + caller) % len(customers)]
        return (
            f'{{"customer_id":"{customer}","key":"{name}-{key}","action":"operation",'
            f'"quantity":"1","event_at":"{at}"}}'
        )

    if kind == "batch":
        return lambda caller: (
            f'{{"events":[{",".join(event(caller) for _ in range(many))}]}}'.encode()
        )
    return lambda caller: event(caller).encode()


class Caller(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, or at a pace."""

    def __init__(self, head: bytes, body: Callable[[], bytes], gap: float, until: float) -> None:
        self.head, self.body, self.gap, self.until = head, body, gap, until
        self.latencies: list[float] = []
        self.bad = 0
        self.done = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]
        """Ask for the first time."""
        self.transport = transport
        self.due = time.perf_counter()
        self.ask()

    def ask(self) -> None:
        """Send a request; its time counts from when it was due."""
        body = self.body()
        self.sent = max(self.due, time.perf_counter()) if not self.gap else self.due
        self.transport.write(self.head + str(len(body)).encode() + b"\r\n\r\n" + body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if the server hung up."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        """Take an answer, whole or in parts."""
        self.received += data
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        if len(rest) < length:
            return
        self.received = b""
        now = time.perf_counter()
        self.latencies.append((now - self.sent) * 1_000)
        self.bad += not head.startswith(b"HTTP/1.1 200")
        if now >= self.until:
            self.transport.close()
            self.done.set_result(None)
            return
        self.due += self.gap
        if self.gap and self.due > now:
            asyncio.get_running_loop().call_later(self.due - now, self.ask)
        else:
            self.ask()


def _same(caller: Caller) -> Caller:
    return caller


async def call(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the callers for so many seconds; return what they measured."""
    write = bodies(spec["kind"], spec["customers"], spec["many"])
    head = (
        f"POST {spec['path']} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {spec['key']}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    until = begun + spec["seconds"]
    gap = spec["callers"] / spec["pace"] if spec["pace"] else 0.0
    callers = []
    for number in range(spec["callers"]):
        caller = Caller(head, partial(write, number), gap, until)
        callers.append(caller)
        await loop.create_connection(partial(_same, caller), "127.0.0.1", spec["port"])
        if gap:
            await asyncio.sleep(gap / spec["callers"])
    await asyncio.gather(*(caller.done for caller in callers))
    latencies = sorted(one for caller in callers for one in caller.latencies)
    return {
        "requests": len(latencies),
        "seconds": time.perf_counter() - begun,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
        "bad": sum(caller.bad for caller in callers),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(call(json.loads(sys.argv[1])))))
