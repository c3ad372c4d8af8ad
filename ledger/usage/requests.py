"""What is asked of one account, for either door: sent at once, or along with waiting debits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A statement that returns one row, and what that row means; `reads`: it changes nothing."""

    account_id: int
    statement: str
    arguments: tuple[object, ...]
    outcome: Callable[[Row], Any]
    reads: bool = False


def ask(connection: Connection, request: Request) -> Any:
    """Ask at once, in the connection's transaction; return the outcome."""
    row = connection.exec_driver_sql(request.statement, request.arguments).one()
    return request.outcome(tuple(row))
