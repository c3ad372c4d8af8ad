"""Who is in the operators' console: a sealed cookie, ended by rest, age or another password."""

import secrets as random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response

from api.pages.cookies import SealedCookie
from api.services import Services
from domain.access.sealed import Seal

LASTS = timedelta(hours=1)  # after the last use
LONGEST = timedelta(hours=12)  # after signing in
RENEWED = timedelta(minutes=1)
COOKIE = SealedCookie(
    "drawdown_operator", "/operator", Seal.OPERATOR, lasts=LASTS, same_site="strict"
)


class Way(StrEnum):
    """How somebody signed in: a session lives only where that way is still open."""

    PASSWORD = "password"  # noqa: S105 - a word
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which an operator has signed in."""

    session_id: str
    email: str
    epoch: int
    begun_at: datetime
    used_at: datetime
    way: Way = Way.PASSWORD

    def is_over(self, at: datetime) -> bool:
        """Return whether it has ended, by rest or by age."""
        return at >= self.used_at + LASTS or at >= self.begun_at + LONGEST


def begin(email: str, epoch: int, at: datetime, *, way: Way = Way.PASSWORD) -> Session:
    """Return a new session."""
    named = random.token_urlsafe(16)
    return Session(named, email, epoch, begun_at=at, used_at=at, way=way)


def session_of(request: Request, services: Services, at: datetime) -> Session | None:
    """Return the session of a request; None: there is none, or it is over."""
    kept = COOKIE.read(request, services)
    if kept is None:
        return None
    begun, used = (datetime.fromisoformat(kept[name]) for name in ("begun", "used"))
    way = Way(kept.get("way", Way.PASSWORD))
    found = Session(kept["id"], kept["email"], kept["epoch"], begun, used_at=used, way=way)
    return None if found.is_over(at) else found


def renew(response: Response, services: Services, session: Session, at: datetime) -> None:
    """Write the cookie of a session that is used at `at`, unless it was just written."""
    if at - session.used_at >= RENEWED:
        keep(response, services, replace(session, used_at=at))


def keep(response: Response, services: Services, session: Session) -> None:
    """Write a session's cookie: no script reads it, and no other site sends it."""
    content = {
        "id": session.session_id,
        "email": session.email,
        "epoch": session.epoch,
        "begun": session.begun_at.isoformat(),
        "used": session.used_at.isoformat(),
        "way": session.way,
    }
    COOKIE.write(response, services, content)


def end(response: Response) -> None:
    """Take the cookie away."""
    COOKIE.end(response)
