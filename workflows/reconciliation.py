"""The nightly comparison of processor, ledger, workflows and outbox."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reconciling import ReconcileActivities, Reconciled
from workflows.options import PROCESSOR, Options

NIGHT = timedelta(days=1)
NIGHTS_PER_RUN = 100
WHOLE: Options = {**PROCESSOR, "start_to_close_timeout": timedelta(hours=2)}


@workflow.defn
class Reconciliation:
    """Compares once a night, for ever: `reconciliation`. What differs becomes a finding."""

    @workflow.run
    async def run(self) -> None:
        """Wait for the night, compare, say what came of it."""
        for _ in range(NIGHTS_PER_RUN):
            await workflow.sleep(NIGHT, summary="wait for the night")
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
