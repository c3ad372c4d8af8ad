"""Credits granted before the money of their charge has come: once, with one mail that says so."""

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.notifications.period_mails import period_receipt, tell_period
from activities.payments.processing import ChargeOnItsWay, mark_on_its_way, tell_on_its_way
from activities.periods.opening import begin_paid, serving
from activities.periods.paid_periods import PaidPeriod, Serving
from activities.purchases.buyers import Buyer
from activities.purchases.extra_credits import give_bought
from activities.uninterrupted import uninterrupted
from domain.outcomes import Outcome
from domain.payments.charges import ChargeState
from domain.plan_calendar import Calendar
from domain.pricing.catalog import Plan
from ledger import accounts, balances
from ledger.grants import GrantOrder
from ledger.payments import charges, receivables

INSTANT = timedelta(microseconds=1)  # the last instant of a period is so long before its end


@dataclass(frozen=True, slots=True)
class ComingPeriod:
    """A period that may begin before its money has come; `period.paid` is None."""

    coming: ChargeOnItsWay
    period: PaidPeriod


@dataclass(frozen=True, slots=True)
class BegunBefore:
    """Where a subscription stands whose period began before its money; None: it waits for it."""

    serving: Serving | None


@dataclass(frozen=True, slots=True)
class GrantedBefore:
    """Whether a charge was granted before its money, and the available micro-credits."""

    granted: bool
    available_micro: int


class BeforeMoneyActivities:
    """Grants before their money. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="grant_purchase_before_money")
    def grant_purchase(self, coming: ChargeOnItsWay) -> GrantedBefore:
        """Record that the money is on its way, grant what it buys if it may be, and mail once.

        What may not be granted yet (`ledger.payments.receivables`) waits for its money.
        """
        buyer, charge_id = coming.buyer, coming.charge.charge_id
        with self._context.engine.begin() as connection:
            state = mark_on_its_way(connection, coming)
            bought = _give(connection, coming, state)
            if state == ChargeState.PROCESSING:
                granted = (bought.credit_type, bought.quantity_micro) if bought else None
                tell_on_its_way(self._context, connection, coming, granted=granted)
            given = receivables.is_granted(connection, buyer.account_id, charge_id)
            available = balances.available(
                connection, buyer.account_id, buyer.plan.credit_type, buyer.at
            )
        return GrantedBefore(given, available)

    @uninterrupted(name="open_period_before_money")
    def open_period(self, wanted: ComingPeriod) -> BegunBefore:
        """Record that the money is on its way, begin its period if it may begin, and mail once."""
        coming, period = wanted.coming, wanted.period
        buyer, charge_id = coming.buyer, coming.charge.charge_id
        account_id = buyer.account_id
        with self._context.engine.begin() as connection:
            state = mark_on_its_way(connection, replace(coming, serves_until=None))
            status = receivables.grant_before_money(connection, account_id, charge_id, buyer.at)
            begins = status in ("granted", Outcome.REPEATED)
            if begins:
                begin_paid(connection, period)
                desk = Desk(self._context, connection, account_id, buyer.subscription_id)
                tell_period(desk, period, _serving(connection, period), resumed=False)
            elif coming.serves_until is not None:
                accounts.keep_serving(connection, account_id, coming.serves_until, buyer.at)
            if state == ChargeState.PROCESSING:
                granted = _allowance(period.plan) if begins else None
                tell_on_its_way(self._context, connection, coming, granted=granted)
            return BegunBefore(_serving(connection, period) if begins else None)

    @uninterrupted(name="settle_period_granted_before")
    def settle_period(self, period: PaidPeriod) -> int:
        """Book the money of a period that began before it, and mail the receipt.

        Returns the available micro-credits: what had failed and comes after all is put back.
        """
        charge, paid = period.charge, period.paid
        if charge is None or paid is None:
            raise LookupError(f"nothing was paid for a period of {period.subscription_id}")
        with self._context.engine.begin() as connection:
            first = charges.mark_paid(
                connection,
                account_id=period.account_id,
                charge_id=charge.charge_id,
                invoice=paid.invoice,
                amount_minor=paid.amount_minor,
                at=period.at,
            )
            serving = _serving(connection, period)
            if first:
                desk = Desk(self._context, connection, period.account_id, period.subscription_id)
                desk.post(
                    f"receipt:{charge.charge_id}",
                    period_receipt(
                        desk=desk, period=period, charge=charge, paid=paid, serving=serving
                    ),
                )
        return serving.available_micro

    @uninterrupted(name="available_after_failure")
    def available(self, buyer: Buyer) -> int:
        """Return the available micro-credits after what failed was taken back."""
        with self._context.engine.connect() as connection:
            return balances.available(
                connection, buyer.account_id, buyer.plan.credit_type, buyer.at
            )


def _give(connection: Connection, coming: ChargeOnItsWay, state: str) -> GrantOrder | None:
    """Grant a purchase; return its credits, or None: it waits, or was granted before."""
    buyer, charge_id = coming.buyer, coming.charge.charge_id
    if state not in (ChargeState.PROCESSING, Outcome.REPEATED):
        return None
    status = receivables.grant_before_money(connection, buyer.account_id, charge_id, buyer.at)
    if status != "granted":
        return None
    record = charges.charge(connection, buyer.account_id, charge_id)
    bought, _ = give_bought(connection, buyer, record, frozen=False)
    return bought


def _allowance(plan: Plan) -> tuple[str, int]:
    """Return what each window of a plan gives of the type that its balance is shown in."""
    return plan.credit_type, plan.allowance_micro(plan.credit_type)


def _serving(connection: Connection, period: PaidPeriod) -> Serving:
    """Return the period's window now, or its last if it is over, and the available credits."""
    available = balances.available(
        connection, period.account_id, period.plan.credit_type, period.at
    )
    found = serving(
        connection,
        account_id=period.account_id,
        subscription_id=period.subscription_id,
        plan=period.plan,
        calendar=Calendar(period.anchor, period.time_zone),
        period=period.period,
        at=min(period.at, period.period.end - INSTANT),
    )
    return replace(found, available_micro=available)
