"""The keys of programs that call the API, as the database keeps them: by their digests.

Whoever calls decides when to commit. A secret is in what `create` and `rotate` return and nowhere
else: show it once.
"""

import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, text, update

from domain.api_keys import (
    ID_LENGTH,
    MOST_HOURS,
    SECRET_BYTES,
    ApiKey,
    Scope,
    digest_of,
    scopes_of,
    written,
)
from domain.errors import InvalidInput
from models.tables import ApiKeyRow

LONGEST_NAME = 200

# Locked in one order, so that two processes that note the same keys wait and never deadlock.
_NOTE_USED = text("""
WITH used AS MATERIALIZED (
    SELECT k.key_id, date_trunc('minute', u.at, 'UTC') AS at
    FROM api_keys k JOIN unnest(CAST(:ids AS text[]), CAST(:ats AS timestamptz[])) AS u (key_id, at)
         USING (key_id)
    ORDER BY k.key_id FOR UPDATE OF k
)
UPDATE api_keys k SET last_used_at = u.at FROM used u
WHERE k.key_id = u.key_id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)
""")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `secret` is the whole key: shown once, kept nowhere."""

    key: ApiKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """What is known of a key. `last_used_at` is exact to the minute; `expires_at` once replaced."""

    key: ApiKey
    name: str
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    expires_at: datetime | None
    replaced_by: str | None
    revoked_at: datetime | None
    revoked_by: str | None

    def works(self, at: datetime) -> bool:
        """Return whether calls with the key are answered at an instant."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def create(
    connection: Connection,
    name: str,
    scopes: Iterable[str],
    catalog: str | None,
    by: str,
    at: datetime,
) -> NewKey:
    """Make a key; `catalog` None: of every price list.

    Raises `InvalidInput`: `unknown_scope`, or `invalid_value` for a name, catalog or author that is
    empty or too long.
    """
    for label, value in (("name", name), ("author", by), ("catalog", catalog or "all")):
        _require_name(label, value)
    return _insert(connection, name=name, scopes=scopes_of(scopes), catalog=catalog, by=by, at=at)


def listed(connection: Connection) -> tuple[ListedKey, ...]:
    """Return every key there ever was, the oldest first."""
    rows = connection.execute(
        select(ApiKeyRow.__table__).order_by(ApiKeyRow.created_at, ApiKeyRow.key_id)
    )
    return tuple(map(_listed, rows))


def rotate(connection: Connection, key_id: str, hours: int, by: str, at: datetime) -> NewKey:
    """Replace a key by a new one of the same rights; the old one works for so many hours more.

    Raises `InvalidInput`: `unknown_key`, `key_revoked`, `key_replaced`, `invalid_value`.
    """
    if not 0 <= hours <= MOST_HOURS:
        raise InvalidInput("invalid_value", f"hours: send a whole number from 0 to {MOST_HOURS}")
    _require_name("author", by)
    old = _locked(connection, key_id)
    if old.revoked_at is not None:
        raise InvalidInput("key_revoked", f"{key_id} was revoked: make a new key")
    if old.replaced_by is not None:
        raise InvalidInput("key_replaced", f"{key_id} was replaced: rotate {old.replaced_by}")
    kept = old.key
    new = _insert(connection, name=old.name, scopes=kept.scopes, catalog=kept.catalog, by=by, at=at)
    _change(connection, key_id, expires_at=at + timedelta(hours=hours), replaced_by=new.key.key_id)
    return new


def revoke(connection: Connection, key_id: str, by: str, at: datetime) -> ListedKey:
    """End a key for good and return it; of a repeat, the first revocation stands.

    Raises `InvalidInput`: `unknown_key`, `invalid_value`.
    """
    _require_name("author", by)
    if _locked(connection, key_id).revoked_at is None:
        _change(connection, key_id, revoked_at=at, revoked_by=by)
    return _locked(connection, key_id)


def find(connection: Connection, digest: bytes, at: datetime) -> ApiKey | None:
    """Return the key of a digest, if it works at that instant."""
    row = connection.execute(
        select(ApiKeyRow.key_id, ApiKeyRow.scopes, ApiKeyRow.catalog).where(
            ApiKeyRow.digest == digest,
            ApiKeyRow.revoked_at.is_(None),
            or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > at),
        )
    ).first()
    return None if row is None else _key(row)


def note_used(connection: Connection, used: Mapping[str, datetime]) -> None:
    """Note when keys were last used, by key id; to the minute, and never back."""
    if used:
        connection.execute(_NOTE_USED, {"ids": list(used), "ats": list(used.values())})


def _insert(
    connection: Connection,
    *,
    name: str,
    scopes: frozenset[Scope],
    catalog: str | None,
    by: str,
    at: datetime,
) -> NewKey:
    key_id = "".join(
        secrets.choice(string.ascii_lowercase + string.digits) for _ in range(ID_LENGTH)
    )
    secret = written(key_id, secrets.token_urlsafe(SECRET_BYTES))
    row = {
        "key_id": key_id,
        "digest": digest_of(secret),
        "name": name,
        "scopes": sorted(scopes),
        "catalog": catalog,
        "created_at": at,
        "created_by": by,
    }
    connection.execute(insert(ApiKeyRow), row)
    return NewKey(ApiKey(key_id, scopes, catalog), secret)


def _locked(connection: Connection, key_id: str) -> ListedKey:
    """Return a key that nobody else changes before the commit. Raises `unknown_key`."""
    row = connection.execute(
        select(ApiKeyRow.__table__).where(ApiKeyRow.key_id == key_id).with_for_update()
    ).first()
    if row is None:
        raise InvalidInput("unknown_key", f"there is no key {key_id!r:.40}")
    return _listed(row)


def _change(connection: Connection, key_id: str, **values: object) -> None:
    connection.execute(update(ApiKeyRow).where(ApiKeyRow.key_id == key_id).values(**values))


def _listed(row: Row[*tuple[Any, ...]]) -> ListedKey:
    return ListedKey(
        key=_key(row),
        name=row.name,
        created_at=row.created_at,
        created_by=row.created_by,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        replaced_by=row.replaced_by,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )


def _key(row: Row[*tuple[Any, ...]]) -> ApiKey:
    return ApiKey(row.key_id, frozenset(map(Scope, row.scopes)), row.catalog)


def _require_name(label: str, value: str) -> None:
    if not value.strip() or len(value) > LONGEST_NAME or not value.isprintable():
        message = f"{label}: write 1 to {LONGEST_NAME} printable characters"
        raise InvalidInput("invalid_value", message)
