"""The outbox: messages written with their cause, delivered at least once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Message:
    """One undelivered message; `message_key` is unique in its account and made from ids."""

    account_id: int
    message_key: str
    payload: dict[str, Any]


def put(
    connection: Connection,
    account_id: int,
    message_key: str,
    topic: str,
    payload: Mapping[str, Any],
) -> None:
    """Queue a message in the causing transaction; a repeat adds nothing."""
    connection.execute(
        text("""
            INSERT INTO outbox (account_id, message_key, topic, payload)
            VALUES (:account, :key, :topic, CAST(:payload AS jsonb)) ON CONFLICT DO NOTHING
        """),
        {"account": account_id, "key": message_key, "topic": topic, "payload": json.dumps(payload)},
    )


def instant(connection: Connection) -> datetime:
    """Return when what this transaction queues is recorded."""
    now: datetime = connection.execute(text("SELECT now()")).scalar_one()
    return now


def last_mail_with(connection: Connection, account_id: int, part: str) -> datetime | None:
    """Return when the newest mail to a customer was queued whose button's address has a part."""
    found: datetime | None = connection.scalar(
        text("""
            SELECT max(recorded_at) FROM outbox WHERE account_id = :account AND topic = 'mail'
            AND strpos(payload #>> '{mail,reader,action_url}', :part) > 0
        """),
        {"account": account_id, "part": part},
    )
    return found


def queued(connection: Connection, account_id: int, message_key: str) -> dict[str, Any] | None:
    """Return the payload queued under a key, delivered or not, or None."""
    found = connection.scalar(
        text("SELECT payload FROM outbox WHERE account_id = :account AND message_key = :key"),
        {"account": account_id, "key": message_key},
    )
    return None if found is None else dict(found)


def waiting(connection: Connection, topic: str, *, grace_seconds: int, limit: int) -> list[Message]:
    """Claim undelivered messages until the transaction ends; other relays skip them.

    The grace leaves a message to its cause, which usually delivers it at once.
    """
    rows = connection.execute(
        text("""
            SELECT account_id, message_key, payload FROM outbox
            WHERE topic = :topic AND delivered_at IS NULL
              AND recorded_at < now() - make_interval(secs => :grace)
            ORDER BY recorded_at LIMIT :limit FOR UPDATE SKIP LOCKED
        """),
        {"topic": topic, "grace": grace_seconds, "limit": limit},
    )
    return [Message(row.account_id, row.message_key, row.payload) for row in rows]


def delivered(connection: Connection, message: Message, *, refused: str | None = None) -> None:
    """Mark a message as delivered, or as undeliverable with the reason."""
    connection.execute(
        text("""
            UPDATE outbox SET delivered_at = now(), refused = :refused
            WHERE account_id = :account AND message_key = :key
        """),
        {"account": message.account_id, "key": message.message_key, "refused": refused},
    )
