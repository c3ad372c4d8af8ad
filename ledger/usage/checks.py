"""Checks: what debits would come to, for all callers that wait, in one call that locks nothing.

What cannot be read without the lock goes to the account's writer, which makes the debit and undoes
it: nobody whose answer can be read waits for a lock of another.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from domain.usage import DebitOutcome
from ledger.usage import debits
from ledger.usage.debits import Arguments, Demand
from ledger.usage.line import Line
from ledger.usage.queues import LedgerBusyError, Queue, Waiting
from ledger.usage.requests import Row

UNNAMED = ""  # the key of an event that is only asked about: no sender can use it
STATEMENT = """
SELECT ord, status, seq, available, missing, crossed, detail FROM check_debits(
    %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz, %s::jsonb[], %s::bigint[])
"""


def arguments(demands: Sequence[Demand], at: datetime) -> Arguments:
    """Return the arguments of `STATEMENT`, one array per column."""
    account, key, *columns = debits.columns(demands, at)
    if any(one.priced.event.key == UNNAMED for one in demands):  # NULL: nobody's
        key = debits.array(
            [
                debits.quoted(one.priced.event.key) if one.priced.event.key else "NULL"
                for one in demands
            ]
        )
    return (account, key, *columns[:5], *columns[6:])  # tags decide nothing


def outcomes(demands: Sequence[Demand], rows: Iterable[Row]) -> list[DebitOutcome | None]:
    """Return each event's outcome in the order asked; None: it cannot be read without the lock."""
    found: list[DebitOutcome | None] = [None] * len(demands)
    for row in rows:
        place = row[0] - 1
        found[place] = debits.outcome(demands[place].priced, row)
    return found


class Checks(Queue):
    """Callers who ask before they do something."""

    def __init__(self, writer_of: Callable[[int], Queue]) -> None:
        """`writer_of` an account answers what needs its lock."""
        super().__init__()
        self._writer_of = writer_of

    async def _carry_out(self, line: Line, batch: list[Waiting]) -> None:
        if not batch:
            return
        at = max(waiting.at for waiting in batch)
        demands = [one.asked for one in batch if isinstance(one.asked, Demand)]
        found = outcomes(demands, await line.ask(STATEMENT, arguments(demands, at)))
        asyncio.get_running_loop().call_soon(self._answer, batch, demands, found)

    def _answer(
        self,
        batch: Sequence[Waiting],
        demands: Sequence[Demand],
        found: Sequence[DebitOutcome | None],
    ) -> None:
        for waiting, demand, outcome in zip(batch, demands, found, strict=True):
            if outcome is not None:
                waiting.tell(outcome)
                continue
            request = debits.checking(_named(demand), waiting.at)
            try:
                self._writer_of(demand.account_id).enqueue(replace(waiting, asked=request))
            except LedgerBusyError as error:
                waiting.fail(error)


def _named(demand: Demand) -> Demand:
    """Return a demand with a key, one that nobody has used if it had none."""
    if demand.priced.event.key != UNNAMED:
        return demand
    event = replace(demand.priced.event, key=f"check:{uuid4()}")
    return replace(demand, priced=replace(demand.priced, event=event))
