"""Acts that schemathesis makes up, against a fleet: every answer is one that the document names."""

import asyncio
from functools import partial

import pytest

from tests.api.v1.openapi.made_up import made_up

pytestmark = pytest.mark.long

# With the reads, which links lead to; a stream does not end.
ACTS = "^(post|put|delete|get)_(subscriptions|customers|invitations)(?!.*_stream$)"
EXAMPLES = "4"  # of each operation: each may be a workflow's


async def test_acts_that_are_made_up_are_answered_as_the_document_says(
    fleet, door_url, api_key, tmp_path
):
    customer = await fleet.subscribe("core_10k")
    names = {
        "MADE_UP_CUSTOMER": customer.name,
        "MADE_UP_SUBSCRIPTION": customer.life.handle.id.partition(":")[2],
    }
    only = ("--include-operation-id-regex", ACTS)
    done = await asyncio.to_thread(
        partial(
            made_up, tmp_path, door_url, api_key, *only, examples=EXAMPLES, own="-made-up", **names
        )
    )
    assert done.returncode == 0, done.stdout + done.stderr
