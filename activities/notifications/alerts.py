"""The alert relay: turns each alert a debit recorded into one notice and one mail."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.notifications.outbox import BATCH, Shift, work
from activities.uninterrupted import uninterrupted
from domain.credits import format_credits
from domain.errors import InvalidInput
from domain.mails.facts import Offer, UsedMost
from domain.mails.notices import LowBalance
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.forecast import Forecast, forecast
from domain.pricing.policies import Channel
from ledger import subscriptions
from ledger.notifications import notices, outbox
from ledger.notifications.notices import RecentUse
from ledger.notifications.outbox import Message
from ledger.subscriptions import SubscriptionRecord
from ledger.usage import policies

MOST_ACTIONS = 3
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Pace:
    """Recent use and how long the rest will last."""

    use: RecentUse
    forecast: Forecast


class AlertRelay:
    """Tells customers that their balance fell to a threshold."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="relay_alerts")
    def relay(self, shift: Shift) -> int:
        """Deliver for one shift; return how many alerts."""
        return work(shift, self.tell_some, partial(self._context.waits, "alert"))

    def tell_some(self) -> int:
        """Deliver waiting alerts, each with its notice and mail in one transaction.

        One wallet per transaction: inserting its rows share-locks the wallet. Two wallets locked in
        no fixed order could deadlock with a batch of debits.
        """
        count = 0
        while count < BATCH and self._tell_one():
            count += 1
        return count

    def _tell_one(self) -> bool:
        with self._context.engine.begin() as connection:
            for message in outbox.waiting(connection, "alert", grace_seconds=0, limit=1):
                record = subscriptions.record_of_account(connection, message.account_id)
                refused = self._tell(connection, message, record) if record else "no_subscription"
                outbox.delivered(connection, message, refused=refused)
                return True
        return False

    def _tell(
        self, connection: Connection, message: Message, record: SubscriptionRecord
    ) -> str | None:
        alert = message.payload
        at = datetime.fromisoformat(alert["at"])
        try:
            catalog, plan = sold(self._context, record)
            pace = pace_of(
                connection,
                account_id=message.account_id,
                plan=plan,
                credit_type=alert["credit_type"],
                available_micro=alert["available"],
                at=at,
                window_end=datetime.fromisoformat(alert["window_end"]),
            )
        except InvalidInput as error:  # its catalog no longer exists
            return f"{error.reason}: {error}"
        if alert["channel"] != Channel.EMAIL:
            notice = alert_notice(alert, plan, pace)
            notices.put(
                connection,
                account_id=message.account_id,
                notice_id=message.message_key,
                kind="low_balance",
                payload=notice,
                at=at,
            )
        if alert["channel"] != Channel.IN_APP:
            desk = Desk(self._context, connection, message.account_id, record.subscription_id)
            desk.post(
                message.message_key,
                alert_mail(desk=desk, alert=alert, catalog=catalog, plan=plan, pace=pace),
            )
        return None


def sold(context: BillingContext, record: SubscriptionRecord) -> tuple[Catalog, Plan]:
    """Return a subscription's price list and its version of the plan."""
    return context.catalog(record.plan["catalog"]), value_to_type(Plan, record.plan)


def pace_of(
    connection: Connection,
    account_id: int,
    plan: Plan,
    credit_type: str,
    available_micro: int,
    at: datetime,
    window_end: datetime,
) -> Pace:
    """Return recent use and how long the rest lasts; the suggested pack covers the window."""
    use = notices.recent_use(connection, account_id, credit_type, at)
    packs = [pack for pack in plan.packs if pack.credit_type == credit_type]
    days = -(-int((window_end - at).total_seconds()) // DAY_SECONDS)
    return Pace(use, forecast(available_micro, use.burns, packs, max(days, 1)))


def alert_notice(alert: dict[str, Any], plan: Plan, pace: Pace) -> dict[str, Any]:
    """Return a low balance as products show it, credits as decimal texts."""
    pack = pace.forecast.suggested
    return {
        "threshold": alert["threshold"],
        "credit_type": alert["credit_type"],
        "available": format_credits(alert["available"]),
        "base": format_credits(alert["base"]),
        "window_end": alert["window_end"],
        "per_day": format_credits(pace.forecast.per_day_micro),
        "days_left": pace.forecast.days_left,
        "used_most": [
            {"action": action, "credits": format_credits(credits_micro)}
            for action, credits_micro in pace.use.actions[:MOST_ACTIONS]
        ],
        "suggested_pack": pack
        and {
            "pack": pack.pack_id,
            "credits": format_credits(pack.quantity_micro),
            "price_minor": pack.price_minor,
            "currency": plan.currency,
        },
    }


def alert_mail(
    desk: Desk, alert: dict[str, Any], catalog: Catalog, plan: Plan, pace: Pace
) -> LowBalance:
    """Return the mail of a low balance."""
    pack = pace.forecast.suggested
    words = {one.action_id: one.name for one in catalog.actions}
    return LowBalance(
        reader=desk.reader(plan, alert["credit_type"]),
        currency=plan.currency,
        percent=alert["percent"],
        threshold_micro=alert["amount"],
        balance_micro=alert["available"],
        base_micro=alert["base"],
        window_end=datetime.fromisoformat(alert["window_end"]),
        per_day_micro=pace.forecast.per_day_micro,
        days_left=pace.forecast.days_left,
        used_most=tuple(
            UsedMost(action=words.get(action, action), credits_micro=credits_micro)
            for action, credits_micro in pace.use.actions[:MOST_ACTIONS]
        ),
        offer=Offer(
            name=pack.name, quantity_micro=pack.quantity_micro, price_minor=pack.price_minor
        )
        if pack
        else None,
        auto_on=policies.auto_purchase_on(desk.connection, desk.account_id),
    )
