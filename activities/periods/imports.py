"""Imports of subscriptions: in the middle of a period that was paid for elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.periods.overdrafts import give_overdraft
from activities.periods.paid_periods import PaidPeriod
from domain.errors import BillingError, InvalidInput
from domain.payments.import_files import Fault, InvalidImport
from domain.payments.import_subscriptions import Brings, Moved, RunningPeriod, running_period
from domain.periods import checked_zone
from domain.plan_calendar import windows_of
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import plan_in
from domain.subscription import Pause, Start, Status
from gateways.letter_formats import Formats
from ledger import accounts, grants, starts, subscriptions
from ledger.accounts import CustomerDetails
from ledger.payments import import_marks
from ledger.payments.import_marks import Kind, Mark
from ledger.usage import policies

COLUMN_OF = {
    "already_subscribed": "subscription",
    "idempotency_conflict": "key",
    "invalid_time": "renews_at",
    "before_anchor": "anchor",
    "out_of_calendar": "renews_at",
    "subscription_ended": "subscription",
    "unknown_catalog": "seller",
    "unknown_locale": "locale",
    "unknown_plan": "plan",
    "unknown_time_zone": "time_zone",
    "unknown_currency": "currency",
    "other_currency": "currency",
}


@dataclass(frozen=True, slots=True)
class Come:
    """A row that was carried out, or was before: its plan, and what its workflow starts with."""

    moved: Moved
    plan: Plan
    start: Start
    is_new: bool
    lives: bool  # it has not ended since: its workflow must run


def carry_out(
    connection: Connection,
    catalogs: Mapping[str, Catalog],
    rows: Sequence[Moved],
    at: datetime,
    *,
    by: str,
) -> tuple[Come, ...]:
    """Write every subscription in the caller's transaction, as if its period had begun here.

    Nothing is charged, granted or mailed for that period: the file of balances brings its credits.
    Each workflow, started afterwards, goes on from these rows like one that was lost. Raises
    `InvalidImport` with all faults; the caller rolls back then, as after a preview.
    """
    faults: list[Fault] = []
    found: list[Come] = []
    for row in sorted(rows, key=lambda row: row.customer_id):  # locks are taken in one order
        try:
            found.append(_bring(connection, catalogs, row, at=at, by=by))
        except BillingError as error:
            column = COLUMN_OF.get(error.reason, "")
            faults.append(Fault(row.line, column, error.reason, str(error)))
    if faults:
        raise InvalidImport(sorted(faults, key=lambda fault: fault.line))
    return tuple(found)


def _bring(
    connection: Connection, catalogs: Mapping[str, Catalog], row: Moved, *, at: datetime, by: str
) -> Come:
    if row.catalog not in catalogs:
        raise InvalidInput("unknown_catalog", f"no price list {row.catalog!r}")
    catalog = catalogs[row.catalog]
    plan = plan_in(catalog, row.plan_id, row.version, row.currency)
    zone = row.time_zone or catalog.time_zone
    checked_zone(zone)
    Formats.of(row.locale, zone)  # refuse a locale that no mail can be written in
    customer = CustomerDetails(
        customer_id=row.customer_id,
        name=row.name,
        email=row.email,
        locale=row.locale,
        time_zone=zone,
    )
    account_id = accounts.open_wallet(connection, customer, plan.currency)
    accounts.lock(connection, account_id, at)
    at = accounts.not_before(connection, account_id, at)
    mark = Mark(account_id, Kind.SUBSCRIPTION, row.key, row.content(), by=by, at=at)
    if import_marks.is_kept(connection, mark):
        stored = subscriptions.stored(connection, row.subscription_id)
        lives = subscriptions.status_of(connection, row.subscription_id) != Status.ENDED
        return Come(row, plan, row.start(stored.begins_at), is_new=False, lives=lives)
    paid_in = starts.paid_in(connection, row.customer_id)
    if paid_in not in (None, plan.currency):
        raise InvalidInput("other_currency", f"this customer has paid in {paid_in}")
    running = running_period(plan, row, zone, at)
    served = accounts.served_until(connection, account_id)
    if served is not None and served > running.period.start:
        words = f"this customer was served here until {served.isoformat()}: subscribe it anew"
        raise InvalidInput("already_subscribed", words)
    accounts.describe(connection, customer)
    _pays_as(connection, row)
    _write(connection, account_id, row, plan=plan, running=running, zone=zone, at=at)
    if row.status is Brings.PAUSED:
        accounts.set_paused(
            connection, account_id, Pause.BY_OPERATOR, at, paused=True, reason="imported", by=by
        )
    import_marks.keep(connection, mark)
    return Come(row, plan, row.start(running.period.start), is_new=True, lives=True)


def _pays_as(connection: Connection, row: Moved) -> None:
    """Keep the processor's ids; the workflow asks the processor for a card that is not named."""
    if not row.payer:
        return
    owner = accounts.customer_of_payer(connection, row.payer)
    if owner not in (None, row.customer_id):
        raise InvalidInput("invalid_value", f"{row.payer} of the processor is {owner!r} already")
    accounts.set_payer(connection, row.customer_id, row.payer, row.method)


def _write(
    connection: Connection,
    account_id: int,
    row: Moved,
    *,
    plan: Plan,
    running: RunningPeriod,
    zone: str,
    at: datetime,
) -> None:
    """Write what the opening of a period writes, but for money, grants and mails."""
    period, subscription_id = running.period, row.subscription_id
    is_trial = running.status is Status.TRIALING
    subscriptions.create(
        connection,
        subscription_id,
        account_id,
        plan,
        begins_at=period.start,
        anchor=running.anchor,
        trial_ends_at=period.end if is_trial else None,
        time_zone=zone,
        at=at,
    )
    grants.set_frozen(connection, account_id, at, frozen=not plan.paid)
    windows = windows_of(plan, running.anchor, zone, period)
    grants.open_windows(
        connection,
        account_id=account_id,
        subscription_id=subscription_id,
        windows=[(one.part.start, one.part.end) for one in windows],
        at=at,
    )
    give_overdraft(
        connection,
        PaidPeriod(
            subscription_id=subscription_id,
            account_id=account_id,
            plan=plan,
            anchor=running.anchor,
            time_zone=zone,
            period=period,
            charge=None,
            paid=None,
            first=False,
            status=running.status,
            at=at,
        ),
    )
    subscriptions.begin_period(
        connection, subscription_id, plan, running.anchor, period=period, at=at
    )
    policies.set_policy(connection, account_id, plan)
    subscriptions.write(
        connection,
        subscription_id,
        at,
        status=running.status,
        cancel_at_end=row.status is Brings.CANCELED,
    )
