"""Requests of the HTTP door that carry a key, and their first answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

# A process that died leaves its request begun: whoever repeats it later takes it over. What the
# request does is idempotent by the same key, so two at once could only answer the same.
LONGEST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Name:
    """A key, unique among the requests of one seller's catalog ("": of all)."""

    catalog: str
    key: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a key is bound to: method and path, and the digest of the body's content."""

    address: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """What a key led to before; all at rest: the request is new, and ours to carry out."""

    address: str = ""
    conflict: bool = False
    under_way: bool = False
    status: int = 0
    answer: bytes | None = None


def begin(connection: Connection, name: Name, request: Request, at: datetime) -> Begun:
    """Write that a request is under way, or return what its key led to before."""
    values = {
        "catalog": name.catalog,
        "key": name.key,
        "address": request.address,
        "digest": request.digest,
        "at": at,
        "abandoned": at - LONGEST,
    }
    taken = connection.execute(_BEGIN, values).one_or_none()
    if taken is not None:
        return Begun()
    kept = connection.execute(_KEPT, values).one_or_none()
    if kept is None:  # forgotten in between: the caller repeats it
        return Begun(under_way=True)
    if (kept.address, bytes(kept.digest)) != (request.address, request.digest):
        return Begun(address=kept.address, conflict=True)
    if kept.answer is None:
        return Begun(under_way=True)
    return Begun(status=kept.status, answer=bytes(kept.answer))


def answer(connection: Connection, name: Name, status: int, body: bytes, at: datetime) -> None:
    """Keep the first answer, for ever."""
    connection.execute(
        text("""
            UPDATE kept_requests SET status = :status, answer = :answer, answered_at = :at
            WHERE catalog = :catalog AND key = :key AND answer IS NULL
        """),
        {
            "catalog": name.catalog,
            "key": name.key,
            "status": status,
            "answer": body,
            "at": at,
        },
    )


def forget(connection: Connection, name: Name) -> None:
    """Free the key of a request that came to nothing."""
    connection.execute(
        text("""
            DELETE FROM kept_requests
            WHERE catalog = :catalog AND key = :key AND answer IS NULL
        """),
        {"catalog": name.catalog, "key": name.key},
    )


_BEGIN = text("""
    INSERT INTO kept_requests AS k (catalog, key, address, digest, begun_at)
    VALUES (:catalog, :key, :address, :digest, :at)
    ON CONFLICT (catalog, key) DO UPDATE SET begun_at = excluded.begun_at
    WHERE k.answer IS NULL AND k.begun_at < :abandoned
      AND (k.address, k.digest) = (excluded.address, excluded.digest)
    RETURNING key
""")
_KEPT = text("""
    SELECT address, digest, status, answer FROM kept_requests
    WHERE catalog = :catalog AND key = :key
""")
