"""Mails of a period that begins."""

from activities.mails import Desk, terms
from activities.paid_periods import PaidPeriod, Serving
from domain.mails.facts import Purpose
from domain.mails.money import Receipt, Resumed
from domain.mails.plans import Welcome


def tell_period(desk: Desk, paid: PaidPeriod, serving: Serving, *, resumed: bool) -> None:
    """Mail the welcome of a first period, the end of a pause, and the receipt."""
    plan = paid.plan
    reader = desk.reader(plan)
    if paid.first:
        desk.post(
            "welcome",
            Welcome(
                reader=reader,
                currency=plan.currency,
                terms=terms(plan),
                balance_micro=serving.available_micro,
                window_end=serving.window.end,
                next_at=paid.period.end if plan.paid else None,
                next_minor=plan.price_minor if plan.paid else None,
            ),
        )
    if resumed:
        desk.post(
            f"resumed:{paid.period.start.isoformat()}",
            Resumed(
                reader=reader,
                currency=plan.currency,
                paid_minor=paid.paid.amount_minor if paid.paid else None,
                card=paid.paid.card if paid.paid else None,
                balance_micro=serving.available_micro,
                expires_at=serving.window.end,
                next_at=paid.period.end,
                next_minor=plan.price_minor,
            ),
        )
    if paid.charge is not None and paid.paid is not None:
        desk.post(
            f"receipt:{paid.charge.charge_id}",
            Receipt(
                reader=reader,
                purpose=Purpose.FIRST_PERIOD if paid.first else Purpose.RENEWAL,
                currency=plan.currency,
                lines=paid.charge.lines,
                paid_at=paid.at,
                card=paid.paid.card,
                invoice_number=paid.paid.invoice_number,
                invoice_url=paid.paid.invoice_url,
                granted_micro=sum(one.quantity_micro for one in plan.allowances),
                balance_micro=serving.available_micro,
                expires_at=serving.window.end,
                period_start=paid.period.start,
                period_end=paid.period.end,
                next_at=paid.period.end,
                next_minor=plan.price_minor,
            ),
        )
