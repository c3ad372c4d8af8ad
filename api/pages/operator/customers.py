"""Finding a customer by anything that somebody may have at hand."""

import asyncio
from collections.abc import Mapping
from typing import Any

from api.pages.operator.page import Page
from api.pages.operator.visits import Visit
from ledger.reads import finding

MOST = 50


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show the customers that fit what was typed; the newest ones for nothing."""
    wanted = visit.query.get("find", "").strip()[:200].replace("\x00", "")

    def read() -> list[finding.Found]:
        with visit.services.engine.connect() as connection:
            return finding.fitting(connection, wanted, MOST)

    return {"wanted": wanted, "found": await asyncio.to_thread(read), "most": MOST}


PAGE = Page("customers", "Customers", show)
