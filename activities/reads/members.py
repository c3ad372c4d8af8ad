"""Members with what they used and what their limits leave."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from domain.credits import format_credits
from domain.pricing.catalog import Plan
from ledger.reads import wallets
from ledger.teams import members
from ledger.teams.members import MemberUsage


def with_use(
    connection: Connection, account_id: int, items: list[dict[str, Any]], at: datetime
) -> list[dict[str, Any]]:
    """Add to each member its use of the plan's main credit type, in this window and period."""
    wallet = wallets.wallet_now(connection, account_id, at)
    row = wallets.subscription_of(connection, account_id)
    if row is None or wallet.window_start is None:
        return items
    kind = value_to_type(Plan, row["plan"]).main_credit_type
    found = members.standings(
        connection,
        account_id=account_id,
        credit_type=kind,
        window_start=wallet.window_start,
        period_start=row["period_start"] or wallet.window_start,
    )
    return [{**one, **_use(kind, found.get(one["id"]))} for one in items]


def _use(kind: str, usage: MemberUsage | None) -> dict[str, Any]:
    known = usage or MemberUsage("", 0, 0, None)
    return {
        "credit_type": kind,
        "used_this_window": format_credits(known.window_micro),
        "used_this_period": format_credits(known.period_micro),
        "limit": _or_none(known.limit_micro),
        "left": _or_none(known.left_micro),
    }


def _or_none(micro: int | None) -> str | None:
    return None if micro is None else format_credits(micro)
