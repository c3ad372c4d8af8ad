"""Usage: priced by the catalog, decided by the ledger, one transaction a batch."""

from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from activities.context import BillingContext
from activities.large import unapproved
from activities.mails import Desk
from domain.catalog import Plan
from domain.errors import InvalidInput
from domain.mails.money import CapReached
from domain.pricing import price
from domain.usage import DebitOutcome, RefusedEvent, UsageEvent
from ledger import accounts, balances, debits


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one subscription in order, and refusals to keep, decided at `at`."""

    subscription_id: str
    account_id: int
    plan: Plan
    window_end: datetime | None
    events: tuple[UsageEvent, ...]
    refusals: tuple[RefusedEvent, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of each event, and what is available afterwards in micro-credits."""

    outcomes: tuple[DebitOutcome, ...]
    available_micro: int


class UsageActivities:
    """Debits for workflows."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @activity.defn(name="debit_usage")
    def debit(self, batch: Batch) -> BatchOutcome:
        """Decide a batch; a retry returns the first answers, for every event has its key."""
        catalog = self._context.catalog(batch.plan.catalog)
        refused: dict[int, DebitOutcome] = {}
        demands: list[tuple[int, debits.Demand]] = []
        for index, event in enumerate(batch.events):
            try:
                priced = price(catalog, batch.plan, event, batch.at)
                demands.append((index, debits.Demand(batch.account_id, priced)))
            except InvalidInput as error:
                refused[index] = DebitOutcome(event.key, error.reason)
        with self._context.engine.begin() as connection:
            accounts.keep_refusals(connection, batch.account_id, batch.refusals, batch.at)
            large = unapproved(connection, catalog, batch.plan, batch.account_id, batch.events)
            refused |= {
                index: DebitOutcome(demand.priced.event.key, "approval_required")
                for index, demand in demands
                if demand.priced.event.key in large
            }
            demands = [one for one in demands if one[0] not in refused]
            decided = debits.debit(connection, [demand for _, demand in demands], batch.at)
            available = balances.available(
                connection, batch.account_id, catalog.credit_types[0].credit_type, batch.at
            )
            if any(outcome.status == "cap_reached" for outcome in decided):
                tell_cap_reached(
                    Desk(self._context, connection, batch.account_id, batch.subscription_id),
                    batch.plan,
                    batch.window_end,
                    available,
                )
        outcomes = refused | {
            index: outcome for (index, _), outcome in zip(demands, decided, strict=True)
        }
        return BatchOutcome(tuple(outcomes[i] for i in range(len(batch.events))), available)


def tell_cap_reached(
    desk: Desk, plan: Plan, window_end: datetime | None, available_micro: int
) -> None:
    """Mail once per window that auto-purchase may buy no more."""
    totals = desk.auto_totals(plan, window_end) if window_end else None
    if totals is None:
        return
    desk.post(
        f"cap-reached:{totals.window_end.isoformat()}",
        CapReached(
            reader=desk.reader(plan),
            currency=plan.currency,
            auto=totals,
            balance_micro=available_micro,
        ),
    )
