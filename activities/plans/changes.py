"""Plan changes, operators' pauses and adjustments."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from activities.answers import Keyed, keep
from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.notifications.period_mails import serves
from activities.periods.checkpoints import keep_note
from activities.plans.changed import tell_changed
from activities.plans.restarts import quoted_restart
from activities.plans.upgrades import (
    OpenedUpgrade,
    PlanRequest,
    Quoted,
    Upgrade,
    VersionRequest,
    quoted_change,
    quoted_version,
    upgrade_orders,
)
from activities.purchases.buyers import Buyer
from activities.purchases.payable import needs, unopenable
from activities.uninterrupted import uninterrupted
from domain.burn import tie_keys
from domain.mails.money import Paused, Resumed
from domain.mails.plans import DowngradeScheduled
from domain.messages.operators import AdjustCredits, OperatorNote
from domain.outcomes import Outcome, Undecided
from domain.payments.charges import Charge, ChargeKind, ChargeLine
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import plan_beside
from domain.pricing.policies import GrantOn
from domain.pricing.restarts import restarts
from domain.subscription import Pause, Status
from ledger import accounts, balances, grants, subscriptions
from ledger.grants import GrantOrder
from ledger.payments import charges
from ledger.usage import policies


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """A plan that takes over at the period's end; `plan` None cancels the change."""

    buyer: Buyer
    plan: Plan | None
    effective_at: datetime
    keyed: Keyed | None = None


@dataclass(frozen=True, slots=True)
class OperatorPause:
    """An operator's request to pause or resume a subscription."""

    buyer: Buyer
    note: OperatorNote
    paused: bool
    status: Status


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An operator's adjustment of a wallet."""

    buyer: Buyer
    request: AdjustCredits


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The outcome of an adjustment (`done`, or the reason of a refusal) and the balance."""

    status: str
    available_micro: int


class ChangeActivities:
    """Changes of a running subscription. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="quote_change")
    def quote(self, request: PlanRequest) -> Quoted:
        """Return what a change would cost and give. Raises `unknown_plan`, `not_in_plan`.

        One at once that the old plan leaves no room for raises `needs_next_period`.
        """
        quoted = self._quoted(request)
        if not request.preview or not quoted.quote.amount_minor:
            return quoted
        with self._context.engine.connect() as connection:  # never committed
            reason = unopenable(
                connection,
                request.buyer,
                kind=ChargeKind.UPGRADE,
                amount_minor=quoted.quote.amount_minor,
                takes=quoted.plan.takes.charged,
            )
            needed = {} if quoted.plan.takes.invoiced else needs(connection, request.buyer)
        return replace(
            quoted,
            refused=reason or "",
            needs=needed.get("needs", ""),
            takes_days=needed.get("takes_days", False),
        )

    def _quoted(self, request: PlanRequest) -> Quoted:
        catalog, old = self._catalog(request.buyer), request.buyer.plan
        plan, running = plan_beside(catalog, old, request.plan_id), request.buyer.period.k
        if not restarts(old, plan, running, at_once=request.at_once):
            return quoted_change(catalog, request)
        with self._context.engine.connect() as connection:
            return Quoted(plan, quoted_restart(connection, request, plan))

    @uninterrupted(name="quote_version")
    def quote_version(self, request: VersionRequest) -> Quoted:
        """Return what moving to another version of the plan does. Raises `unknown_plan`."""
        return quoted_version(self._catalog(request.request.buyer), request)

    def _catalog(self, buyer: Buyer) -> Catalog:
        return self._context.catalog(buyer.plan.catalog)

    @uninterrupted(name="open_upgrade")
    def open_upgrade(self, upgrade: Upgrade) -> OpenedUpgrade:
        """Open the charge of an upgrade's prorated difference."""
        buyer, plan = upgrade.buyer, upgrade.plan
        text = f"Upgrade from {buyer.plan.name} to {plan.name}, rest of the period"
        if upgrade.quote.restarts is not None:
            text = f"{plan.name}, less the unused part of {buyer.plan.name}"
        charge = Charge(
            charge_id=upgrade.charge_id,
            kind=ChargeKind.UPGRADE,
            customer_id=buyer.customer_id,
            subscription_id=buyer.subscription_id,
            payer=buyer.payer,
            currency=plan.currency,
            lines=(ChargeLine(text, upgrade.quote.amount_minor),),
            takes=plan.takes.plan,
            due_at=plan.takes.due_within(buyer.at, upgrade.time_zone, buyer.period.end),
            tax=plan.tax,
            expected_minor=buyer.expected_minor if plan.tax else None,
        )
        with self._context.engine.begin() as connection:
            status = charges.open_charge(
                connection,
                account_id=buyer.account_id,
                subscription_id=buyer.subscription_id,
                charge_id=charge.charge_id,
                kind=charge.kind,
                currency=charge.currency,
                amount_minor=charge.amount_minor,
                quantity_micro=None,
                at=buyer.at,
                takes=plan.takes.charged,
            )
            if status == Outcome.OPENED:
                keep_note(connection, buyer.account_id, charge, plan=plan, quote=upgrade.quote)
        return OpenedUpgrade(status, charge)

    @uninterrupted(name="complete_upgrade")
    def complete_upgrade(self, upgrade: Upgrade) -> int:
        """Put the new plan in force: book, grant the difference, raise the cap, mail it."""
        buyer, plan, paid = upgrade.buyer, upgrade.plan, upgrade.paid
        with self._context.engine.begin() as connection:
            if paid is not None:
                charges.mark_paid(
                    connection,
                    account_id=buyer.account_id,
                    charge_id=upgrade.charge_id,
                    invoice=paid.invoice,
                    amount_minor=paid.amount_minor,
                    at=buyer.at,
                )
            grants.set_frozen(connection, buyer.account_id, buyer.at, frozen=not plan.paid)
            record = charges.known(connection, buyer.account_id, upgrade.charge_id)
            net = record.amount_minor if paid is not None and record is not None else 0
            for order in upgrade_orders(upgrade, net):
                grants.give(connection, buyer.account_id, order, buyer.at)
            policies.set_policy(connection, buyer.account_id, plan)
            subscriptions.write(
                connection,
                buyer.subscription_id,
                buyer.at,
                plan=subscriptions.as_json(plan),
                next_plan=None,
            )
            return tell_changed(self._context, connection, upgrade, upgrade.quote.extra)

    @uninterrupted(name="schedule_change")
    def schedule(self, change: ScheduledChange) -> None:
        """Store which plan takes over at the period's end, and mail it."""
        buyer, plan = change.buyer, change.plan
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            subscriptions.write(
                connection,
                buyer.subscription_id,
                buyer.at,
                next_plan=subscriptions.as_json(plan) if plan else None,
            )
            keep(connection, buyer.account_id, buyer.at, change.keyed)
            if plan is not None:
                desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
                desk.post(
                    f"downgrade:{plan.plan_id}:{buyer.at.isoformat()}",
                    DowngradeScheduled(
                        reader=desk.reader(plan),
                        currency=plan.currency,
                        old=desk.terms(buyer.plan),
                        new=desk.terms(plan),
                        effective_at=change.effective_at,
                        due_days=plan.takes.due_days if plan.takes.invoiced and plan.paid else None,
                        granted=plan.grant_on is GrantOn.PROCESSING,
                    ),
                )

    @uninterrupted(name="pause_by_operator")
    def pause(self, pause: OperatorPause) -> None:
        """Pause or resume for an operator, and mail the customer."""
        buyer = pause.buyer
        with self._context.engine.begin() as connection:
            changed = accounts.set_paused(
                connection,
                buyer.account_id,
                Pause.BY_OPERATOR,
                buyer.at,
                paused=pause.paused,
                reason=pause.note.reason,
                by=pause.note.by,
            )
            subscriptions.write(connection, buyer.subscription_id, buyer.at, status=pause.status)
            works = serves(pause.status) and buyer.at < buyer.period.end
            if not changed or not (pause.paused or works):
                return  # still paused for another cause, or a receipt will announce the new period
            desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
            available = balances.available(
                connection, buyer.account_id, buyer.plan.credit_type, buyer.at
            )
            reader, currency = desk.reader(buyer.plan), buyer.plan.currency
            lots = desk.lots(buyer.plan, buyer.at)
            next_at, next_minor = desk.next_payment()
            mail = (
                Paused(
                    reader=reader,
                    cause="by_operator",
                    currency=currency,
                    kept_micro=available,
                    lots=lots,
                )
                if pause.paused
                else Resumed(
                    reader=reader,
                    currency=currency,
                    balance_micro=available,
                    lots=lots,
                    next_at=next_at,
                    next_minor=next_minor,
                )
            )
            word = "paused" if pause.paused else "resumed"
            desk.post(f"{word}-by-operator:{buyer.at.isoformat()}", mail)

    @uninterrupted(name="adjust_credits")
    def adjust(self, adjustment: Adjustment) -> Adjusted:
        """Give or take credits for a stated reason."""
        buyer = adjustment.buyer
        credit_type = buyer.plan.credit_type
        with self._context.engine.begin() as connection:
            status = _unapproved(adjustment) or _adjust(connection, adjustment, credit_type)
            available = balances.available(connection, buyer.account_id, credit_type, buyer.at)
        return Adjusted(status, available)


