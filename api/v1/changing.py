"""Changes that the database alone carries out, made together with the answer that is kept of them.

No crash leaves one without the other: a key or a secret that nobody was told would otherwise be
made once more, or be lost, when the request is repeated.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection

from api.v1.call import Call, Reply
from api.v1.problems import Problem
from ledger import kept_requests

Changed = TypeVar("Changed")
Change = Callable[[Connection, datetime], Changed]


async def changed(call: Call, change: Change[Changed], told: Callable[[Changed], Reply]) -> Reply:
    """Carry out a keyed request in one transaction; `told` makes the reply of what changed.

    Raises `Problem` (`request_under_way`) where somebody took the request over and answered it.
    """

    def run() -> Reply:
        at = datetime.now(UTC)
        with call.services.engine.begin() as connection:
            answer = told(change(connection, at))
            kept = answer.kept or answer.body
            if call.turn is not None and not kept_requests.answer(
                connection, call.turn, answer.status, kept, at=at
            ):
                raise Problem("request_under_way", "another process carried the request out")
            return answer

    return await asyncio.to_thread(run)
