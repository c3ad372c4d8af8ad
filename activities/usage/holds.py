"""Holds: priced by the catalog when authorized, decided by the ledger."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.uninterrupted import uninterrupted
from activities.usage.events import tell_cap_reached
from domain.errors import InvalidInput
from domain.holds import HoldOutcome
from domain.messages.holds import Capture, Extend, Release
from domain.outcomes import Refusal
from domain.pricing.catalog import Plan
from domain.pricing.event_price import price_on_terms
from domain.usage import UsageEvent
from ledger import balances
from ledger.usage import holds
from ledger.usage.requests import ask


@dataclass(frozen=True, slots=True)
class Holder:
    """The owner of the holds, the plan, and the instant of the decision."""

    subscription_id: str
    account_id: int
    plan: Plan
    window_end: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome of a request about a hold, and the available micro-credits afterwards."""

    outcome: HoldOutcome
    available_micro: int


class HoldActivities:
    """Holds, for workflows. Every call may be repeated: the hold's key guards it."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="hold_credits")
    def hold(self, holder: Holder, event: UsageEvent, lapses_at: datetime) -> Decided:
        """Set aside what an event will cost."""
        catalog = self._context.catalog(holder.plan.catalog)
        with self._context.changing(holder.account_id) as connection:
            try:
                priced = price_on_terms(catalog, holder.plan, event, holder.at)
            except InvalidInput as error:
                return self._decided(connection, holder, HoldOutcome(event.key, error.reason))
            outcome = holds.hold(
                connection,
                account_id=holder.account_id,
                priced=priced,
                lapses_at=lapses_at,
                at=holder.at,
            )
            decided = self._decided(connection, holder, outcome)
            if outcome.status == Refusal.CAP_REACHED:
                tell_cap_reached(
                    Desk(self._context, connection, holder.account_id, holder.subscription_id),
                    holder.plan,
                    holder.window_end,
                    decided.available_micro,
                )
            return decided

    @uninterrupted(name="capture_hold")
    def capture(self, holder: Holder, wanted: Capture) -> Decided:
        """Charge the work's final quantity."""
        with self._context.changing(holder.account_id) as connection:
            outcome = ask(connection, holds.capturing(holder.account_id, wanted, holder.at))
            return self._decided(connection, holder, outcome)

    @uninterrupted(name="extend_hold")
    def extend(self, holder: Holder, wanted: Extend) -> Decided:
        """Move the instant a hold lapses."""
        with self._context.changing(holder.account_id) as connection:
            outcome = ask(connection, holds.extending(holder.account_id, wanted, holder.at))
            return self._decided(connection, holder, outcome)

    @uninterrupted(name="release_hold")
    def release(self, holder: Holder, wanted: Release) -> Decided:
        """Return all of a hold's credits."""
        with self._context.changing(holder.account_id) as connection:
            outcome = ask(connection, holds.releasing(holder.account_id, wanted, holder.at))
            return self._decided(connection, holder, outcome)

    def _decided(self, connection: Connection, holder: Holder, outcome: HoldOutcome) -> Decided:
        credit_type = self._context.catalog(holder.plan.catalog).credit_types[0].credit_type
        available = balances.available(connection, holder.account_id, credit_type, holder.at)
        return Decided(outcome, available)
