"""Approvals: requested, decided, lapsed, each in one transaction with the mails it causes."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.notifications.approval_mails import ask_admins, in_words, tell_requester
from activities.purchases.buyers import Buyer
from activities.signals import SignalsSubscriptions
from activities.teams.members import require_type
from activities.uninterrupted import uninterrupted
from domain.errors import InvalidInput
from domain.holds import HELD, HoldOutcome
from domain.outcomes import Outcome, Undecided
from domain.pricing.catalog import Catalog
from domain.pricing.event_price import price, price_on_terms
from domain.teams.approvals import (
    Approval,
    ApprovalName,
    ApprovalRequest,
    Decision,
    Kind,
    State,
    operation_cost,
)
from domain.usage import AtShortfall, RefusedEvent
from ledger import accounts
from ledger.teams import approvals
from ledger.usage import holds

PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Asking:
    """A member's request, and the workflow and task queue that wait for the decision."""

    buyer: Buyer
    wish: ApprovalRequest
    workflow_id: str
    queue: str


@dataclass(frozen=True, slots=True)
class RequestStanding:
    """Where a request stands (`waiting`, …), or the reason why there is none."""

    status: str
    credit_type: str = ""
    amount_micro: int = 0
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request as the ledger has it, with a description for people."""

    approval: Approval
    plan_id: str
    what: str


@dataclass(frozen=True, slots=True)
class Deciding:
    """An admin's decision at an instant."""

    request: KnownRequest
    decision: Decision
    at: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome of a decision: the request's end, or the reason why it goes on waiting.

    `state` is where the request stands afterwards; `decided_by` is the admin who ended it.
    """

    status: str
    state: State
    decided_by: str = ""
    missing_micro: int | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lapsing:
    """A request whose time has run out at an instant."""

    request: KnownRequest
    at: datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """Messages that an approval could not parse, to be kept for people to read."""

    account_id: int
    refusals: tuple[RefusedEvent, ...]
    at: datetime


class ApprovalActivities(SignalsSubscriptions):
    """Members' requests, for workflows."""

    @uninterrupted(name="ask_approval")
    def ask(self, asking: Asking) -> RequestStanding:
        """Store a request, mail the admins and start the workflow that waits; safe to repeat.

        Raises `InvalidInput`: `unknown_action`, `quantity_not_one`, `unknown_credit_type`, …
        """
        buyer = asking.buyer
        catalog = self._context.catalog(buyer.plan.catalog)
        event = asking.wish.event
        if event is not None:
            priced = price(catalog, buyer.plan, event, buyer.at)  # refuses an unusable event
            if priced.terms is None or not priced.terms.needs_approval:
                return RequestStanding("approval_not_needed")
        wish = _with_amount(catalog, asking.wish)
        waits = timedelta(days=buyer.plan.approval_days)
        with self._context.engine.begin() as connection:
            status = approvals.ask(
                connection,
                account_id=buyer.account_id,
                subscription_id=buyer.subscription_id,
                wish=wish,
                waits=waits,
                at=buyer.at,
            )
            if status not in (State.WAITING, Outcome.REPEATED):
                return RequestStanding(status)
            kept = approvals.named(connection, buyer.subscription_id, wish.key)
            if status == State.WAITING:
                ask_admins(
                    self._context, connection=connection, plan=buyer.plan, kept=kept, at=buyer.at
                )
        if kept.state is State.WAITING:
            self._start(asking, in_words(catalog, kept.wish))
        return RequestStanding(
            kept.state, wish.credit_type or "", kept.wish.amount_micro, kept.lapses_at
        )

    def _start(self, asking: Asking, what: str) -> None:
        wish, buyer = asking.wish, asking.buyer
        start = self._client.start_workflow(
            "Approval",
            ApprovalName(buyer.subscription_id, wish.key),
            id=asking.workflow_id,
            task_queue=asking.queue,
            # A failed workflow may be started again: all it needs is in the ledger.
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{wish.member_id} asks for {what}"[:200],
            memo={"customer": buyer.customer_id, "member": wish.member_id},
            rpc_timeout=timedelta(seconds=5),
        )
        try:
            asyncio.run_coroutine_threadsafe(start, self._loop).result(PATIENCE_SECONDS)
        except WorkflowAlreadyStartedError:
            return  # it has ended since the request was read

    @uninterrupted(name="read_approval")
    def read(self, name: ApprovalName) -> KnownRequest:
        """Return a request. Raises `InvalidInput` (`unknown_approval`)."""
        with self._context.engine.connect() as connection:
            kept = approvals.named(connection, name.subscription_id, name.key)
            plan = self._context.plan_of(connection, name.subscription_id)
        catalog = self._context.catalog(plan.catalog)
        return KnownRequest(kept, plan.plan_id, in_words(catalog, kept.wish))

    @uninterrupted(name="decide_approval")
    def decide(self, deciding: Deciding) -> Decided:
        """Take an admin's decision: hold what was approved or raise the limit, and mail the member.

        A request that cannot be held now (paused, short of credits) goes on waiting; the status
        says why. With `purchase_needed` the subscription was told to buy, and the same decision
        must be sent again.
        """
        decided = self._decide(deciding)
        if decided.status == Undecided.PURCHASE_NEEDED:
            # Only a hint to look at the balance: repeating it is harmless.
            self._tell(deciding.request.approval.subscription_id, "balance_crossed", {})
        return decided

    def _decide(self, deciding: Deciding) -> Decided:
        known, decision, at = deciding.request.approval, deciding.decision, deciding.at
        key, account = known.wish.key, known.account_id
        with self._context.changing(account) as connection:
            answer = approvals.may_decide(
                connection, account_id=account, key=key, decision=decision, at=at
            )
            if answer != "decidable":
                return self._ended(connection, known, answer)
            held: HoldOutcome | None = None
            if decision.verdict is State.APPROVED and known.wish.kind is Kind.OPERATION:
                held = self._hold(connection, known, at)
                if held.status not in HELD:
                    return _short(connection, known, held, at)
            status = approvals.settle(
                connection, account_id=account, key=key, decision=decision, at=at
            )
            if status != decision.verdict:
                return Decided(status, State.WAITING)
            until = held.lapses_at if held else None
            tell_requester(
                self._context,
                connection=connection,
                kept=known,
                decision=decision,
                held_until=until,
            )
        return Decided(status, decision.verdict, decision.by, held_until=until)

    def _ended(self, connection: Connection, known: Approval, answer: str) -> Decided:
        now = approvals.named(connection, known.subscription_id, known.wish.key)
        if answer == "approval_lapsed":
            tell_requester(self._context, connection, known, Decision("", State.LAPSED))
        status = now.state if answer == Outcome.REPEATED else answer
        return Decided(status, now.state, now.decided_by or "", held_until=now.held_until)

    def _hold(self, connection: Connection, known: Approval, at: datetime) -> HoldOutcome:
        """Hold what was approved as if it happened now, never more than was approved."""
        wish = known.wish
        if wish.event is None:
            raise InvalidInput("internal_error", f"{wish.key} is not an operation")
        plan = self._context.plan_of(connection, known.subscription_id)
        catalog = self._context.catalog(plan.catalog)
        event = replace(wish.event, event_at=at)
        if operation_cost(catalog, event)[1] > wish.amount_micro:
            return HoldOutcome(wish.key, "price_changed")
        priced = price_on_terms(catalog, plan, event, at)
        if priced.terms is not None:
            # The approval covers credits only. Nobody saw a purchase's price: the switch decides.
            at_zero: AtShortfall = "block" if priced.terms.at_zero == "block" else "purchase"
            approved = replace(priced.terms, at_zero=at_zero, confirmed=True, needs_approval=False)
            priced = replace(priced, terms=approved)
        until = at + timedelta(seconds=wish.hold_seconds)
        return holds.hold(
            connection, account_id=known.account_id, priced=priced, lapses_at=until, at=at
        )

    @uninterrupted(name="lapse_approval")
    def lapse(self, lapsing: Lapsing) -> State:
        """Let a request lapse if its time is up and nobody decided; return where it stands."""
        known = lapsing.request.approval
        with self._context.engine.begin() as connection:
            state = approvals.lapse(connection, known.account_id, known.wish.key, lapsing.at)
            if state is State.LAPSED:
                tell_requester(self._context, connection, known, Decision("", State.LAPSED))
        return state

    @uninterrupted(name="keep_refusals")
    def keep_refusals(self, unread: Unread) -> None:
        """Keep messages that could not be parsed; a repeat adds nothing."""
        with self._context.engine.begin() as connection:
            accounts.keep_refusals(connection, unread.account_id, unread.refusals, unread.at)


def _short(connection: Connection, known: Approval, held: HoldOutcome, at: datetime) -> Decided:
    """Return why an approved operation goes on waiting: a purchase may cover it."""
    needed = (held.missing_micro or 0) + (held.available_micro or 0)
    buys = held.status == Undecided.PURCHASE_NEEDED
    approvals.need(
        connection,
        account_id=known.account_id,
        key=known.wish.key,
        needed_micro=needed if buys else None,
        at=at,
    )
    return Decided(held.status, State.WAITING, missing_micro=held.missing_micro)


def _with_amount(catalog: Catalog, wish: ApprovalRequest) -> ApprovalRequest:
    """Return a request with the number of credits it costs."""
    event = wish.event
    if event is None:
        first = catalog.credit_types[0].credit_type
        return replace(wish, credit_type=require_type(catalog, wish.credit_type or first))
    credit_type, amount = operation_cost(catalog, event)
    return replace(wish, credit_type=credit_type, amount_micro=amount)
