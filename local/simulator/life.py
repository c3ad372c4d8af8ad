"""One customer's months under a plan, on the real workflow and the real ledger.

Usage enters by both doors that products have. A day that nothing depends on is debited in the
ledger at once; a day on which credits run out, something must be bought or people be told goes to
the workflow, whose clock is turned to it. Both end in the same debit.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, Engine, text
from temporalio.client import Client

from domain.credits import format_credits
from domain.pricing.discounts import CouponFor
from domain.pricing.event_price import price
from domain.pricing.in_currency import plan_in
from domain.subscription import Start
from domain.usage import DECIDED, DebitOutcome, RefusedEvent, UsageEvent
from ledger import accounts
from ledger.usage import debits
from local.simulator.bank import Bank, payment_method, pays_later
from local.simulator.brought import bring
from local.simulator.calendar import HOME, Move, midnight
from local.simulator.changes import PlanChange
from local.simulator.customer import ASKED, HAIR, Customer
from local.simulator.days import Day
from local.simulator.sides import Side
from local.stripe_standin.process import StandIn
from local.timeline import Json, Timeline

MOST_EVENTS = 1_000  # in one message
MOST_ROUNDS = 3  # per day: asked, short, asked again

_WAITING = text("SELECT count(*) FROM outbox WHERE account_id = :account")
_REASONS = text("SELECT DISTINCT reason FROM refusals WHERE account_id = :account AND at > :since")


@dataclass
class Lived:
    """A life that has been lived, for whoever reads its figures."""

    side: Side
    customer_id: str
    account_id: int
    begins: date
    months: int
    stand_for: dict[str, int] = field(default_factory=dict)  # events by key
    notes: list[str] = field(default_factory=list)
    asked: int = 0  # events that were confirmed once asked


async def live(
    client: Client,
    engine: Engine,
    side: Side,
    customer_id: str,
    begins: date,
    months: int,
    days: Iterable[Day],
    progress: Callable[[int], None],
    standin: StandIn,
) -> Lived:
    """Run the months; `progress` is called with each finished month."""
    anchor = midnight(begins)
    start = Start(
        subscription_id=customer_id,
        customer_id=customer_id,
        name="Simulated",
        email=f"{customer_id}@example.com",
        catalog=side.catalog.name,
        plan_id=side.plan.plan_id,
        time_zone=HOME,
        payment_method=await asyncio.to_thread(payment_method, standin, side),
        begins_at=anchor,
        currency=side.plan.currency,
        coupon=side.coupon_for(CouponFor.PLANS) or None,
    )
    life = await Timeline.start(client, start)
    await life.advance(anchor + HAIR)
    with engine.connect() as connection:
        account = accounts.account_of(connection, customer_id)
    lived = Lived(
        side=side, customer_id=customer_id, account_id=account, begins=begins, months=months
    )
    bank = Bank(standin, engine, life, account)
    if pays_later(side):
        await bank.pays_at_once()
    if side.brings:
        await bring(engine, side, life, customer_id)
    if side.auto:
        answer = await life.ask("set_auto_purchase", {"on": True})
        if answer["status"] != "done":
            lived.notes.append(f"auto-purchase stays off: {answer.get('reason')}")
    player = _Player(engine, life, lived, bank)
    month = 0
    for day in days:
        while month < day.month:
            month += 1
            progress(month)
        lived.stand_for |= {
            event.key: count for event, count in zip(day.events, day.stand_for, strict=True)
        }
        await player.use(day)
    await player.close()
    progress(months)
    return lived


class _Player:
    def __init__(self, engine: Engine, life: Timeline, lived: Lived, bank: Bank) -> None:
        self._engine, self._life, self._lived = engine, life, lived
        self._bank = bank if pays_later(lived.side) else None  # a card has always paid
        self._account = {"account": lived.account_id}
        self._due: datetime | None = None
        self._known: frozenset[str] = frozenset()  # refusals that the workflow has seen
        self._window_end: str | None = None
        asked: list[PlanChange | Move] = [*lived.side.changes, *lived.side.moves]
        self._asked = deque(sorted(asked, key=lambda one: one.at))
        self._customer = Customer(engine, life, lived.side, lived.account_id, bank=self._bank)

    async def use(self, day: Day) -> None:
        """Let one day pass."""
        await self._asked_until(day.at)
        await self._is_paid(day.at)
        if self._due is None or self._due <= day.at:
            self._note(await self._life.advance(day.at))
        if not await asyncio.to_thread(self._debited, day):
            await self._report(day)

    async def close(self) -> None:
        """End the subscription with its last period, so that unused credits expire."""
        lived = self._lived
        end = lived.side.months_from(lived.begins).start(lived.months)
        await self._asked_until(end - timedelta(hours=1))
        await self._is_paid(end - timedelta(hours=1))
        await self._life.advance(end - timedelta(hours=1))
        await self._life.ask("cancel", {"when": "period_end"})
        await self._life.advance(end + HAIR)

    async def _asked_until(self, at: datetime) -> None:
        """Ask for the plans, and move to the zones, whose day has come by now."""
        while self._asked and self._asked[0].at <= at:
            asked = self._asked.popleft()
            await self._is_paid(asked.at)
            await self._life.advance(asked.at)
            self._lived.notes.append(
                await asyncio.to_thread(self._moved, asked)
                if isinstance(asked, Move)
                else asked.told(await self._life.ask("change_plan", asked.message))
            )
            self._note(await self._life.settle())

    def _moved(self, move: Move) -> str:
        with self._engine.begin() as connection:
            accounts.set_time_zone(connection, self._lived.customer_id, move.zone)
        return f"moved to {move.zone} on {move.on}"

    async def _is_paid(self, at: datetime) -> None:
        """Let money come that was to come by now."""
        status = await self._bank.pays_until(at) if self._bank else None
        if status is not None:
            self._note(status)

    def _debited(self, day: Day) -> bool:
        """Debit a day's events as the hot path does; undo all where the workflow is needed."""
        side = self._lived.side
        demands = [
            debits.Demand(
                self._lived.account_id, price(side.catalog, self._customer.plan, event, day.at)
            )
            for event in day.events
        ]
        with self._engine.connect() as connection:
            told = connection.scalar(_WAITING, self._account)
            outcomes = debits.debit(connection, demands, day.at)
            quiet = told == connection.scalar(_WAITING, self._account) and all(
                (one.status in DECIDED and not one.crossed) or one.status in self._known
                for one in outcomes
            )
            if quiet:
                self._keep_refusals(connection, day, outcomes)
                connection.commit()
        return quiet

    def _keep_refusals(
        self, connection: Connection, day: Day, outcomes: Sequence[DebitOutcome]
    ) -> None:
        refused = [
            RefusedEvent(one.key, one.key, one.status, event.action)
            for event, one in zip(day.events, outcomes, strict=True)
            if one.status not in DECIDED
        ]
        accounts.keep_refusals(connection, self._lived.account_id, refused, day.at)

    async def _report(self, day: Day) -> None:
        """Report a day's usage to the workflow and wait until all that follows is done."""
        await self._life.advance(day.at)
        before = await self._life.now()
        status = await self._sent(day.events)
        for _ in range(MOST_ROUNDS):
            again = await self._customer.again(day.events, before)
            if not again:
                break
            status = await self._sent(again)
        self._lived.asked = self._customer.asked
        self._note(status)
        if not self._lived.side.top_up:
            seen = await asyncio.to_thread(self._reasons, before)
            self._known |= seen - {ASKED} if self._lived.side.confirm else seen

    async def _sent(self, events: Sequence[UsageEvent]) -> Json:
        for part in _parts(events):
            await self._life.record(
                [_message(event, confirmed=self._customer.agrees_to(event)) for event in part]
            )
        return await self._life.settle()

    def _reasons(self, since: datetime) -> frozenset[str]:
        with self._engine.connect() as connection:
            values = self._account | {"since": since - HAIR}
            return frozenset(connection.scalars(_REASONS, values))

    def _note(self, status: Json) -> None:
        due, window_end = status["next_due"], status["window_end"]
        self._due = datetime.fromisoformat(due) if due else None
        if window_end != self._window_end:
            self._window_end, self._known = window_end, frozenset()
        plan, side = self._customer.plan, self._lived.side
        if status["plan"] not in ("", None, plan.plan_id):  # in force, asked for or scheduled
            self._customer.plan = plan_in(side.catalog, status["plan"], currency=plan.currency)
            self._known = frozenset()


def _message(event: UsageEvent, *, confirmed: bool) -> Json:
    return {
        "key": event.key,
        "action": event.action,
        "quantity": format_credits(event.quantity_micro),
        "event_at": event.event_at.isoformat(),
        "tags": dict(event.tags),
        "confirmed": confirmed,
    }


def _parts(events: Sequence[UsageEvent]) -> Iterator[list[UsageEvent]]:
    left = iter(events)
    while some := list(islice(left, MOST_EVENTS)):
        yield some
