"""The page behind a prompt: what an action would draw or buy, and one button that agrees to it."""

import asyncio
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from temporalio.service import RPCError

from activities.direct.shortfalls import SIGNAL, crossing
from activities.direct.usage import CustomersEvent
from api.errors import NotFoundError, UnavailableError
from api.pages.customer import sessions, words
from api.pages.customer.visits import Visit, standing_of
from api.pages.forms import fields_of, token_of
from api.pages.refusals import told_of
from api.pages.rendering import rendered
from api.pages.serving import failed, for_people
from api.services import Services
from api.v1.problems import Problem
from domain.access.prompts import Prompt, opened_prompt
from domain.errors import BillingError
from domain.outcomes import UNDECIDED
from domain.pricing.consents import consents_of, is_rememberable
from domain.pricing.event_price import price
from domain.usage import DECIDED, Confirmation, DebitOutcome, UsageEvent
from ledger.usage import consents

ASKS = "confirmation_required"


@dataclass(frozen=True, slots=True)
class _Question:
    """A prompt as it is answered now."""

    token: str
    prompt: Prompt
    visit: Visit
    event: UsageEvent
    outcome: DebitOutcome

    @property
    def asked(self) -> Confirmation | None:
        """What must be confirmed; None: nothing, or it would not help."""
        return self.outcome.asked if self.outcome.status == ASKS else None


async def _show(request: Request) -> Response:
    """Ask, or say what became of it; opening the page agrees to nothing."""
    return _page(await _question(request), sent="done" in request.query_params)


async def _confirm(request: Request) -> Response:
    """Agree to exactly what was shown; anything else is shown first."""
    services: Services = request.state.services
    question = await _question(request)
    form = await fields_of(request, services.link_secrets, question.token)
    asked = question.asked
    if asked is None:
        return _again(question)
    if form.get("asked") != _written(asked):
        return _page(question, changed=True)
    await _agree(services, question, asked)
    return _again(question, "?done=1")


def _again(question: _Question, query: str = "") -> Response:
    return RedirectResponse(f"/prompts/{question.token}{query}", 303)


async def _question(request: Request) -> _Question:
    """Return what a link asks now. Raises `NotFoundError`: it is over, or not ours."""
    services: Services = request.state.services
    at, token = datetime.now(UTC), request.path_params["token"]
    prompt = opened_prompt(services.link_secrets, token, at)
    if prompt is None:
        raise _gone()
    session = sessions.begin(prompt.account_id, "", prompt.return_url, at)
    standing = await standing_of(services, session, at)
    if standing.wallet.window_start != prompt.window_start:
        raise _gone()
    visit = Visit(services, session, standing, at, request_id="")
    event = UsageEvent(
        key=f"check:{uuid4()}",
        action=prompt.action,
        quantity_micro=prompt.quantity_micro,
        event_at=standing.wallet.at,
        tags=prompt.tags,
    )
    asked = CustomersEvent(prompt.customer_id, event)
    outcome = await services.usage.check(asked, catalog=visit.plan.catalog)
    return _Question(token, prompt, visit, event=event, outcome=outcome)


def _gone() -> NotFoundError:
    return NotFoundError("unknown_link", "this question is over")


def _failed(request: Request, error: BillingError) -> Response:
    services: Services = request.state.services
    if not isinstance(error, NotFoundError):
        return failed(error, services.ancestors)
    facts = {
        "title": "This question is over",
        "text": "It was open for some minutes only. Start again in the product.",
    }
    return rendered("plain.html.j2", facts, 404, ancestors=services.ancestors)


def _page(question: _Question, *, sent: bool = False, changed: bool = False) -> Response:
    visit, outcome = question.visit, question.outcome
    asked = question.asked
    refused = None
    if asked is None and outcome.status not in (*DECIDED, *UNDECIDED):
        refused = told_of(Problem(outcome.status, "This is not possible now"))
    facts: dict[str, Any] = words.facts(
        visit,
        show=visit.show,
        brand=visit.catalog.brand if visit.catalog else visit.plan.catalog,
        action=visit.action(question.prompt.action),
        quantity=visit.show.number(question.prompt.quantity_micro),
        asked=asked,
        written=_written(asked) if asked else "",
        refused=refused,
        waiting=outcome.status in UNDECIDED or bool(sent and asked),
        changed=changed,
        token=question.token,
        csrf=token_of(visit.services.link_secrets, question.token),
        return_url=question.prompt.return_url,
    )
    facts["visit"] = visit
    status = refused.status if refused else 200
    return rendered("prompt.html.j2", facts, status, ancestors=visit.services.ancestors)


def _written(asked: Confirmation) -> str:
    """Return what is asked as a text, which the form sends back."""
    return json.dumps(asdict(asked), sort_keys=True)


async def _agree(services: Services, question: _Question, asked: Confirmation) -> None:
    """Remember the consent for its window, and have bought what was agreed to be bought."""
    if asked.credits:
        remember = partial(_remember, services, question, asked)
        if not await asyncio.to_thread(remember):
            raise _gone()
    if asked.quantity_micro:
        await _buy(services, question)


def _remember(services: Services, question: _Question, asked: Confirmation) -> bool:
    visit, outcome = question.visit, question.outcome
    catalog = services.context.catalog(visit.plan.catalog)
    priced = price(catalog, visit.plan, question.event, visit.standing.wallet.at)
    if priced.terms is None:
        return False
    kinds = {kind for kind, _ in asked.credits}
    names = consents_of(priced.terms, outcome.served_as or question.event.action, kinds)
    if not names or not is_rememberable(names):
        raise Problem("confirmation_required", "The product has to ask for this each time")
    with services.engine.begin() as connection:
        return consents.remember(
            connection,
            question.prompt.account_id,
            names,
            window_start=question.prompt.window_start,
            at=visit.at,
        )


async def _buy(services: Services, question: _Question) -> None:
    """Have it bought, if the wallet under its lock still needs it."""
    outcome, row = question.outcome, question.visit.standing.subscription
    needed = (outcome.missing_micro or 0) + (outcome.available_micro or 0)
    handle = services.temporal.get_workflow_handle(f"subscription:{row['subscription_id']}")
    try:
        await handle.signal(SIGNAL, crossing(needed, confirmed=True))
    except (RPCError, RuntimeError) as error:
        raise UnavailableError("temporal_unavailable", "nothing was bought yet") from error


ROUTES = [
    Route("/prompts/{token}", for_people(_show, _failed), methods=["GET"]),
    Route("/prompts/{token}", for_people(_confirm, _failed), methods=["POST"]),
]
