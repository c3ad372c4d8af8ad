"""The page behind a request's mail, where an admin approves or refuses."""

import asyncio
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.bodies import RawBody
from api.errors import NotFoundError, UnavailableError
from api.pages.serving import PeoplesRoute
from api.services import Services, Shared
from domain.errors import InvalidInput
from domain.mails.links import is_approver
from domain.reasons import CURES
from domain.teams.approvals import Approval, State
from gateways.letter_formats import Formats
from ledger import accounts
from ledger.teams import approvals, members
from workflows import names

PAGES = Path(__file__).resolve().parent.parent / "templates" / "pages"
PATIENCE = 30  # seconds for an answer: more than an update waits for a purchase
LONGEST_REASON = 200
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}
TITLES = {
    State.WAITING: "{} asks for {}",
    State.APPROVED: "The request of {} for {} was approved",
    State.REFUSED: "The request of {} for {} was refused",
    State.LAPSED: "The request of {} for {} has lapsed",
}

router = APIRouter(route_class=PeoplesRoute)


@dataclass(frozen=True, slots=True)
class Link:
    """The member who may decide a request, from the link that we signed."""

    subscription: str
    key: str
    member: str
    token: str

    def fields(self) -> dict[str, str]:
        """Return the hidden fields of the page's forms."""
        return {
            "subscription": self.subscription,
            "key": self.key,
            "member": self.member,
            "token": self.token,
        }


@router.get("/approvals", response_class=HTMLResponse)
def show(services: Shared, subscription: str, key: str, member: str, token: str) -> HTMLResponse:
    """Show a request; opening it decides nothing, because mail programs open links too."""
    return _page(services, Link(subscription, key, member, token), told="")


@router.post("/approvals", response_class=HTMLResponse)
async def decide(services: Shared, body: RawBody) -> HTMLResponse:
    """Take the decision of the link's holder; 503 while Temporal is unreachable."""
    sent = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    link = Link(*(sent.get(name, "") for name in ("subscription", "key", "member", "token")))
    _require(services, link)
    told = await _told(services.temporal, link, sent)
    return await asyncio.to_thread(_page, services, link, told)


async def _told(client: Client, link: Link, sent: dict[str, str]) -> str:
    """Send the decision to the request's workflow; return why it was refused, or ""."""
    message = {"by": link.member}
    name = "approve"
    if sent.get("decision") != "approve":
        name, message["reason"] = "refuse", sent.get("reason", "")[:LONGEST_REASON]
    handle = client.get_workflow_handle(names.approval_workflow(link.subscription, link.key))
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await handle.execute_update(name, message)
    except WorkflowUpdateFailedError:
        return "Please write a reason."
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return ""  # it has ended: the page shows how
        raise UnavailableError("temporal_unavailable", "your decision was not recorded") from error
    except (RuntimeError, TimeoutError) as error:
        raise UnavailableError("temporal_unavailable", "your decision was not recorded") from error
    if answer["status"] == "done":
        return ""
    if answer["status"] == "pending":
        return "We are buying credits for it: it will be approved as soon as they are paid."
    reason = str(answer["reason"])
    return f"Not done ({reason}): {CURES.get(reason, 'try again later')}."


def _require(services: Services, link: Link) -> None:
    name = (link.subscription, link.key, link.member)
    if not is_approver(services.link_secrets, *name, link.token):
        raise NotFoundError("unknown_link", "this link is not valid")


def _page(services: Services, link: Link, told: str) -> HTMLResponse:
    _require(services, link)
    with services.engine.connect() as connection:
        try:
            kept = approvals.named(connection, link.subscription, link.key)
        except InvalidInput as error:
            raise NotFoundError("unknown_link", "there is no such request") from error
        customer = accounts.details_of(connection, kept.account_id)
        deciders = members.admins(connection, kept.account_id, but=kept.wish.member_id)
        decider = members.named(connection, kept.account_id, kept.decided_by or "")
    formats = Formats.of(customer.locale, customer.time_zone)
    facts = {
        "title": _title(kept, formats),
        "told": told,
        "kept": kept,
        "names": link.fields(),
        "show": formats,
        "waiting": kept.state is State.WAITING,
        "may_decide": any(one.member_id == link.member for one in deciders),
        "decided_by": decider.name if decider else kept.decided_by,
    }
    return HTMLResponse(_templates().get_template("approval.html.j2").render(facts), 200, PRIVATE)


def _title(kept: Approval, formats: Formats) -> str:
    return TITLES[kept.state].format(kept.member_name, formats.credits(kept.wish.amount_micro))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
