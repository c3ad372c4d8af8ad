"""How activities are called: every timeout and retry of the workflows, named."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType

from workflows.names import BILLING, STRIPE


class Options(TypedDict, total=False):
    """The arguments that every activity call shares."""

    task_queue: str
    schedule_to_close_timeout: timedelta
    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType
    priority: Priority


# The ledger answers in milliseconds; if the database is down, retry as long as it takes. A killed
# worker's activity times out well before waiting updates run out of patience (mailbox.py).
LEDGER: Options = {
    "task_queue": BILLING,
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=30),
    ),
}

# Every call acts on an object or key that makes a repeat harmless, so retries need no limit. The
# HTTP timeout is 20 s and one call may also read the object back.
PROCESSOR: Options = {
    "task_queue": STRIPE,
    "start_to_close_timeout": timedelta(seconds=90),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=60),
    ),
}

# Somebody waits for the answer, and nothing has begun: it is given up before its sender is told
# that the purchase goes on (`PATIENCE` in mailbox.py).
LOOK_UP: Options = {
    **PROCESSOR,
    "schedule_to_close_timeout": timedelta(seconds=15),
    "start_to_close_timeout": timedelta(seconds=10),
}

LONGEST_SUMMARY = 200  # bytes; beyond 400 the server refuses the whole workflow task


def short(summary: str) -> str:
    """Cut a summary that contains other people's text to the length the server accepts."""
    return summary.encode()[:LONGEST_SUMMARY].decode(errors="ignore")


INTERACTIVE, PURCHASE, RENEWAL = 1, 2, 4


def ranked(options: Options, rank: int, customer_id: str) -> Options:
    """Give a call its priority, and the customer as its fairness key."""
    return {**options, "priority": Priority(priority_key=rank, fairness_key=customer_id[:64])}


def of_a_period(customer_id: str, *, first: bool) -> Options:
    """Return how the ledger is called for a period: renewals wait behind usage, which has no rank.

    Somebody waits for a first one.
    """
    return ranked(LEDGER, INTERACTIVE if first else RENEWAL, customer_id)
