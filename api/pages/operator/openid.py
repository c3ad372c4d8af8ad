"""Signing in by the seller's identity provider (OpenID Connect, authorization code with PKCE).

A browser that begins gets a sealed cookie with what only it can send back. It comes back by a link
from another site, which the session's own cookie does not follow: a page of ours leads on.
"""

import asyncio
import hmac
import logging
import secrets as random
from datetime import UTC, datetime, timedelta
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.errors import NotFoundError
from api.pages.cookies import SealedCookie
from api.pages.operator import sessions
from api.pages.operator.page import FIRST, address
from api.pages.operator.serving import CALLBACK, SIGN_IN, SIGN_OUT
from api.pages.rendering import HEADERS, rendered
from api.pages.serving import UNAVAILABLE, failed, for_people, waiting
from api.services import Identities, Services
from domain.access.identities import SignInRefused, identity_of
from domain.access.operators import Operator
from domain.access.sealed import Seal
from domain.errors import BillingError
from gateways.identity.provider import Attempt, SignedIn
from ledger.access import operators

log = logging.getLogger(__name__)

LASTS = timedelta(minutes=10)  # for which a person may be at the provider's pages
COOKIE = SealedCookie("drawdown_sign_in", SIGN_IN, Seal.SIGN_IN, lasts=LASTS, same_site="lax")
# The ID token goes back to the provider with a person who signs out, and nowhere else before.
TOKEN = SealedCookie(
    "drawdown_id_token", SIGN_OUT, Seal.SIGN_OUT, lasts=sessions.LONGEST, same_site="strict"
)
LONGEST_TOKEN = 2_800  # characters: sealed, more would be no cookie that a browser keeps
AGAIN = "Begin again. If it stays so, tell who runs Drawdown: its log says which check failed."
# What each refusal is for the person: what happened, what cures it, and the status.
TOLD = {
    "provider_unavailable": (
        "The identity provider does not answer",
        "Begin again in a minute. If it stays so, tell who runs the identity provider.",
        UNAVAILABLE,
    ),
    "sign_in_over": (
        "This sign-in is over",
        (
            "It was begun more than ten minutes ago, in another browser, or another one was begun"
            " meanwhile. Begin again."
        ),
        403,
    ),
    "provider_refused": (
        "The identity provider did not sign you in",
        "Begin again. If it stays so, ask its administrator whether you may use this application.",
        403,
    ),
    "id_token_refused": ("The identity provider's answer cannot be trusted", AGAIN, 403),
    "address_missing": (
        "The identity provider does not tell your address",
        (
            "What you do here is kept with your e-mail address. Ask the provider's administrator to"
            " confirm yours, and to send it to this application."
        ),
        403,
    ),
    "no_role": (
        "You have no role here",
        (
            "Ask the identity provider's administrator for the one that lets you do your work"
            " (support, finance or admin), then begin again."
        ),
        403,
    ),
    "address_taken": (
        "Your address belongs to somebody else here",
        (
            "Another person signed in with it before. If that was you, ask who runs Drawdown to"
            " release it."
        ),
        403,
    ),
    "operator_disabled": (
        "You may not sign in here any more",
        "An admin has ended your account. Another one can have it released.",
        403,
    ),
}


async def _begin(request: Request) -> Response:
    """Lead to the provider."""
    services: Services = request.state.services
    attempt = Attempt(*(random.token_urlsafe(32) for _ in range(3)))
    where = await _known(services).provider.begin(attempt)
    answer = RedirectResponse(where, 303, HEADERS)
    kept = {
        "state": attempt.state,
        "nonce": attempt.nonce,
        "verifier": attempt.verifier,
        "at": datetime.now(UTC).isoformat(),
    }
    COOKIE.write(answer, services, kept)
    return answer


async def _finish(request: Request) -> Response:
    """Take the provider's answer, once, and begin a session."""
    services: Services = request.state.services
    known, at = _known(services), datetime.now(UTC)
    attempt = _attempt(request, services, at)
    found = await known.provider.finish(attempt, request.query_params, at)
    identity, role = identity_of(found.claims), known.rules.role_of(found.claims)

    def enter() -> Operator | None:
        with services.engine.begin() as connection:
            if role is None:
                operators.lose_role(connection, identity)
                return None
            return operators.enter(connection, identity, role, at)

    operator = await asyncio.to_thread(enter)
    if operator is None:
        raise SignInRefused("no_role", "no value of the roles' claim is one of ours")
    # The name of a page of ours, whatever the query says: nobody is led anywhere else.
    answer = rendered("operator/signed_in.html.j2", {"name": operator.name, "to": address(FIRST)})
    begun = partial(sessions.begin, operator.email, operator.epoch, at)
    sessions.keep(answer, services, begun(way=sessions.Way.PROVIDER))
    _keep_token(answer, services, found)
    COOKIE.end(answer)
    return answer


def _keep_token(answer: Response, services: Services, found: SignedIn) -> None:
    """Keep the token for the way out; an older one is never left in its place."""
    if len(found.token) <= LONGEST_TOKEN:
        TOKEN.write(answer, services, {"token": found.token})
    else:
        TOKEN.end(answer)


async def _leave(request: Request) -> Response:
    """End the session here, and lead on to where it ends at the provider, if it says where.

    Only a browser with a live session begun by the provider is led there: our cookie is not sent
    from other sites, and so no link of theirs signs anybody out at the provider.
    """
    services: Services = request.state.services
    session = sessions.session_of(request, services, datetime.now(UTC))
    where = None
    if services.identities and session and session.way is sessions.Way.PROVIDER:
        kept = TOKEN.read(request, services) or {"token": ""}
        back = services.public_url + SIGN_IN
        try:
            where = await services.identities.provider.leave(kept["token"], back)
        except SignInRefused as error:
            log.warning("somebody was signed out here alone: %s: %s", error.reason, error)
    answer = RedirectResponse(where or SIGN_IN, 303, HEADERS)
    sessions.end(answer)
    TOKEN.end(answer)
    return answer


def _known(services: Services) -> Identities:
    if services.identities is None:
        raise NotFoundError("not_found", "there is no such page")
    return services.identities


def _attempt(request: Request, services: Services, at: datetime) -> Attempt:
    """Return the sign-in that this browser has begun. Raises `SignInRefused` (`sign_in_over`)."""
    kept = COOKIE.read(request, services)
    over = SignInRefused("sign_in_over", "this browser has not begun this sign-in")
    if kept is None or at >= datetime.fromisoformat(kept["at"]) + LASTS:
        raise over
    sent = request.query_params.get("state", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(sent, kept["state"].encode()):
        raise over
    return Attempt(kept["state"], kept["nonce"], kept["verifier"])


def _refused(_: Request, error: BillingError) -> Response:
    """Say what cures it; the log says which check failed, and nothing of what was sent."""
    if error.reason not in TOLD:
        return failed(error)
    log.warning("nobody was signed in: %s: %s", error.reason, error)
    title, text, status = TOLD[error.reason]
    facts = {"title": title, "text": text, "again": SIGN_IN}
    answer = waiting(rendered("operator/not_signed_in.html.j2", facts, status))
    COOKIE.end(answer)
    return answer


ROUTES = [
    Route(f"{SIGN_IN}/begin", for_people(_begin, _refused), methods=["GET"]),
    Route(CALLBACK, for_people(_finish, _refused), methods=["GET"]),
    Route(SIGN_OUT, _leave, methods=["GET"]),
]
