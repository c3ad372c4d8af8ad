"""Mails about a period that begins."""

from activities.notifications.mails import Desk
from activities.notifications.purchase_mails import PURPOSES
from activities.periods.paid_periods import PaidPeriod, Serving
from domain.mails.facts import Purpose
from domain.mails.money import Receipt, Resumed
from domain.mails.plans import Welcome
from domain.payments.charges import Charge, ChargeKind, Paid
from domain.plan_calendar import TRIAL
from domain.subscription import Status
from ledger.payments import charges


def tell_period(desk: Desk, paid: PaidPeriod, serving: Serving, *, resumed: bool) -> None:
    """Mail the welcome of a first period, the end of a pause, and the receipt."""
    if paid.first:
        desk.post("welcome", _welcome(desk, paid, serving))
    if resumed and serves(paid.status):
        desk.post(f"resumed:{paid.period.start.isoformat()}", _resumed(desk, paid, serving))
    if paid.charge is not None and paid.paid is not None:
        receipt = period_receipt(
            desk=desk, period=paid, charge=paid.charge, paid=paid.paid, serving=serving
        )
        desk.post(f"receipt:{paid.charge.charge_id}", receipt)


def serves(status: Status) -> bool:
    """Return whether metered actions work in a status; if not, no mail may say that they do."""
    return status in (Status.ACTIVE, Status.TRIALING, Status.CANCELED)


def _welcome(desk: Desk, paid: PaidPeriod, serving: Serving) -> Welcome:
    plan = paid.plan
    next_at, next_minor = desk.next_payment()
    return Welcome(
        reader=desk.reader(plan),
        currency=plan.currency,
        terms=desk.terms(plan),
        balance_micro=serving.available_micro,
        lots=desk.lots(plan, paid.at),
        next_at=next_at,
        next_minor=next_minor,
        trial=paid.period.k == TRIAL,
    )


def _resumed(desk: Desk, paid: PaidPeriod, serving: Serving) -> Resumed:
    next_at, next_minor = desk.next_payment()
    return Resumed(
        reader=desk.reader(paid.plan),
        currency=paid.plan.currency,
        paid_minor=paid.paid.amount_minor if paid.paid and paid.paid.amount_minor else None,
        card=(paid.paid.card or None) if paid.paid else None,
        balance_micro=serving.available_micro,
        lots=desk.lots(paid.plan, paid.at),
        next_at=next_at,
        next_minor=next_minor,
    )


def period_receipt(
    desk: Desk, period: PaidPeriod, charge: Charge, paid: Paid, serving: Serving
) -> Receipt:
    """Return the receipt of a period and what is available now."""
    plan = period.plan
    next_at, next_minor = desk.next_payment()
    allowances = [(one.credit_type, one.quantity_micro) for one in plan.allowances]
    return Receipt(
        reader=desk.reader(plan),
        purpose=purpose_of(desk, charge),
        currency=plan.currency,
        lines=charge.itemised,
        paid_at=period.at,
        card=paid.card or None,
        invoice_number=paid.invoice_number or None,
        invoice_url=paid.invoice_url or None,
        granted_micro=plan.allowance_micro(plan.credit_type),
        also=desk.others(plan, allowances),
        balance_micro=serving.available_micro,
        expires_at=serving.window.end,
        period_start=period.period.start,
        period_end=period.period.end,
        next_at=next_at,
        next_minor=next_minor,
        taxed=charge.taxed,
    )


def purpose_of(desk: Desk, charge: Charge) -> Purpose:
    """Return what a charge means to the customer; a period is the first one or a renewal."""
    if charge.kind is not ChargeKind.PERIOD:
        return PURPOSES[charge.kind]
    own = (desk.account_id, desk.subscription_id, charge.charge_id)
    before = charges.paid_before(desk.connection, *own)
    return Purpose.RENEWAL if before else Purpose.FIRST_PERIOD
