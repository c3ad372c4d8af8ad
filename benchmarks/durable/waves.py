"""Many subscriptions whose periods end at one instant of real time, and as many empty peers."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from benchmarks.durable.deployment import Deployment
from benchmarks.durable.empty_steps import EmptySteps, Steps
from benchmarks.durable.fleet import Bench
from benchmarks.durable.histories import history
from domain.subscription import Start
from domain.subscription_state import SubscriptionState
from local.patience import NothingMovesError, Patience
from workflows import names
from workflows.subscription.workflow import Subscription

PLAN = "core_10k"
AT_ONCE = 50  # starts under way
LOOK_SECONDS = 0.1  # between two looks at who is done: looking costs the server, too
PEERS_A_SECOND = 50  # are started at least
QUIET = timedelta(seconds=10)  # between the last preparation and the instant
CALM = 1.5  # times as long as expected is left for preparations
RENEWED = "ContinuedAsNew"


@dataclass(frozen=True, slots=True)
class Wave:
    """What happened from one instant on until the last one was done, CPU seconds by process."""

    size: int
    begun: float
    ended: float
    cpu: dict[str, float]

    @property
    def per_second(self) -> float:
        """How many were done a second."""
        return self.size / (self.ended - self.begun)


@dataclass(slots=True)
class Waves:
    """Makes waves on a deployment; `pace` is how many subscriptions a second it begins."""

    deployment: Deployment
    pace: float = 1.0
    made: int = 0

    @property
    def _bench(self) -> Bench:
        return self.deployment.bench

    async def begin(self, count: int, boundary: datetime) -> str:
        """Begin subscriptions whose period ends at an instant; return the prefix of their ids.

        Returns once each has its first period, and continues as new.
        """
        self.made += 1
        wave = f"wave-{self.made}-"
        began = time.perf_counter()
        await _gathered(_begin(self._bench.client, f"{wave}{n}", boundary) for n in range(count))
        await _counted(self._bench.client, subscriptions(wave, RENEWED), count)
        self.pace = count / (time.perf_counter() - began)
        return wave

    async def begin_before(self, count: int) -> tuple[str, datetime]:
        """Begin subscriptions early enough, so that they only wait; return them and the instant."""
        while True:
            lead = QUIET + CALM * timedelta(seconds=count / self.pace)
            boundary = datetime.now(UTC) + lead
            wave = await self.begin(count, boundary)
            if datetime.now(UTC) < boundary - QUIET / 2:
                return wave, boundary

    async def renew(self, count: int, wave: str, boundary: datetime) -> Wave:
        """Measure the renewals of an instant, from then until each has continued as new."""
        return await self._measured(count, boundary, subscriptions(wave, RENEWED), 2 * count)

    async def run_empty(self, count: int, queues: tuple[str, ...]) -> Wave:
        """Measure as many peers, from their instant until each has continued as new."""
        self.made += 1
        peers, client = f"empty-{self.made}-", self._bench.client
        at = datetime.now(UTC) + QUIET / 2 + timedelta(seconds=count / PEERS_A_SECOND)
        await _gathered(
            client.start_workflow(
                EmptySteps.run, Steps(at, queues), id=f"{peers}{n}", task_queue=names.BILLING
            )
            for n in range(count)
        )
        return await self._measured(count, at, _started_as(peers, RENEWED), count)

    async def _measured(self, size: int, at: datetime, query: str, count: int) -> Wave:
        await asyncio.sleep(max((at - datetime.now(UTC)).total_seconds(), 0))
        begun, before = time.perf_counter(), self.deployment.cpu()
        await _counted(self._bench.client, query, count)
        ended, after = time.perf_counter(), self.deployment.cpu()
        return Wave(size, begun, ended, {name: after[name] - before[name] for name in after})

    async def steps(self, wave: str, boundary: datetime) -> tuple[str, ...]:
        """Return the queues of the activities that one renewal ran after the instant."""
        workflow_id = names.subscription_workflow(f"{wave}0")
        scheduled = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        return tuple(
            event.activity_task_scheduled_event_attributes.task_queue.name
            for event in await history(self._bench.client, workflow_id)
            if event.event_type == scheduled and event.event_time.ToDatetime(tzinfo=UTC) >= boundary
        )


def subscriptions(wave: str, status: str) -> str:
    """Return the query for the runs of a wave that ended in a status."""
    return _started_as(names.subscription_workflow(wave), status)


def _started_as(prefix: str, status: str) -> str:
    return f'WorkflowId STARTS_WITH "{prefix}" AND ExecutionStatus = "{status}"'


def _anchor(boundary: datetime) -> datetime:
    """Return the same day and time a month before, or two where that month lacks the day."""
    for months in (1, 2):
        year, month = divmod(12 * boundary.year + boundary.month - 1 - months, 12)
        try:
            return boundary.replace(year=year, month=month + 1)
        except ValueError:
            continue
    raise LookupError(f"{boundary} is in neither of the two months before")


async def _begin(client: Client, name: str, boundary: datetime) -> object:
    start = Start(
        subscription_id=name,
        customer_id=name,
        name="Ada Example",
        email=f"{name}@example.com",
        catalog="make",
        plan_id=PLAN,
        payment_method="pm_card_visa",
        begins_at=_anchor(boundary),
    )
    return await client.start_workflow(
        Subscription.run,
        args=[SubscriptionState(start)],
        id=names.subscription_workflow(name),
        task_queue=names.BILLING,
    )


async def _gathered(works: Iterable[Awaitable[object]]) -> None:
    """Await everything, some at a time."""
    left: Iterator[Awaitable[object]] = iter(works)

    async def work() -> None:
        for one in left:
            await one

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def _counted(client: Client, query: str, wanted: int) -> None:
    """Wait until so many executions answer a query, as long as their number grows."""
    patience = Patience()
    while (found := (await client.count_workflows(query)).count) < wanted:
        if patience.over(found):
            told = f"{found} of {wanted} answer {query}: {patience.told()}"
            raise NothingMovesError(told)
        await asyncio.sleep(LOOK_SECONDS)
