"""Links that open the customer's console, each once and for a few minutes."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, text

from models.tables import PortalSession

LASTS = timedelta(minutes=10)  # from the link's making to its opening


@dataclass(frozen=True, slots=True)
class Opening:
    """What a link opens: a page, for a member (None: the customer's own, who may do all)."""

    account_id: int
    member_id: str | None
    page: str
    return_url: str | None


def create(connection: Connection, opening: Opening, at: datetime) -> tuple[str, datetime]:
    """Make a link's token, of which a digest alone is kept; return it and until when it opens."""
    token, until = secrets.token_urlsafe(32), at + LASTS
    own = PortalSession.account_id == opening.account_id
    connection.execute(delete(PortalSession).where(own, PortalSession.expires_at < at - LASTS))
    connection.execute(
        insert(PortalSession).values(
            digest=_digest(token),
            account_id=opening.account_id,
            member_id=opening.member_id,
            page=opening.page,
            return_url=opening.return_url,
            expires_at=until,
        )
    )
    return token, until


def open_once(connection: Connection, token: str, at: datetime) -> Opening | None:
    """Return what a token opens, the first time; None: unknown, used or expired."""
    row = connection.execute(_OPEN, {"digest": _digest(token), "at": at}).one_or_none()
    return None if row is None else Opening(*row)


def _digest(token: str) -> bytes:
    # It is of 256 random bits, so a plain digest is enough.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


_OPEN = text("""
    UPDATE portal_sessions SET opened_at = :at
    WHERE digest = :digest AND opened_at IS NULL AND expires_at > :at
    RETURNING account_id, member_id, page, return_url
""")
