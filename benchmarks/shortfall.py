"""Measure how long a caller waits whose event needs a purchase: from the request to its 200.

The processor is the stand-in, which takes no time of its own: what is measured is the door, the
signal, the subscription's workflow, the purchase's steps, the grant, and the way back.
"""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

sys.path.remove(str(Path(__file__).parent))  # whose `http` would hide Python's own
sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx

from benchmarks.durable.deployment import Deployment, deployed
from benchmarks.load.machine import busy_loops, ratio
from local.fleet import start_api
from local.processes import stop
from local.stack import environment
from local.timeline import Timeline

PLAN, ALLOWANCE = "core_10k", 10_000
TARGET_MS = 250
CALLS = 10_000  # of the processor a second: no limit
_keys = count(1)


async def use(door: httpx.AsyncClient, customer: str, quantity: int) -> float:
    """Use credits; return the milliseconds until they were debited."""
    event = {
        "customer_id": customer,
        "key": f"event-{next(_keys)}",
        "action": "operation",
        "quantity": str(quantity),
        "event_at": datetime.now(UTC).isoformat(),
    }
    begun = time.perf_counter()
    answer = await door.post("/usage", json=event, headers={"Prefer": "wait=30"})
    took = (time.perf_counter() - begun) * 1_000
    if answer.is_error or answer.json()["status"] != "debited":
        raise SystemExit(f"{answer.status_code}: {answer.text}")
    return took


async def emptied(deployment: Deployment, door: httpx.AsyncClient, customers: int) -> list[str]:
    """Make customers with auto-purchase on and one credit left."""
    names = []
    for _ in range(customers):
        life: Timeline = await deployment.bench.subscribe(PLAN)
        customer = (await life.status())["customer"]
        await life.ask("set_auto_purchase", {"on": True})
        await use(door, customer, ALLOWANCE - 1)
        names.append(customer)
    return names


def told(label: str, taken: list[float]) -> float:
    """Print a row; return its p99."""
    ordered = sorted(taken)
    middle, late = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    print(f"{label:<36}{len(ordered):>5}{middle:>9.0f}{late:>9.0f}", flush=True)
    return late


async def run(customers: int, together: int, beside: str) -> None:
    """Measure one at a time, then several at once."""
    async with deployed(1, CALLS, 0) as deployment:
        state = deployment.stack.state()
        port, log = deployment.stack.ports.api, deployment.stack.home / "api.log"
        process = await asyncio.to_thread(start_api, environment(deployment.stack), port, log)
        headers = {"Authorization": f"Bearer {state.api_key}"}
        try:
            async with httpx.AsyncClient(
                base_url=f"{state.api}/v1", headers=headers, timeout=60
            ) as door:
                names = await emptied(deployment, door, 2 * customers)
                print(f"{'':<36}{'':>5}{'p50 ms':>9}{'p99 ms':>9}")
                alone = [await use(door, one, 5) for one in names[:customers]]
                late = told("one shortfall at a time", alone)
                busy: list[float] = []
                for first in range(customers, 2 * customers, together):
                    some = names[first : first + together]
                    busy += await asyncio.gather(*(use(door, one, 5) for one in some))
                told(f"{together} customers at once", busy)
        finally:
            await asyncio.to_thread(stop, process)
        broken = deployment.bench.broken_laws()
    print(f"laws of the ledger broken: {broken}")
    print(ratio(f"shortfall_p99_over_{TARGET_MS}_ms{beside}", late / TARGET_MS))
    sys.exit(1 if broken else 0)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=40, help="of each part")
    parser.add_argument("--together", type=int, default=4)
    parser.add_argument("--busy", type=int, default=0, help="loops that run beside it")
    asked = parser.parse_args()
    with busy_loops(asked.busy):
        asyncio.run(run(asked.customers, asked.together, "_busy" if asked.busy else ""))


if __name__ == "__main__":
    main()
