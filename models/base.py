"""The declarative base and how a database URL names its driver."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Connection, DateTime, Engine, create_engine, event
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import Text


class Base(DeclarativeBase):
    """All tables; integers are BIGINT, instants are timestamptz."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
    }


def driver_url(url: str) -> str:
    """Name psycopg 3 in a plain `postgresql://` URL."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def connect(
    url: str, *, pool_size: int = 10, request_id: Callable[[], str | None] | None = None
) -> Engine:
    """Return an engine whose sessions give up on locks and statements before an activity does.

    `request_id` says which request a transaction is for, so that what it writes is found by it.
    """
    engine = create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged and kept in histories: names, addresses, digests
        connect_args={
            "options": "-c lock_timeout=5s -c statement_timeout=15s -c timezone=UTC"
            " -c idle_in_transaction_session_timeout=20s"
        },
    )
    if request_id is not None:
        event.listen(engine, "begin", partial(_name_request, request_id))
    return engine


def _name_request(request_id: Callable[[], str | None], connection: Connection) -> None:
    """Tell the transaction's triggers (requests.sql) which request they write for, if any."""
    if named := request_id():
        connection.exec_driver_sql("SELECT set_config('drawdown.request', %s, true)", (named,))
