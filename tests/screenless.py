"""A browser without a screen, for servers on this machine: plain HTTP, and no time of its own."""

from typing import Any

import httpx

from local.processes import TRUSTS_NOBODY


def screenless(**options: Any) -> httpx.AsyncClient:
    """Return a client that waits as long as it takes; `options` are httpx's."""
    return httpx.AsyncClient(timeout=None, verify=TRUSTS_NOBODY, **options)
