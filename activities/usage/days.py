"""Sums of days that are over, made at night for those who will ask for them."""

from temporalio import activity

from activities.context import BillingContext
from activities.uninterrupted import uninterrupted
from ledger.usage import days


class DayActivities:
    """Sums up days. A repeat goes on where the last one stopped."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="sum_up_days")
    def sum_up(self) -> int:
        """Sum up the days that are over, of all customers; return how many were kept or marked.

        Where the worker shuts down, the rest is left to the next night.
        """
        written = 0
        for some in days.sum_up_all(self._context.engine):
            written += some
            if activity.is_worker_shutdown() or activity.is_cancelled():
                break
        return written
