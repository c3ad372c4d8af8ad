"""The end of a subscription taken back before it came."""

from dataclasses import dataclass

from activities.answers import Keyed, keep
from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.periods.lifecycle import Moment
from activities.uninterrupted import uninterrupted
from domain.mails.plans import Uncanceled
from domain.subscription import Status
from ledger import accounts, subscriptions


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A subscription that is renewed after all, and its status from now on."""

    moment: Moment
    status: Status
    keyed: Keyed | None = None


class UncancelActivities:
    """Ends that are taken back. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="uncancel")
    def uncancel(self, going_on: GoingOn) -> None:
        """Store that the subscription does not end, and mail what is charged next."""
        moment = going_on.moment
        with self._context.engine.begin() as connection:
            accounts.lock(connection, moment.account_id, moment.at)
            subscriptions.write(
                connection,
                moment.subscription_id,
                moment.at,
                cancel_at_end=False,
                status=going_on.status,
            )
            keep(connection, moment.account_id, moment.at, going_on.keyed)
            desk = Desk(self._context, connection, moment.account_id, moment.subscription_id)
            next_at, next_minor = desk.next_payment()
            desk.post(
                f"uncanceled:{moment.at.isoformat()}",
                Uncanceled(
                    reader=desk.reader(moment.plan),
                    currency=moment.plan.currency,
                    requested_at=moment.at,
                    next_at=next_at,
                    next_minor=next_minor,
                ),
            )
