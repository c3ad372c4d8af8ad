"""When the customer of a sent invoice is reminded of it, and when its payment is given up."""

from datetime import datetime, timedelta
from enum import StrEnum

from domain.payments.charges import Decline, Declined, Sent
from domain.payments.kinds import last_moment
from domain.subscription import OpenCharge

REMINDED = timedelta(days=7)  # before it is due
INVOICE_OVERDUE = "invoice_overdue"  # the reason of a charge whose days of grace are over


class Notice(StrEnum):
    """What is told about a sent invoice, each once."""

    SENT = "sent"
    REMINDER = "reminder"
    OVERDUE = "overdue"
    UNPAID = "unpaid"  # after the days of grace
    VOID = "void"  # what it was for is over, or was called off


def first_chase(sent: Sent, at: datetime, *, by_day: bool = True) -> datetime:
    """Return when to look after an invoice that is sent at an instant: a week before its day.

    That is at the time of day of its sending: it is due at midnight, when nobody is mailed. One
    that is due within eight days is not reminded of. Older runs (not `by_day`) count from its end.
    """
    day = at + timedelta(days=(sent.due_at - at).days) if by_day else sent.due_at
    reminder = day - REMINDED
    return reminder if reminder - at >= timedelta(days=1) else sent.due_at


def grace_ends(charge: OpenCharge, sent: Sent) -> datetime:
    """Return when an overdue invoice is given up; until then it is merely past due."""
    return sent.due_at + timedelta(days=charge.plan.grace_days if charge.plan else 0)


def chased(charge: OpenCharge, sent: Sent, at: datetime) -> tuple[Notice, datetime | None]:
    """Return what is to be told at an instant, and when to look again; None: not by itself."""
    if at < sent.due_at:
        return Notice.REMINDER, sent.due_at
    ends = grace_ends(charge, sent)
    return (Notice.OVERDUE, ends) if at < ends else (Notice.UNPAID, None)


def overdue_late(charge: OpenCharge, at: datetime) -> tuple[Notice, datetime | None]:
    """Return what is told where nothing could be in the days of grace, as during a pause.

    They begin then: nobody is given up who was not told that the day is over.
    """
    days = charge.plan.grace_days if charge.plan else 0
    return (Notice.OVERDUE, at + timedelta(days=days)) if days else (Notice.UNPAID, None)


def within(
    end: datetime, notice: Notice, again: datetime | None, at: datetime
) -> tuple[Notice, datetime | None]:
    """Return the same for an invoice that is void at an instant: it is given up just before.

    Nobody is asked for a transfer that can come too late only.
    """
    last = last_moment(end)
    if notice is Notice.OVERDUE and at >= last:
        return Notice.UNPAID, None
    return notice, min(again, last) if again and notice is Notice.OVERDUE else again


def unpaid(sent: Sent) -> Declined:
    """Return the refusal of an invoice that nobody has paid: no card can cure it."""
    return Declined(
        kind="declined",
        invoice=sent.invoice,
        decline=Decline.HARD,
        code=INVOICE_OVERDUE,
        advice="",
        card="",
        invoice_url=sent.page_url,
    )
