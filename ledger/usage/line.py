"""One round trip of a prepared statement on a connection that nobody else uses meanwhile.

A cursor of psycopg adapts every argument and row by its type, and waits through three coroutines.
What a group asks has a handful of known types, and one answer: this does no more than that.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors, pq

from ledger.usage.requests import Row

Argument = str | int | datetime | None
Read = Callable[[bytes], Any]


def _bool(value: bytes) -> bool:
    return value == b"t"


# By the type's number in every PostgreSQL: bool, int8, int4, text, jsonb.
READ: dict[int, Read] = {16: _bool, 20: int, 23: int, 25: bytes.decode, 3802: json.loads}


class Line:
    """A connection in UTF-8 without a transaction under way, and what is prepared on it."""

    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self.connection = connection
        self._wire = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._prepared: dict[str, bytes] = {}

    async def ask(self, statement: str, arguments: Sequence[Argument]) -> list[Row]:
        """Return the rows of a statement with `%s` for its arguments. Raises psycopg's errors."""
        written = [_written(one) for one in arguments]
        name = self._prepared.get(statement) or await self._prepare(statement)
        self._wire.send_query_prepared(name, written)
        return _rows(await self._answer())

    async def _prepare(self, statement: str) -> bytes:
        first, *rest = statement.split("%s")
        numbered = first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1))
        name = b"line_%d" % len(self._prepared)
        self._wire.send_prepare(name, numbered.encode())
        await self._answer()
        self._prepared[statement] = name
        return name

    async def _answer(self) -> pq.abc.PGresult:
        """Send what is to be sent, and wait for the one result."""
        arrived: asyncio.Future[pq.abc.PGresult] = self._loop.create_future()
        place, found = self._wire.socket, list[pq.abc.PGresult]()
        self._loop.add_reader(place, self._read, arrived, found)
        if self._wire.flush():  # more than the socket takes at once
            self._loop.add_writer(place, self._write, arrived)
        try:
            result = await arrived
        finally:
            self._loop.remove_reader(place)
            self._loop.remove_writer(place)
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
        return result

    def _read(self, arrived: asyncio.Future[pq.abc.PGresult], found: list[pq.abc.PGresult]) -> None:
        try:
            self._wire.consume_input()
            while not self._wire.is_busy():
                result = self._wire.get_result()
                if result is None:
                    if not found:  # a broken connection may end without a word
                        raise psycopg.OperationalError("the database gave no answer")
                    if not arrived.done():
                        arrived.set_result(found[-1])
                    return
                found.append(result)
        except psycopg.Error as error:
            if not arrived.done():
                arrived.set_exception(error)

    def _write(self, arrived: asyncio.Future[pq.abc.PGresult]) -> None:
        try:
            if not self._wire.flush():
                self._loop.remove_writer(self._wire.socket)
        except psycopg.Error as error:
            if not arrived.done():
                arrived.set_exception(error)


def _written(argument: Argument) -> bytes | None:
    """Return an argument as PostgreSQL reads it. Raises `DataError`, `UnicodeError`."""
    if argument is None:
        return None
    text = argument.isoformat() if isinstance(argument, datetime) else str(argument)
    if "\x00" in text:  # where C ends a text: it would be another one
        raise psycopg.DataError("PostgreSQL text cannot contain NUL (0x00) bytes")
    return text.encode()


def _rows(result: pq.abc.PGresult) -> list[Row]:
    columns = [_column(result, place, READ[result.ftype(place)]) for place in range(result.nfields)]
    return list(zip(*columns, strict=True))


def _column(result: pq.abc.PGresult, place: int, read: Read) -> list[Any]:
    value = result.get_value
    found = [value(row, place) for row in range(result.ntuples)]
    return [None if one is None else read(one) for one in found]
