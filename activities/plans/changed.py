"""What a plan change that is in force leaves behind it: its kept answer and its mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.answers import keep
from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.plans.upgrades import Upgrade
from domain.credits import format_credits
from domain.mails.plans import PlanChanged
from domain.pricing.proration import ExtraCredits
from ledger import balances
from ledger.payments import charges


@dataclass(frozen=True, slots=True)
class Ended:
    """Until when the period lasts that began in place of another, and what of that one ended."""

    lasts_until: datetime
    credits: tuple[ExtraCredits, ...]


def tell_changed(
    context: BillingContext,
    connection: Connection,
    upgrade: Upgrade,
    given: Sequence[ExtraCredits],
    ended: Ended | None = None,
) -> int:
    """Keep the change's answer and mail it; return the available micro-credits.

    `given`: what the window under way was given.
    """
    buyer, plan, paid = upgrade.buyer, upgrade.plan, upgrade.paid
    available = balances.available(connection, buyer.account_id, plan.credit_type, buyer.at)
    more = {"available": format_credits(available)}
    keep(connection, account_id=buyer.account_id, at=buyer.at, keyed=upgrade.keyed, more=more)
    record = charges.known(connection, buyer.account_id, upgrade.charge_id)
    desk = Desk(context, connection, buyer.account_id, buyer.subscription_id)
    next_at, next_minor = desk.next_payment()
    extra = [(one.credit_type, one.quantity_micro) for one in given]
    gone = [(one.credit_type, one.quantity_micro) for one in (ended.credits if ended else ())]
    desk.post(
        f"plan-changed:{upgrade.charge_id}",
        PlanChanged(
            reader=desk.reader(plan),
            currency=plan.currency,
            old=desk.terms(buyer.plan),
            new=desk.terms(plan),
            changed_at=buyer.at,
            paid_minor=paid.amount_minor if paid else 0,
            taxed=record.taxed if record is not None else None,
            granted_micro=sum(amount for kind, amount in extra if kind == plan.credit_type),
            also=desk.others(plan, extra),
            balance_micro=available,
            next_at=next_at,
            next_minor=next_minor,
            lasts_until=ended.lasts_until if ended else None,
            unused_minor=upgrade.quote.unused_minor,
            ended_micro=sum(amount for kind, amount in gone if kind == plan.credit_type),
            ended_also=desk.others(plan, gone),
        ),
    )
    return available
