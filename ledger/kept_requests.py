"""Requests of the HTTP door that carry a key, and their first answers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, text

# A process that died leaves its request begun: whoever repeats it later takes it over. What the
# request does is idempotent by the same key, so two at once could only answer the same.
LONGEST = timedelta(seconds=60)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


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
    request_id: str | None = None  # bound to nothing: by which id operators find it


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that is ours to carry out since `at`.

    `attempt` stays the same when somebody takes an abandoned request over: what was begun under it
    may have been done.
    """

    name: Name
    attempt: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """What a key led to before; or `turn`: nothing yet, and it is ours to carry out."""

    turn: Turn | None = None
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
        "request_id": request.request_id,
        "attempt": uuid4().hex,
        "at": at,
        "abandoned": at - LONGEST,
    }
    attempt = connection.scalar(_BEGIN, values)
    if attempt is not None:
        return Begun(Turn(name, attempt, at))
    kept = connection.execute(_KEPT, values).one_or_none()
    if kept is None:  # forgotten in between: the caller repeats it
        return Begun(under_way=True)
    if (kept.address, bytes(kept.digest)) != (request.address, request.digest):
        return Begun(address=kept.address, conflict=True)
    if kept.answer is None:
        return Begun(under_way=True)
    return Begun(status=kept.status, answer=bytes(kept.answer))


def answer(connection: Connection, turn: Turn, status: int, body: bytes, at: datetime) -> bool:
    """Keep the first answer, for ever; return whether this one is it."""
    kept = connection.execute(
        _ANSWER,
        {
            "catalog": turn.name.catalog,
            "key": turn.name.key,
            "attempt": turn.attempt,
            "status": status,
            "answer": body,
            "at": at,
        },
    )
    return bool(kept.rowcount)


def forget(connection: Connection, turn: Turn) -> None:
    """Free the key of a request that came to nothing, unless somebody took it over."""
    connection.execute(_FORGET, _taken(turn))


def abandon(connection: Connection, turn: Turn) -> None:
    """Let a request whose outcome is unknown be taken over at once."""
    connection.execute(_ABANDON, {**_taken(turn), "long_ago": LONG_AGO})


def _taken(turn: Turn) -> dict[str, object]:
    return {
        "catalog": turn.name.catalog,
        "key": turn.name.key,
        "attempt": turn.attempt,
        "at": turn.at,
    }


_BEGIN = text("""
    INSERT INTO kept_requests AS k (catalog, key, address, digest, attempt, begun_at, request_id)
    VALUES (:catalog, :key, :address, :digest, :attempt, :at, :request_id)
    ON CONFLICT (catalog, key) DO UPDATE SET begun_at = excluded.begun_at
    WHERE k.answer IS NULL AND k.begun_at < :abandoned
      AND (k.address, k.digest) = (excluded.address, excluded.digest)
    RETURNING attempt
""")
_KEPT = text("""
    SELECT address, digest, status, answer FROM kept_requests
    WHERE catalog = :catalog AND key = :key
""")
# Both who was slow and who took over may answer; they answer alike, and the first one stays.
_ANSWER = text("""
    UPDATE kept_requests SET status = :status, answer = :answer, answered_at = :at
    WHERE catalog = :catalog AND key = :key AND attempt = :attempt AND answer IS NULL
""")
_FORGET = text("""
    DELETE FROM kept_requests
    WHERE catalog = :catalog AND key = :key AND attempt = :attempt AND begun_at = :at
      AND answer IS NULL
""")
_ABANDON = text("""
    UPDATE kept_requests SET begun_at = :long_ago
    WHERE catalog = :catalog AND key = :key AND attempt = :attempt AND begun_at = :at
      AND answer IS NULL
""")