def _unapproved(adjustment: Adjustment) -> str | None:
    """Return why an adjustment must wait: a large one needs a second person."""
    limit, request = adjustment.buyer.plan.adjustment_limit_micro, adjustment.request
    alone = request.approved_by in (None, request.by)
    large = limit is not None and abs(request.quantity_micro) > limit
    return "approval_required" if large and alone else None


def _adjust(connection: Connection, adjustment: Adjustment, credit_type: str) -> str:
    buyer, request = adjustment.buyer, adjustment.request
    plan = buyer.plan
    key = f"adjustment:{request.key}"
    facts = {"reason": request.reason, "by": request.by}
    if request.approved_by is not None:
        facts["approved_by"] = request.approved_by
    tags = json.dumps(facts)
    if request.quantity_micro < 0:
        status = grants.remove(
            connection,
            account_id=buyer.account_id,
            key=key,
            credit_type=credit_type,
            quantity_micro=-request.quantity_micro,
            tags=tags,
            at=buyer.at,
        )
        return Outcome.DONE if status in (Outcome.DEBITED, Outcome.REPEATED) else status
    if buyer.period.end <= buyer.at and not grants.given(connection, buyer.account_id, key):
        return Undecided.RENEWAL_PENDING  # without a window the credits would expire at once
    order = GrantOrder(
        key=key,
        source="adjustment",
        credit_type=credit_type,
        quantity_micro=request.quantity_micro,
        priority=plan.priorities.bonus,
        effective_at=buyer.at,
        expires_at=buyer.period.end,
        ties=tie_keys(plan.tie_break, 0, request.quantity_micro, buyer.at),
        currency=plan.currency,
        tags=tags,
    )
    grants.give(connection, buyer.account_id, order, buyer.at)
    return "done"
