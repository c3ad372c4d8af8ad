"""A change of keys or endpoints and its kept answer are one: never one without the other."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from local.patience import until
from models.base import connect

PATH, TABLE = "/webhook_endpoints", "webhook_endpoints"
MADE = {"url": "https://product.example/hooks", "owner_email": "ops@a.example"}
# Only who waits for this very holder: other databases of the server know the table by the same
# number, and lock it too.
WAITS = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = :table ::regclass"
    " AND mode = 'RowExclusiveLock' AND :holder = ANY (pg_blocking_pids(pid))"
)


@pytest.fixture
def owner(session_database):
    """The tables' owner, who may lock them."""
    made = connect(session_database.owner_url)
    yield made
    made.dispose()


async def blocked(engine, holder):
    """Wait until the request's own statement waits for the holder of the table's lock."""
    looked_for = {"holder": holder.scalar(text("SELECT pg_backend_pid()")), "table": TABLE}

    async def look() -> int:
        with engine.connect() as connection:
            return connection.scalar(WAITS, looked_for)

    await until(look, bool, "a request that waits for the table")


def count(connection):
    return connection.scalar(text(f"SELECT count(*) FROM {TABLE}"))


async def test_who_was_overtaken_while_changing_changes_nothing(door, engine, owner):
    name = str(uuid4())
    with owner.connect() as holder:
        before = count(holder)
        holder.execute(text(f"LOCK TABLE {TABLE} IN EXCLUSIVE MODE"))
        headers = {"Idempotency-Key": name}
        slow = asyncio.create_task(door.post(PATH, json=MADE, headers=headers))
        await blocked(owner, holder)
        with engine.begin() as connection:  # another process took it over, and has answered
            answered = text(
                "UPDATE kept_requests SET status = 201, answer = :answer, answered_at = now()"
                " WHERE key = :key"
            )
            took = connection.execute(answered, {"answer": b'{"first": true}', "key": name})
            assert took.rowcount == 1
        holder.rollback()
    assert (await slow).json()["reason"] == "request_under_way"
    again = await door.post(PATH, json=MADE, headers=headers)
    assert (again.status_code, again.json()) == (201, {"first": True})
    with engine.connect() as connection:
        assert count(connection) == before
