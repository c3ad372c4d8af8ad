"""Alerts, notices and expiry warnings, for workflows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.periods.lifecycle import Moment
from activities.uninterrupted import uninterrupted
from domain.credits import format_credits
from domain.mails.notices import CreditsExpiring
from domain.messages.alerts import ReadNotices, SetAlerts
from domain.pricing.policies import Alert
from ledger import accounts, balances
from ledger.notifications import alerts, notices
from ledger.notifications.notices import Expiring, Notice


@dataclass(frozen=True, slots=True)
class NextWarning:
    """When the next warning is due; None: not before new credits come."""

    at: datetime | None


class NoticeActivities:
    """Alerts and notices, for workflows. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="set_alerts")
    def set_alerts(self, moment: Moment, wanted: SetAlerts) -> list[dict[str, Any]]:
        """Set a customer's thresholds, or restore the plan's; return those in force."""
        with self._context.engine.begin() as connection:
            accounts.lock(connection, moment.account_id, moment.at)
            if wanted.thresholds is None:
                alerts.give_up_own(connection, moment.account_id, moment.plan)
            else:
                alerts.set_own(connection, moment.account_id, wanted.thresholds)
        in_force = moment.plan.alerts if wanted.thresholds is None else wanted.thresholds
        return [threshold_json(one) for one in in_force]

    @uninterrupted(name="list_notices")
    def notices(self, moment: Moment, unread_only: bool) -> list[dict[str, Any]]:  # noqa: FBT001
        """Return the newest notices, or only the unread ones."""
        with self._context.engine.begin() as connection:
            found = notices.newest(connection, moment.account_id, unread_only=unread_only)
        return [notice_json(one) for one in found]

    @uninterrupted(name="read_notices")
    def read(self, moment: Moment, wanted: ReadNotices) -> int:
        """Mark notices as read; return how many were unread."""
        with self._context.engine.begin() as connection:
            return notices.mark_read(connection, moment.account_id, wanted.notice_ids, moment.at)

    @uninterrupted(name="warn_of_expiry")
    def warn(self, moment: Moment) -> NextWarning:
        """Warn of credits about to expire, once per number of days; return when to look again."""
        days = moment.plan.expiry_warning_days
        with self._context.engine.begin() as connection:
            found = notices.expiring(connection, moment.account_id, moment.at)
            for one in found:
                due = [value for value in days if one.expires_at - _days(value) <= moment.at]
                if due:
                    self._tell(connection, moment, one, min(due))
        later = [one.expires_at - _days(value) for one in found for value in days]
        return NextWarning(min((at for at in later if at > moment.at), default=None))

    def _tell(self, connection: Connection, moment: Moment, one: Expiring, days: int) -> None:
        key = f"expiring:{one.credit_type}:{one.expires_at.isoformat()}:{days}"
        payload = {
            "credit_type": one.credit_type,
            "credits": format_credits(one.credits_micro),
            "expires_at": one.expires_at.isoformat(),
            "days": days,
        }
        is_new = notices.put(
            connection,
            account_id=moment.account_id,
            notice_id=key,
            kind="credits_expiring",
            payload=payload,
            at=moment.at,
        )
        if not is_new:
            return
        desk = Desk(self._context, connection, moment.account_id, moment.subscription_id)
        desk.post(
            key,
            CreditsExpiring(
                reader=desk.reader(moment.plan, one.credit_type),
                expiring_micro=one.credits_micro,
                expires_at=one.expires_at,
                days=days,
                balance_micro=balances.available(
                    connection, moment.account_id, one.credit_type, moment.at
                ),
            ),
        )


def notice_json(notice: Notice) -> dict[str, Any]:
    """Return a notice as products show it."""
    return {
        "notice": notice.notice_id,
        "kind": notice.kind,
        "at": notice.at.isoformat(),
        "read_at": notice.read_at.isoformat() if notice.read_at else None,
        **notice.payload,
    }


def threshold_json(one: Alert) -> dict[str, Any]:
    """Return a threshold as messages and products write it."""
    figure = (
        {"percent": one.percent}
        if one.amount_micro is None
        else {"credits": format_credits(one.amount_micro)}
    )
    again = {"rearm_on_purchase": True} if one.rearms else {}
    return {"threshold": one.threshold_id, **figure, "channel": one.channel.value, **again}


def _days(value: int) -> timedelta:
    return timedelta(days=value)
