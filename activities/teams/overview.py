"""The team report: who used what, what each has left, and the monthly goal."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from temporalio.converter import value_to_type

from domain.credits import format_credits
from domain.errors import InvalidInput
from domain.pricing.catalog import Plan
from domain.teams.members import Member, monthly_goal
from ledger import balances, grants
from ledger.teams import members
from ledger.teams.members import MemberUsage
from models.tables import Subscription, Wallet

# The newest subscription's plan and period, and the wallet's window.
_CLOCKS = (
    select(
        Wallet.decided_at,
        Wallet.window_start,
        Wallet.window_end,
        Subscription.plan,
        Subscription.period_start,
        Subscription.period_end,
    )
    .join(Subscription, Subscription.account_id == Wallet.account_id)
    .order_by(Subscription.recorded_at.desc())
    .limit(1)
)


def team(
    connection: Connection,
    account_id: int,
    at: datetime,
    member: str | None = None,
    *,
    window_only: bool = False,
) -> dict[str, Any]:
    """Return the team at `at`, or at the wallet's own time if that is later.

    `member` limits it to that one, as members see themselves; with `window_only` it lacks what was
    used since the period began, which costs a look at every line of it. Raises `InvalidInput`:
    `no_subscription` before the first period, `unknown_member`, `member_removed`.
    """
    wallet = connection.execute(_CLOCKS.where(Wallet.account_id == account_id)).one_or_none()
    if wallet is None or wallet.window_start is None:
        raise InvalidInput("no_subscription", "no period has begun")
    period_start = wallet.period_start or wallet.window_start
    at = max(at, wallet.decided_at)
    plan = value_to_type(Plan, wallet.plan)
    kind = plan.main_credit_type
    people = members.of_account(connection, account_id)
    granted = grants.allowance_of(connection, account_id, kind, period_start)
    goal = monthly_goal(granted, len(people), plan.interval.months)
    found = members.standings(
        connection,
        account_id=account_id,
        credit_type=kind,
        window_start=wallet.window_start,
        period_start=None if window_only else period_start,
    )
    shown = [one for one in people if member in (None, one.member_id)]
    if member is not None and not shown:
        if members.named(connection, account_id, member) is not None:
            raise InvalidInput("member_removed", f"the member {member!r:.60} was removed")
        raise InvalidInput("unknown_member", f"there is no member {member!r:.60}")
    return {
        "at": at.isoformat(),
        "credit_type": kind,
        "credits_left": format_credits(balances.available(connection, account_id, kind, at)),
        "granted_this_period": format_credits(granted),
        "monthly_goal": None if goal is None else format_credits(goal),
        "window_ends": wallet.window_end.isoformat() if wallet.window_end else None,
        "period_ends": wallet.period_end.isoformat() if wallet.period_end else None,
        "members": [_seen(one, found.get(one.member_id), window_only=window_only) for one in shown],
    }


def _seen(one: Member, standing: MemberUsage | None, *, window_only: bool) -> dict[str, Any]:
    known = standing or MemberUsage(one.member_id, 0, 0, None)
    period = {} if window_only else {"used_this_period": format_credits(known.period_micro)}
    return {
        "member": one.member_id,
        "name": one.name,
        "email": one.email,
        "role": one.role.value,
        "restricted": one.restricted,
        "used_this_window": format_credits(known.window_micro),
        **period,
        "limit": _or_none(known.limit_micro),
        "limits": {kind: format_credits(micro) for kind, micro in one.limits},
        "limit_since": known.since.isoformat() if known.since else None,
        "left": _or_none(known.left_micro),
    }


def _or_none(micro: int | None) -> str | None:
    return None if micro is None else format_credits(micro)
