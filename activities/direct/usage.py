"""Usage, holds and checks for callers that wait: priced here, decided by the ledger, no workflow.

The same functions price and decide as for messages of a subscription. A workflow is told only of
what it alone can cure: a shortfall that a purchase covers. Its callers are parked until the wallet
changes, or for as long as they are patient.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.context import BillingContext
from activities.direct.load import Load
from activities.direct.shortfalls import Shortfalls
from domain.errors import InvalidInput
from domain.holds import HoldOutcome
from domain.messages.holds import Capture, Extend, Hold, Release
from domain.outcomes import UNDECIDED, Refusal, Undecided
from domain.pricing.event_price import price, price_on_terms
from domain.usage import DebitOutcome, PricedEvent, UsageEvent
from gateways.telemetry import tracing
from ledger.direct.lists import ListsInForce, OtherListsError
from ledger.direct.plans import STALE, PlanInForce, PlansInForce, unknown
from ledger.usage import holds
from ledger.usage.debits import Demand
from ledger.usage.group_commit import GroupCommit
from ledger.usage.naming import named
from ledger.usage.queues import Answer, LedgerBusyError

MOST_CHANGES = 8  # plans of one wallet during one call
Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class CustomersEvent:
    """A usage event and whose it is."""

    customer_id: str
    event: UsageEvent


@dataclass(slots=True)
class _Case:
    """One event on its way, of a seller's `catalog` (None: any); `outcome` once it is decided."""

    asked: CustomersEvent
    catalog: str | None
    request_id: str | None = None
    known: PlanInForce | None = None
    outcome: DebitOutcome | None = None


