"""Consents given on a page, remembered for a window as those of confirmed events are."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text


def remember(
    connection: Connection,
    account_id: int,
    counters: Sequence[str],
    *,
    window_start: datetime,
    at: datetime,
) -> bool:
    """Remember consents for the window that began at `window_start`; False: it is over."""
    statement = text("SELECT remember_consents(:account, CAST(:names AS text[]), :start, :at)")
    values = {"account": account_id, "names": list(counters), "start": window_start, "at": at}
    return bool(connection.scalar(statement, values))
