"""API keys, each looked up once and remembered for a few seconds."""

import asyncio
import time
from datetime import UTC, datetime

from sqlalchemy import Engine

from domain.api_keys import ApiKey, digest_of, key_id_of
from ledger import api_keys

REMEMBERED_SECONDS = 5.0  # so long a revoked key may still work
MOST_REMEMBERED = 10_000


class KeyRing:
    """Keys by the digest of what was sent, so that no secret is kept in memory."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[bytes, tuple[float, ApiKey | None]] = {}
        self._used: dict[str, datetime] = {}

    def remembered(self, token: str) -> ApiKey | None:
        """Return the live key of a token if that is known without looking it up."""
        kept = self._known.get(digest_of(token))
        return kept[1] if kept is not None and kept[0] >= time.monotonic() else None

    async def find(self, token: str) -> ApiKey | None:
        """Return the live key of a token; None: there is none."""
        if key_id_of(token) is None:  # nobody's: a flood of such must not reach the database
            return None
        digest = digest_of(token)
        now = time.monotonic()
        kept = self._known.get(digest)
        if kept is None or kept[0] < now:
            kept = (now + REMEMBERED_SECONDS, await asyncio.to_thread(self._look_up, digest))
            if len(self._known) >= MOST_REMEMBERED:  # guesses must not fill the memory
                self._known.clear()
            self._known[digest] = kept
        return kept[1]

    def _look_up(self, digest: bytes) -> ApiKey | None:
        at = datetime.now(UTC)
        with self._engine.begin() as connection:
            key = api_keys.find(connection, digest, at)
            if key is not None and self._is_news(key.key_id, at):
                api_keys.note_used(connection, {key.key_id: at})
        return key

    def _is_news(self, key_id: str, at: datetime) -> bool:
        """Return whether this use is worth a write: one a minute and key is."""
        minute = at.replace(second=0, microsecond=0)
        if self._used.get(key_id) == minute:
            return False
        self._used[key_id] = minute
        return True
