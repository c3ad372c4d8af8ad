"""The nightly comparison of processor, ledger, workflows and outbox; then days are summed up."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.payments.reconciliation import ReconcileActivities, Reconciled
    from activities.usage.days import DayActivities
    from domain.payments.reconciliation import next_night
from workflows.options import LEDGER, PROCESSOR, Options

NIGHTS_PER_RUN = 30
WHOLE: Options = {**PROCESSOR, "start_to_close_timeout": timedelta(hours=2)}
# Sums only save time: what keeps them from being made must not keep the next night waiting.
SUMS: Options = {
    **LEDGER,
    "start_to_close_timeout": timedelta(hours=2),
    "retry_policy": RetryPolicy(maximum_attempts=3),
}
DAYS_ARE_SUMMED_UP = "days-are-summed-up"  # until no run is older than 2026-12


@workflow.defn
class Reconciliation:
    """Compares once a night, forever: `reconciliation`. Every difference becomes a finding."""

    @workflow.run
    async def run(self) -> None:
        """Wait for the night, compare, show the result, sum up what pages ask for by day."""
        for _ in range(NIGHTS_PER_RUN):
            # A fixed hour, not 24 hours later: neither a start nor a slow night shifts it.
            night = next_night(workflow.now())
            await workflow.sleep(
                night - workflow.now(), summary=f"wait for {night:%Y-%m-%d %H:%M}Z"
            )
            done: Reconciled = await workflow.execute_activity_method(
                ReconcileActivities.reconcile,
                workflow.now(),
                summary="compare processor, ledger, workflows and outbox",
                **WHOLE,
            )
            workflow.set_current_details(
                f"{workflow.now():%Y-%m-%d}: {done.invoices} paid invoices, "
                f"{done.charges} charges, {done.subscriptions} subscriptions; "
                f"**{done.differences} differences**, "
                f"{done.new} of them new. To do: `python cli.py findings`."
            )
            # A patch of each night: what a run did without in one, it never takes up under that id.
            if workflow.patched(f"{DAYS_ARE_SUMMED_UP}-{night:%Y-%m-%d}"):
                await self._sum_up()
        workflow.continue_as_new()

    async def _sum_up(self) -> None:
        try:
            await workflow.execute_activity_method(
                DayActivities.sum_up, summary="sum up the days that are over", **SUMS
            )
        except ActivityError as error:
            workflow.logger.error("days were not summed up tonight: %s", error.cause)
