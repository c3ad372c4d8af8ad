"""Corrections of usage, at the rates the event was priced by."""

from dataclasses import dataclass
from datetime import datetime

from activities.context import BillingContext
from activities.uninterrupted import uninterrupted
from domain.errors import InvalidInput
from domain.messages.corrections import CorrectUsage
from domain.pricing.catalog import Plan
from domain.pricing.event_price import price_on_terms
from domain.usage import Terms, UsageEvent
from ledger import balances, published
from ledger.usage import corrections
from ledger.usage.corrections import CorrectionOrder, CorrectionOutcome


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction that an operator wants, at an instant."""

    account_id: int
    plan: Plan
    wanted: CorrectUsage
    at: datetime


@dataclass(frozen=True, slots=True)
class Corrected:
    """The outcome, and the available micro-credits of the plan's credit type afterwards."""

    outcome: CorrectionOutcome
    available_micro: int


class CorrectionActivities:
    """Corrections, for workflows. One transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="correct_usage")
    def correct(self, correction: Correction) -> Corrected:
        """Correct an event; a retry returns the first answer: every correction has a key."""
        account, wanted, at = correction.account_id, correction.wanted, correction.at
        order = CorrectionOrder(
            key=wanted.key,
            event=wanted.event,
            quantity_micro=wanted.quantity_micro,
            reason=wanted.reason,
            by=wanted.by,
        )
        with self._context.engine.begin() as connection:
            event = corrections.event_of(connection, account, wanted.event)
            catalog = correction.plan.catalog
            # It was not paid at a rate re-rated since, so it too gives back in proportion.
            anew = published.is_rated_anew(connection, catalog, account, wanted.event)
            terms = self._terms(correction, event) if event and not anew else None
            outcome = corrections.correct(
                connection, account_id=account, order=order, terms=terms, at=at
            )
            available = balances.available(connection, account, correction.plan.credit_type, at)
        return Corrected(outcome, available)

    def _terms(self, correction: Correction, event: UsageEvent) -> Terms | None:
        """Return how the event was priced; None, meaning in proportion, if the catalog lost it."""
        catalog = self._context.catalog(correction.plan.catalog)
        try:
            return price_on_terms(catalog, correction.plan, event, correction.at).terms
        except InvalidInput:
            return None