class DirectUsage:
    """Decides usage for one seller's catalog, or for all (`catalog` None)."""

    def __init__(
        self,
        context: BillingContext,
        *,
        commit: GroupCommit,
        plans: PlansInForce,
        shortfalls: Shortfalls,
        lists: ListsInForce,
        now: Now,
    ) -> None:
        self._context = context
        self._commit = commit
        self._plans = plans
        self._shortfalls = shortfalls
        self._lists = lists
        self._now = now

    def load(self) -> Load:
        """Return what waits now, and what has been committed since the start."""
        commit = self._commit
        return Load(commit.queued, self._shortfalls.parked, commit.batches, commit.committed)

    async def use(
        self,
        asked: Sequence[CustomersEvent],
        *,
        catalog: str | None,
        patience: float,
        request_id: str | None = None,
        decided: DebitOutcome | None = None,
    ) -> list[DebitOutcome]:
        """Debit events, in order; each is decided on its own. `request_id` is noted beside them.

        `decided`: the only event's outcome, if the ledger was asked already.

        One that waits for a purchase or a renewal longer than `patience` (seconds) has the status
        `purchase_needed` or `renewal_pending`. Raises `LedgerBusyError`.
        """
        cases = [_Case(one, catalog, request_id) for one in asked]
        await self._lists.require()
        await self._find_plans(cases)
        if decided is None:
            await self._decide(cases)
        else:
            cases[0].outcome = decided
        waiting = [case for case in cases if _undecided(case.outcome)]
        if waiting and patience > 0:
            await self._wait(waiting, patience)
        await self._tell_caps(cases)
        return [case.outcome or _refused(case.asked.event.key, STALE) for case in cases]

    def demand(
        self, asked: CustomersEvent, catalog: str | None, request_id: str | None
    ) -> Demand | None:
        """Return a priced event; None: all that prices it is not known without waiting."""
        known = self._plans.known(asked.customer_id)
        if known is None or catalog not in (None, known.plan.catalog) or not self._lists.are_mine:
            return None
        try:
            priced = self._priced(known, asked.event)
        except (InvalidInput, OtherListsError):
            return None
        return Demand(known.account_id, priced, known.revision, request_id)

    def debit(self, demand: Demand, answer: Answer) -> None:
        """Debit an event; `answer` is told the ledger's outcome. Raises `LedgerBusyError`."""
        self._commit.send(demand, self._now(), answer)

    def ask(self, demand: Demand, answer: Answer) -> None:
        """Ask what a debit would come to, with `answer`. Raises `LedgerBusyError`."""
        self._commit.send_check(demand, self._now(), answer)

    async def check(self, asked: CustomersEvent, *, catalog: str | None) -> DebitOutcome:
        """Return what a debit would come to now; nothing moves. Raises `LedgerBusyError`."""

        def check(known: PlanInForce) -> Awaitable[DebitOutcome]:
            demand = Demand(known.account_id, self._priced(known, asked.event), known.revision)
            return self._commit.check(demand, self._now())

        outcome: DebitOutcome = await self._ask(asked.customer_id, catalog, check)
        return outcome

    async def hold(
        self,
        customer_id: str,
        wanted: Hold,
        *,
        catalog: str | None,
        patience: float,
        request_id: str | None = None,
    ) -> HoldOutcome:
        """Set credits aside; waits for a purchase as usage does. Raises `LedgerBusyError`."""

        def ask(known: PlanInForce) -> Awaitable[HoldOutcome]:
            priced = self._priced(known, wanted.event, price_on_terms)
            request = holds.holding(
                known.account_id,
                priced,
                lapses_at=wanted.lapses_at,
                at=self._now(),
                revision=known.revision,
            )
            return self._commit.ask(named(request, request_id), self._now())

        async def again() -> HoldOutcome:
            outcome: HoldOutcome = await self._ask(customer_id, catalog, ask)
            return outcome

        outcome = await again()
        if outcome.status in UNDECIDED and patience > 0:
            known = await self._known(customer_id, catalog)
            outcome = await self._shortfalls.wait(
                known, again, lambda one: _needs(one, wanted.event), patience
            )
        if outcome.status == Refusal.CAP_REACHED:
            await self._shortfalls.tell_cap(await self._known(customer_id, catalog), self._now())
        return outcome

    async def settle(
        self,
        customer_id: str,
        wanted: Capture | Extend | Release,
        *,
        catalog: str | None,
        request_id: str | None = None,
    ) -> HoldOutcome:
        """Capture, extend or release a hold, at its own rates. Raises `LedgerBusyError`."""
        # No price is compared here, so a key of one seller asks whose customer it is by now.
        known = await self._known(customer_id, catalog, anew=catalog is not None)
        account_id = known.account_id
        at = self._now()
        outcome: HoldOutcome = await self._commit.ask(
            named(holds.settling(account_id, wanted, at), request_id), at
        )
        return outcome

    async def _find_plans(self, cases: Sequence[_Case], *, anew: bool = False) -> None:
        """Find each customer's plan, for a decision to come; who has none is refused."""
        if not cases:
            return
        names = dict.fromkeys(case.asked.customer_id for case in cases)
        found = await self._plans_of(names, cases[0].catalog, anew=anew)
        for case in cases:
            case.known, case.outcome = found.get(case.asked.customer_id), None
            if case.known is None:
                case.outcome = _refused(case.asked.event.key, Refusal.UNKNOWN_CUSTOMER)

    async def _plans_of(
        self, customer_ids: Collection[str], catalog: str | None, *, anew: bool = False
    ) -> dict[str, PlanInForce]:
        """Return the plans of those customers that are of this seller (None: of any).

        Who was another seller's customer may have become this one's: that is looked up.
        """
        found = await (self._plans.again if anew else self._plans.of)(customer_ids)
        if catalog is None:
            return found
        others = [name for name, known in found.items() if known.plan.catalog != catalog]
        if others and not anew:
            found = {**found, **await self._plans.again(others)}
        return {name: known for name, known in found.items() if known.plan.catalog == catalog}

    async def _decide(self, cases: Sequence[_Case]) -> None:
        """Decide events by the plans that are in force at their place in the order."""
        left = [case for case in cases if case.outcome is None or _undecided(case.outcome)]
        for _ in range(MOST_CHANGES):
            await self._debit(left)
            left = [case for case in left if case.outcome and case.outcome.status == STALE]
            if not left:
                return
            await self._find_plans(left, anew=True)
        raise LedgerBusyError("the plan changes again and again: repeat with the same key")

    async def _debit(self, cases: Sequence[_Case]) -> None:
        """Send priced events to the ledger, in order; note what each came to."""
        at = self._now()
        sent: list[_Case] = []
        demands: list[Demand] = []
        for case in cases:
            if case.known is None:
                continue
            try:
                priced = self._priced(case.known, case.asked.event)
            except InvalidInput as error:
                case.outcome = await self._unpriced(case, error)
                continue
            sent.append(case)
            known = case.known
            demands.append(Demand(known.account_id, priced, known.revision, case.request_id))
        with tracing.span("debit", facts={"drawdown.events": len(demands)}):
            queued = self._commit.debit_all(demands, at)
            answers = [await queued[0]] if len(queued) == 1 else await asyncio.gather(*queued)
        for case, outcome in zip(sent, answers, strict=True):
            case.outcome = outcome

    async def _unpriced(self, case: _Case, error: InvalidInput) -> DebitOutcome:
        """Return why an event has no price, or that it has one by what is known now."""
        event = case.asked.event
        if case.known is not None and await self._was_behind(
            case.asked.customer_id, case.known, error
        ):
            return _refused(event.key, STALE)
        return _refused(event.key, error.reason)

    async def _was_behind(self, customer_id: str, known: PlanInForce, error: InvalidInput) -> bool:
        """Return whether an event was in the future only because a wallet's time was not known."""
        if error.reason != "event_in_future":
            return False
        newer = (await self._plans.again([customer_id])).get(customer_id)
        return newer is not None and newer.decided_at > known.decided_at

    def _priced(
        self, known: PlanInForce, event: UsageEvent, by: Callable[..., PricedEvent] = price
    ) -> PricedEvent:
        catalog = self._context.catalogs.get(known.plan.catalog)
        if catalog is None:  # a fault of this process, and no reason to give the event up
            raise OtherListsError(f"there is no price list {known.plan.catalog}")
        return by(catalog, known.plan, event, max(self._now(), known.decided_at))

    async def _wait(self, cases: Sequence[_Case], patience: float) -> None:
        """Park the callers of each wallet until it is decided, all for the same time."""
        wallets: dict[int, list[_Case]] = {}
        for case in cases:
            if case.known is not None:
                wallets.setdefault(case.known.account_id, []).append(case)
        await asyncio.gather(*(self._wait_for(some, patience) for some in wallets.values()))

    async def _wait_for(self, cases: list[_Case], patience: float) -> None:
        async def again() -> DebitOutcome | None:
            await self._decide(cases)
            return next((case.outcome for case in cases if _undecided(case.outcome)), None)

        def needs(outcome: DebitOutcome | None) -> tuple[int, bool] | None:
            first = next((case for case in cases if case.outcome is outcome), None)
            return _needs(outcome, first.asked.event) if outcome and first else None

        known = cases[0].known
        if known is not None:
            await self._shortfalls.wait(known, again, needs, patience)

    async def _tell_caps(self, cases: Sequence[_Case]) -> None:
        """Mail that auto-purchase has reached its cap, once a window, as the workflow does."""
        reached = {
            case.known.account_id: case.known
            for case in cases
            if case.known and case.outcome and case.outcome.status == Refusal.CAP_REACHED
        }
        for known in reached.values():
            await self._shortfalls.tell_cap(known, self._now())

    async def _known(
        self, customer_id: str, catalog: str | None, *, anew: bool = False
    ) -> PlanInForce:
        await self._lists.require()
        found = await self._plans_of([customer_id], catalog, anew=anew)
        if customer_id not in found:
            raise unknown(customer_id)
        return found[customer_id]

    async def _ask(
        self, customer_id: str, catalog: str | None, ask: Callable[[PlanInForce], Awaitable[Any]]
    ) -> Any:
        """Ask by the plan in force, and again if it was another."""
        known = await self._known(customer_id, catalog)
        for _ in range(MOST_CHANGES):
            try:
                answer = ask(known)
            except InvalidInput as error:
                if not await self._was_behind(customer_id, known, error):
                    raise
            else:
                with tracing.span("ask the ledger"):
                    outcome: DebitOutcome | HoldOutcome = await answer
                if outcome.status != STALE:
                    return outcome
                await self._plans.again([customer_id])
            known = await self._known(customer_id, catalog)
        raise LedgerBusyError("the plan changes again and again: repeat with the same key")


def _undecided(outcome: DebitOutcome | None) -> bool:
    return outcome is not None and outcome.status in UNDECIDED


def _refused(key: str, reason: str) -> DebitOutcome:
    return DebitOutcome(key, reason)


def _needs(outcome: DebitOutcome | HoldOutcome, event: UsageEvent) -> tuple[int, bool] | None:
    """Return what a purchase must cover in all, and whether a person agreed; None: no purchase."""
    if outcome.status != Undecided.PURCHASE_NEEDED:
        return None
    return (outcome.missing_micro or 0) + (outcome.available_micro or 0), event.confirmed
