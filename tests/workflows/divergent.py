"""A subscription that was changed without thinking of those that run."""

from temporalio import workflow
from temporalio.common import RawValue

from workflows.subscription.workflow import Subscription


@workflow.defn(name="Subscription")
class Hasty(Subscription):
    """Does the same, after one more timer."""

    @workflow.init
    def __init__(self, message: RawValue) -> None:
        super().__init__(message)

    @workflow.run
    async def run(self, message: RawValue) -> str:
        """Wait first, which no stored history did."""
        await workflow.sleep(1, summary="one more timer")
        return await super().run(message)
