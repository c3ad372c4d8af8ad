"""A web product that sells summaries of texts on credits; README.md says how to run it.

The work stands in for a model, dictionaries for a database, the path for a session. All that
concerns credits is as it would be in earnest.
"""

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from drawdown_client import AsyncDrawdown, NoAnswer, Refused, StillPending
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

PLAN = {"catalog": "schematic", "plan_id": "free"}  # the price list, and what people begin with
CREDITS, ACTION = "credits", "tokens"  # the list says: 1 credit for 1,000 tokens
LONGEST = 400  # tokens of a summary
SHOWN = ("status", "plan", "credits", "amount_minor", "currency", "url", "reason", "cure", "offers")
OFFERS = {  # what the page offers beside the cure of a refusal
    "insufficient_credits": ["upgrade", "buy"],
    **{one: ["card"] for one in ("no_payment_method", "declined", "paused:payment_failed")},
    "not_in_plan": ["upgrade"],
}


@dataclass
class Job:
    """A text that somebody wants summarized."""

    begun: datetime
    summary: str = ""
    tokens: int = 0


@dataclass
class News:
    """What webhooks told of a customer: the newest balance, and the events by their ids."""

    seq: int = -1
    available: str | None = None
    events: dict[str, str] = field(default_factory=dict)


async def summarize(request: Request) -> Response:
    """Hold what it may cost, work, charge what it took. The same job again costs nothing more."""
    dd, jobs, words = request.state.dd, request.state.jobs, (await request.body()).decode()
    customer, key = request.path_params["customer"], request.query_params["job"]
    job = jobs.setdefault((customer, key), Job(datetime.now(UTC)))
    try:
        if job.tokens:  # done before, and perhaps not yet charged
            captured = await dd.capture(customer, key, job.tokens)
        else:
            most, lapse = tokens(words) + LONGEST, job.begun + timedelta(minutes=5)
            async with dd.hold(
                customer, ACTION, most, key=key, event_at=job.begun, lapses_at=lapse
            ) as hold:
                job.summary = await asyncio.to_thread(summary_of, words)
                job.tokens = tokens(words) + tokens(job.summary)
                captured = await hold.capture(job.tokens)
    except Refused:  # nothing is bound: the next attempt is another event
        jobs.pop((customer, key), None)
        raise
    paid, left = str(captured.taken[CREDITS]), str(captured.available)
    return JSONResponse({"summary": job.summary, "paid": paid, "available": left})


async def price(request: Request) -> Response:
    """Say what a summary would cost at most, or why it would be refused. Moves nothing."""
    most = tokens((await request.body()).decode()) + LONGEST
    checked = await request.state.dd.check(request.path_params["customer"], ACTION, most)
    if not checked.allowed:
        return JSONResponse(refusal(checked.reason, checked.cure, checked.missing))
    return JSONResponse({"at_most": str(checked.charged[CREDITS])})


async def balance(request: Request) -> Response:
    """Show what is left, and what webhooks told."""
    customer = request.path_params["customer"]
    found = (await request.state.dd.balance(customer)).credit_types.get(CREDITS)
    news: News = request.state.news[customer]
    heard = {"available": news.available, "events": list(news.events.values())}
    return JSONResponse({"available": str(found.available) if found else "0", "heard": heard})


async def sign_up(request: Request) -> Response:
    """Subscribe a customer to the free plan, and wait for the credits to begin with."""
    sent, dd = await request.json(), request.state.dd
    name, ids = sent["customer"], ("subscription_id", "customer_id")
    start = {**PLAN, **dict.fromkeys((*ids, "name"), name), "email": sent["email"]}
    answer = await act(request, "/subscriptions", f"{name}:signup", start)
    while answer.status_code == 201 and not (await dd.check(name, ACTION)).allowed:  # noqa: ASYNC110, PLR2004
        await asyncio.sleep(0.1)
    return answer


