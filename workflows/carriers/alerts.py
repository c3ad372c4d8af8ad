"""Alerts and notices: the ledger keeps them."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notifications.notices import NoticeActivities
    from domain.messages.alerts import ReadNotices, SetAlerts
from workflows.options import LEDGER
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer


class AlertCarriers:
    """Carries out what customers ask of alerts and notices."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "set_alerts": self._set_alerts,
            "list_notices": self._list_notices,
            "read_notices": self._read_notices,
        }

    async def _set_alerts(self, wanted: SetAlerts, _ticket: int) -> Answer:
        in_force = await workflow.execute_activity_method(
            NoticeActivities.set_alerts,
            args=[self._context.moment(), wanted],
            summary="set the plan's alerts" if wanted.thresholds is None else "set own alerts",
            **LEDGER,
        )
        return {"status": "done", "own": wanted.thresholds is not None, "alerts": in_force}

    async def _list_notices(self, wanted: bool, _ticket: int) -> Answer:  # noqa: FBT001 - the message
        found = await workflow.execute_activity_method(
            NoticeActivities.notices,
            args=[self._context.moment(), wanted],
            summary="list notices",
            **LEDGER,
        )
        return {"status": "done", "notices": found}

    async def _read_notices(self, wanted: ReadNotices, _ticket: int) -> Answer:
        read = await workflow.execute_activity_method(
            NoticeActivities.read,
            args=[self._context.moment(), wanted],
            summary=f"{len(wanted.notice_ids)} notices were read",
            **LEDGER,
        )
        return {"status": "done", "read": read}
