"""The workflow `Simulation`: one activity, which begins anew with another worker."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from domain.pricing.simulation import SimulationOrder, SimulationOutcome
    from local.simulations.activity import Simulator
from workflows import names

QUIET = timedelta(seconds=20)  # without a heartbeat: the worker is gone
LONGEST = timedelta(hours=1)
ATTEMPTS = 5  # a worker that is restarted takes one


@workflow.defn(name=names.SIMULATION)
class Simulation:
    """Runs an order; its own history keeps order and outcome for as long as Temporal does."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> SimulationOutcome:
        """Return what came of it."""
        return await workflow.execute_activity_method(
            Simulator.simulate,
            order,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=QUIET,
            retry_policy=RetryPolicy(maximum_attempts=ATTEMPTS),
            # It has ended when its processes have.
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
