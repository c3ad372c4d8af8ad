"""The live meter: the balance, what used it, how long it lasts and when more comes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from temporalio.converter import value_to_type

from activities.notifications.alerts import MOST_ACTIONS, pace_of
from activities.plans.standing import changes_of, room_of, share_of
from domain.credits import format_credits
from domain.pricing.catalog import Catalog, Plan
from ledger import balances, subscriptions
from models.tables import Wallet


def meter(
    connection: Connection,
    account_id: int,
    at: datetime,
    catalog: Catalog | None = None,
    member: str = "",
) -> dict[str, Any]:
    """Return the meter at `at`, or at the wallet's own time if that is later.

    A catalog adds what each plan change would cost, a member what that member may use.
    """
    # Not the whole row: without holds `lapses_at` is infinity, which Python cannot read.
    columns = (Wallet.state, Wallet.decided_at, Wallet.window_end, Wallet.alert_level)
    wallet = connection.execute(select(*columns).where(Wallet.account_id == account_id)).one()
    at = max(at, wallet.decided_at)
    record = subscriptions.record_of_account(connection, account_id)
    told: dict[str, Any] = {
        "at": at.isoformat(),
        "state": wallet.state,
        "available": {
            kind: format_credits(free)
            for kind, free in balances.available_of_each(connection, account_id, at).items()
        },
    }
    told |= room_of(connection, account_id, at)
    if record is None or wallet.window_end is None:
        return told
    if catalog is not None:
        told["changes"] = changes_of(connection, catalog, record.subscription_id, at)
    plan = value_to_type(Plan, record.plan)
    watched = plan.main_credit_type
    if member:
        told |= share_of(
            connection, account_id=account_id, member=member, credit_type=watched, at=at
        )
    free = balances.available(connection, account_id, watched, at)
    pace = pace_of(
        connection,
        account_id=account_id,
        plan=plan,
        credit_type=watched,
        available_micro=free,
        at=at,
        window_end=wallet.window_end,
    )
    return told | {
        "credit_type": watched,
        "next_reset": wallet.window_end.isoformat(),
        "next_alert_at": format_credits(wallet.alert_level) if wallet.alert_level >= 0 else None,
        "per_day": format_credits(pace.forecast.per_day_micro),
        "days_left": pace.forecast.days_left,
        "used_most": {name: format_credits(used) for name, used in pace.use.actions[:MOST_ACTIONS]},
        "suggested_pack": pace.forecast.suggested and pace.forecast.suggested.pack_id,
    }
