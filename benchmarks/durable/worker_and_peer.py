"""The worker of production, which also serves the empty steps: same queues, same settings."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import worker
from benchmarks.durable.empty_steps import EmptySteps, do_nothing


class FleetAndPeer(worker.Fleet):
    """Serves what the fleet serves, and the peer."""

    def served(self, queue: str) -> worker.Served:
        """Return the workflows and activities of a queue."""
        workflows, activities = super().served(queue)
        return [*workflows, EmptySteps] if workflows else [], [*activities, do_nothing]


if __name__ == "__main__":
    worker.Fleet = FleetAndPeer  # type: ignore[misc]
    code = worker.main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
