"""Reconciliation: processor, ledger, workflows and outbox must agree; differences are findings.

It repairs only what is safe in every case. A subscription is told of a paid invoice whose charge is
still open or lost here: it reads the invoice back, and the ledger decides. Findings about money
that was booked since are closed.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.context import BillingContext
from activities.uninterrupted import uninterrupted
from domain.errors import BillingError
from domain.payments.findings import Finding, FindingKind
from domain.payments.reconciliation import Claim, Compared, compare, finding_key, no_longer_paid
from gateways.payments import Payments
from ledger import starts, subscriptions
from ledger.notifications import webhook_deliveries
from ledger.notifications.webhook_deliveries import Stuck
from ledger.payments import booked, findings

PATIENCE = timedelta(minutes=10)  # before an undelivered outbox message counts as stuck
ANSWER_SECONDS = 60
PREFIX = "subscription:"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was compared, how many differences there are, and how many are new."""

    invoices: int
    charges: int
    subscriptions: int
    differences: int
    new: int
    told: int
    closed: int = 0  # findings about money that was booked since


class ReconcileActivities:
    """Compares what must agree. A repeat finds the same."""

    def __init__(
        self,
        context: BillingContext,
        payments: Payments,
        client: Client,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._context = context
        self._payments = payments
        self._client = client
        self._loop = loop

    @uninterrupted(name="reconcile")
    def reconcile(self, at: datetime) -> Reconciled:
        """Compare everything; record what differs."""
        # Read the ledger last, so that money booked meanwhile is not a difference.
        running = self._await(self._running())
        claims = self._payments.claims()
        with self._context.engine.connect() as connection:
            charges = booked.charges_by_id(connection)
            live = {one.subscription_id for one in subscriptions.live(connection)}
            topics = booked.stuck_topics(connection, at - PATIENCE)
            overdue = webhook_deliveries.stuck(connection, at)
        compared = compare(claims, charges, at)
        asked = self._ask(compared)
        found = [
            *(one for one in compared.findings if one.key not in asked and self._is_so(one)),
            *(_without_workflow(one, at) for one in sorted(live - running) if self._is_lost(one)),
            *(_alone(one, at) for one in sorted(running - live) if self._is_alone(one)),
            *(_stuck(*topic, at) for topic in topics),
            *(_overdue(one, at) for one in overdue),
        ]
        new = sum(map(self._record, found))
        told = sum(self._tell("invoice_paid", one) for one in compared.unheard)
        differences = len(found) + len(asked)
        return Reconciled(
            invoices=len(claims),
            charges=len(charges),
            subscriptions=len(live),
            differences=differences,
            new=new,
            told=told + len(asked),
            closed=self._close(at),
        )

    @uninterrupted(name="examine_invoice")
    def examine(self, invoice: str, at: datetime) -> bool:
        """Check a paid invoice that no charge here names; return whether it concerns us."""
        try:
            claim = self._payments.claim(invoice)
        except BillingError:
            return False
        if claim is None:
            return False
        with self._context.engine.connect() as connection:
            charges = booked.charges_by_id(connection, claim.charge_id)
        compared = compare([claim], charges, at, whole=False)
        asked = self._ask(compared)
        for finding in compared.findings:
            if finding.key not in asked:
                self._record(finding)
        for one in compared.unheard:
            self._tell("invoice_paid", one)
        return bool(charges or compared.findings)  # its charge may have come back meanwhile

    @uninterrupted(name="doubt_invoice")
    def doubt(self, invoice: str, at: datetime) -> bool:
        """Check whether a charge booked as paid still is; return whether operators must look."""
        with self._context.engine.connect() as connection:
            charge = booked.paid_by(connection, invoice)
        if charge is None:
            return False
        try:
            state = self._payments.read(invoice)
        except BillingError:
            return False
        if state.kind == "paid":
            return False
        self._record(no_longer_paid(charge, state.kind, at))
        return True

    def _record(self, finding: Finding) -> bool:
        with self._context.engine.begin() as connection:
            return findings.record(connection, finding)

    async def _running(self) -> set[str]:
        query = "WorkflowType = 'Subscription' AND ExecutionStatus = 'Running'"
        return {one.id.removeprefix(PREFIX) async for one in self._client.list_workflows(query)}

    def _is_lost(self, subscription_id: str) -> bool:
        """Return whether nothing runs; lists lag behind, so the workflow itself is asked."""
        return not self._runs(subscription_id)

    def _is_alone(self, subscription_id: str) -> bool:
        """Return whether a workflow runs that the ledger does not know or counts as ended."""
        with self._context.engine.connect() as connection:
            known = starts.is_live(connection, subscription_id)
        return not known and self._runs(subscription_id)

    def _runs(self, subscription_id: str) -> bool:
        handle = self._client.get_workflow_handle(f"{PREFIX}{subscription_id}")
        try:
            described = self._await(handle.describe())
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return bool(described.status is WorkflowExecutionStatus.RUNNING)

    def _ask(self, compared: Compared) -> frozenset[str]:
        """Ask subscriptions to take up lost charges; return the keys of the findings this replaces.

        A subscription that has ended or has no workflow cannot: that stays a finding.
        """
        return frozenset(
            finding_key(one)
            for one in compared.lost
            if self._serves(one) and self._tell("money_found", one)
        )

    def _serves(self, claim: Claim) -> bool:
        with self._context.engine.connect() as connection:
            return starts.serves(connection, claim.subscription_id, claim.customer_id)

    def _is_so(self, finding: Finding) -> bool:
        """Return whether a difference is real: it may have been paid since the list was read."""
        if finding.kind is not FindingKind.PAID_ONLY_HERE or finding.processor_id is None:
            return True
        try:
            return self._payments.claim(finding.processor_id) is None
        except BillingError:
            return True

    def _close(self, at: datetime) -> int:
        with self._context.engine.connect() as connection:
            keys = findings.booked_since(connection)
        for key in keys:
            with self._context.engine.begin() as connection:
                findings.close(connection, key, "booked since", at)
        return len(keys)

    def _tell(self, signal: str, claim: Claim) -> int:
        handle = self._client.get_workflow_handle(f"{PREFIX}{claim.subscription_id}")
        try:
            self._await(handle.signal(signal, {"invoice": claim.invoice}))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return 0
            raise
        return 1

    def _await(self, answer: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(answer, self._loop).result(ANSWER_SECONDS)


def _without_workflow(subscription_id: str, at: datetime) -> Finding:
    kind, what = FindingKind.WITHOUT_WORKFLOW, "it is live in the ledger but has no workflow"
    return _of_subscription(kind, subscription_id, what, at)


def _alone(subscription_id: str, at: datetime) -> Finding:
    kind, what = FindingKind.WITHOUT_SUBSCRIPTION, "its workflow runs but the ledger has none"
    return _of_subscription(kind, subscription_id, what, at)


def _of_subscription(kind: FindingKind, subscription_id: str, what: str, at: datetime) -> Finding:
    key = f"{kind.value}:{subscription_id}:{at:%Y-%m-%d}"
    return Finding(
        key=key,
        kind=kind,
        customer_id=None,
        subscription_id=subscription_id,
        charge_id=None,
        processor_id=None,
        detail=what,
        at=at,
    )


def _stuck(topic: str, number: int, since: datetime, at: datetime) -> Finding:
    what = f"{number} of {topic} wait, the oldest since {since:%Y-%m-%d %H:%M}Z"
    return _of_messages(FindingKind.OUTBOX_STUCK, topic, what, at)


def _overdue(one: Stuck, at: datetime) -> Finding:
    what = f"{one.number} deliveries are due, the oldest since {one.since:%Y-%m-%d %H:%M}Z"
    return _of_messages(FindingKind.WEBHOOKS_STUCK, one.endpoint_id, what, at)


def _of_messages(kind: FindingKind, of: str, what: str, at: datetime) -> Finding:
    return Finding(
        key=f"{kind.value}:{of}:{at:%Y-%m-%d}",
        kind=kind,
        customer_id=None,
        subscription_id=None,
        charge_id=None,
        processor_id=None,
        detail=what,
        at=at,
    )