async def order(request: Request) -> Response:
    """Buy a plan or credits, or say what they would cost (`preview`). An order is made once."""
    sent, customer = await request.json(), request.path_params["customer"]
    plans, purchases = f"/subscriptions/{customer}/change_plan", f"/customers/{customer}/purchases"
    key = f"{customer}:{sent.pop('order', 'preview')}"
    return await act(request, plans if "plan" in sent else purchases, key, sent)


async def card(request: Request) -> Response:
    """Give a link to the payment processor's page, where a card is saved."""
    customer = request.path_params["customer"]
    return await act(request, f"/customers/{customer}/payment_method_link", None, {})


async def webhook(request: Request) -> Response:
    """Believe only what is signed, take each event once, and never an older balance."""
    try:
        event = request.state.webhook.verify(await request.body(), dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return Response(status_code=400)
    news: News = request.state.news[event["customer_id"]]
    news.events[request.headers["webhook-id"]] = event["type"]
    if event["seq"] >= news.seq and CREDITS in event["balance"]:
        news.seq, news.available = event["seq"], event["balance"][CREDITS]["available"]
    return Response(status_code=204)


async def act(request: Request, path: str, key: str | None, body: Mapping[str, Any]) -> Response:
    """Ask for what the client has no method for; the key names the request for ever."""
    headers = {"Idempotency-Key": key} if key else {}
    answer = await request.state.http.post(path, headers=headers, json=body)
    told = answer.json()
    if answer.is_error:
        told = refusal(told["reason"], told["cure"], told.get("missing"))
    return JSONResponse({name: told[name] for name in SHOWN if name in told}, answer.status_code)


async def refused(_: Request, error: Any) -> Response:
    """Tell the customer why not, and what cures it; where nobody knows yet, ask to come again."""
    if isinstance(error, Refused):
        return JSONResponse(refusal(error.reason, error.cure, error.missing), error.status)
    return JSONResponse(refusal("later", "send the same again", None), 503)


def refusal(reason: str | None, cure: str | None, missing: object) -> dict[str, Any]:
    """Return a refusal as the page shows it."""
    told = {"reason": reason, "cure": cure, "offers": OFFERS.get(reason or "", [])}
    return told if missing is None else {**told, "missing": str(missing)}


def tokens(words: str) -> int:
    """Return about how many tokens a model would count."""
    return len(words.split()) * 4 // 3 + 1


def summary_of(words: str) -> str:
    """Return the longest sentence; a model would do better."""
    longest = max(re.split(r"(?<=[.!?])\s+", words.strip()), key=len)
    return " ".join(longest.split()[: LONGEST // 2])


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
    """Open the doors once, for all requests."""
    url, key = os.environ["DRAWDOWN_URL"], os.environ["DRAWDOWN_API_KEY"]
    auth, hook = {"Authorization": f"Bearer {key}"}, Webhook(os.environ["WEBHOOK_SECRET"])
    http = httpx2.AsyncClient(base_url=f"{url}/v1", headers=auth, timeout=60)
    async with AsyncDrawdown(url, key) as dd, http:
        yield {"dd": dd, "http": http, "webhook": hook, "jobs": {}, "news": defaultdict(News)}


app = Starlette(
    routes=[
        Route("/", lambda _: FileResponse(Path(__file__).with_name("page.html"))),
        Route("/customers", sign_up, methods=["POST"]),
        Route("/customers/{customer}", balance),
        Route("/customers/{customer}/price", price, methods=["POST"]),
        Route("/customers/{customer}/summaries", summarize, methods=["POST"]),
        Route("/customers/{customer}/orders", order, methods=["POST"]),
        Route("/customers/{customer}/card", card, methods=["POST"]),
        Route("/webhooks/drawdown", webhook, methods=["POST"]),
    ],
    exception_handlers=dict.fromkeys(
        (Refused, StillPending, NoAnswer, httpx2.TransportError), refused
    ),
    lifespan=lifespan,
)
