"""Who is in the customer's console: a sealed cookie for half an hour, renewed by use."""

import secrets as random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from api.pages.cookies import SealedCookie
from api.services import Services
from domain.access.sealed import Seal

LASTS = timedelta(minutes=30)  # after the last use
LONGEST = timedelta(hours=12)  # after the first
RENEWED = timedelta(minutes=1)  # a cookie older than that is written anew
COOKIE = SealedCookie("drawdown_console", "/console", Seal.CUSTOMER, lasts=LASTS, same_site="lax")


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that opened a customer's link; `member_id` "": the customer's own.

    `only` names the one page that the link shows, to look at; "": all of them.
    """

    session_id: str
    account_id: int
    member_id: str
    return_url: str
    begun_at: datetime
    used_at: datetime
    only: str = ""

    def is_over(self, at: datetime) -> bool:
        """Return whether it has ended, by rest or by age."""
        return at >= self.used_at + LASTS or at >= self.begun_at + LONGEST


def begin(
    account_id: int, member_id: str, return_url: str, at: datetime, *, only: str = ""
) -> Session:
    """Return a new session."""
    return Session(
        session_id=random.token_urlsafe(16),
        account_id=account_id,
        member_id=member_id,
        return_url=return_url,
        begun_at=at,
        used_at=at,
        only=only,
    )


def session_of(request: Request, services: Services, at: datetime) -> Session | None:
    """Return the session of a request; None: there is none, or it is over."""
    kept = COOKIE.read(request, services)
    if kept is None:
        return None
    found = Session(
        session_id=kept["id"],
        account_id=kept["account"],
        member_id=kept["member"],
        return_url=kept["back"],
        begun_at=datetime.fromisoformat(kept["begun"]),
        used_at=datetime.fromisoformat(kept["used"]),
        only=kept["only"],
    )
    return None if found.is_over(at) else found


def renew(response: Response, services: Services, session: Session, at: datetime) -> None:
    """Write the cookie of a session that is used at `at`, unless it was just written."""
    if at - session.used_at >= RENEWED:
        keep(response, services, replace(session, used_at=at))


def keep(response: Response, services: Services, session: Session) -> None:
    """Write a session's cookie: no script reads it, and no other site's form sends it."""
    content = {
        "id": session.session_id,
        "account": session.account_id,
        "member": session.member_id,
        "back": session.return_url,
        "begun": session.begun_at.isoformat(),
        "used": session.used_at.isoformat(),
        "only": session.only,
    }
    COOKIE.write(response, services, content)


def end(response: Response) -> None:
    """Take the cookie away."""
    COOKIE.end(response)
