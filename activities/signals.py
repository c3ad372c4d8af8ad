"""Lets activities signal subscriptions from their threads, through the Temporal client's loop."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.context import BillingContext

WAIT = timedelta(seconds=5)  # for the server's answer
LONGEST_SECONDS = 10  # for the loop, which may be busy


class SignalsSubscriptions:
    """What an activity that signals subscriptions holds, besides the ledger."""

    def __init__(
        self, context: BillingContext, client: Client, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._context = context
        self._client = client
        self._loop = loop

    def _tell(self, subscription_id: str, signal: str, message: Mapping[str, object]) -> str | None:
        """Signal a subscription; return `subscription_ended` if it no longer runs."""
        handle = self._client.get_workflow_handle(f"subscription:{subscription_id}")
        sent = handle.signal(signal, message, rpc_timeout=WAIT)
        try:
            asyncio.run_coroutine_threadsafe(sent, self._loop).result(LONGEST_SECONDS)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return "subscription_ended"
            raise
        return None
