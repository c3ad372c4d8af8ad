"""A new link for whoever opens an old mail: to the address on file, never to who asks."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.mails import Desk
from domain.errors import InvalidInput
from domain.mails.links import Opens
from domain.mails.notices import FreshLink
from ledger import accounts, subscriptions

ONE_IN = timedelta(hours=1)  # however often somebody asks


def send(
    context: BillingContext,
    connection: Connection,
    subscription_id: str,
    opens: Opens,
    *,
    lasts: timedelta,
    at: datetime,
) -> None:
    """Queue a mail with a link that opens the same: once an hour, and only to who is on file.

    Nothing is said of a subscription that is gone, or of invoices that nobody has mailed to
    finance: whoever asks is told the same.
    """
    try:
        account_id = subscriptions.stored(connection, subscription_id).account_id
        named = subscriptions.plan_named(connection, subscription_id)
        plan = context.plan_of(connection, subscription_id)
    except InvalidInput:
        return
    customer = accounts.details_of(connection, account_id)
    is_of_invoices = opens is Opens.INVOICES
    to = customer.finance_email if is_of_invoices else customer.email
    if not to:
        return
    desk = Desk(context, connection, account_id, subscription_id)
    mail = FreshLink(
        reader=desk.reader_of(plan.name, named.catalog),
        days=lasts // timedelta(days=1),
        is_of_invoices=is_of_invoices,
    )
    hour = int(at.timestamp()) // int(ONE_IN.total_seconds())
    desk.send(to, f"fresh-{opens.name.lower()}:{hour}", mail)
