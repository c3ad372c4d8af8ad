"""Alerts and notices, which the ledger stores."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notifications.notices import NoticeActivities
    from domain.messages.alerts import (
        ReadNotices,
        SetAlerts,
        parse_list_notices,
        parse_read_notices,
        parse_set_alerts,
    )
from workflows.options import LEDGER
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Update


async def _set_alerts(context: Context, request: SetAlerts, _ticket: int) -> Answer:
    """Answer `done` with the thresholds in force."""
    in_force = await workflow.execute_activity_method(
        NoticeActivities.set_alerts,
        args=[context.moment(), request],
        summary="set the plan's alerts" if request.thresholds is None else "set own alerts",
        **LEDGER,
    )
    return {"status": "done", "own": request.thresholds is not None, "alerts": in_force}


async def _list_notices(context: Context, unread: bool, _ticket: int) -> Answer:  # noqa: FBT001
    """Answer `done` with the notices."""
    found = await workflow.execute_activity_method(
        NoticeActivities.notices,
        args=[context.moment(), unread],
        summary="list notices",
        **LEDGER,
    )
    return {"status": "done", "notices": found}


async def _read_notices(context: Context, request: ReadNotices, _ticket: int) -> Answer:
    """Answer `done` and how many were unread."""
    read = await workflow.execute_activity_method(
        NoticeActivities.read,
        args=[context.moment(), request],
        summary=f"{len(request.notice_ids)} notices were read",
        **LEDGER,
    )
    return {"status": "done", "read": read}


MESSAGES = (
    Update(
        "set_alerts",
        "Set the balances at which the customer is alerted, or restore the plan's.",
        parse_set_alerts,
        _set_alerts,
    ),
    Update(
        "list_notices",
        "List the newest notices, or the unread ones.",
        parse_list_notices,
        _list_notices,
    ),
    Update(
        "read_notices",
        "Mark notices as read.",
        parse_read_notices,
        _read_notices,
    ),
)
