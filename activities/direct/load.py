"""What the usage of one process waits for at the moment, and what it has committed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Numbers of one process; the last two only grow."""

    queued: int  # debits and holds that wait for the group commit
    parked: int  # callers who wait for a purchase or a renewal
    batches: int
    committed: int  # debits and holds in those batches
