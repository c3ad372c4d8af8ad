"""What one measured part did: speed, latency, and what it wrote."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from local.postgres import SUPERUSER, Postgres


@dataclass(frozen=True, slots=True)
class Speed:
    """Operations per second and latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    operations: int


@dataclass(slots=True)
class Written:
    """Bytes that the journal and the write-ahead log grew by."""

    heap: int = 0
    indexes: int = 0
    wal: int = 0
    events: int = field(default=0)


def speed(latencies_ms: Sequence[float], operations: int, seconds: float) -> Speed:
    """Return the speed of a part whose latencies may be a sample."""
    ordered = sorted(latencies_ms)
    return Speed(
        operations / seconds,
        ordered[len(ordered) // 2],
        ordered[len(ordered) * 99 // 100],
        operations,
    )


@contextmanager
def watched(server: Postgres) -> Iterator[Written]:
    """Fill in what was written while the block ran."""
    written = Written()
    before = _sizes(server)
    yield written
    heap, indexes, wal, events = (
        after - start for after, start in zip(_sizes(server), before, strict=True)
    )
    written.heap, written.indexes, written.wal, written.events = heap, indexes, wal, events


def _sizes(server: Postgres) -> tuple[int, ...]:
    with psycopg.connect(server.dsn(role=SUPERUSER)) as connection:
        row = connection.execute(
            "SELECT pg_table_size('entries'), pg_indexes_size('entries'),"
            " pg_current_wal_insert_lsn() - '0/0', (SELECT count(*) FROM entries)"
        ).fetchone()
    return tuple(int(value) for value in row or ())
