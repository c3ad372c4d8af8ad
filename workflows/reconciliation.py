"""The nightly comparison of processor, ledger, workflows and outbox."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.reconciliation import ReconcileActivities, Reconciled
    from domain.payments.reconciliation import next_night
from workflows.options import PROCESSOR, Options

NIGHTS_PER_RUN = 30
WHOLE: Options = {**PROCESSOR, "start_to_close_timeout": timedelta(hours=2)}


@workflow.defn
class Reconciliation:
    """Compares once a night, forever: `reconciliation`. Every difference becomes a finding."""

    @workflow.run
    async def run(self) -> None:
        """Wait for the night, compare, show the result."""
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
        workflow.continue_as_new()
