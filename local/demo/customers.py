"""The four customers of the demo, each living one of Make's stories on the real parts."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urljoin

import httpx

from domain.credits import format_credits, parse_credits
from domain.subscription import Start
from local.demo.scene import Scene, usage_event
from local.demo.trace import TOKENS_PER_CREDIT, Request, batches
from local.timeline import Json, Timeline

Progress = Callable[[int, int], None]  # done, of how many

BATCH = 250
BIG_BATCH = 1_000
IN_FLIGHT = 4  # batches sent before the workflow is asked to catch up
PATIENCE = timedelta(seconds=60)
MONTHS = 14
ANCHOR = datetime(2027, 1, 31, 10, tzinfo=UTC)


class StoryError(RuntimeError):
    """A customer's story did not go as it must."""


@dataclass(frozen=True)
class Story:
    """How a story ended."""

    customer_id: str
    title: str
    plan: str
    sent: int  # usage events
    used_micro: int  # what the ledger must say was used
    paid_minor: tuple[int, ...]  # what the processor must have collected, in order
    available_micro: int
    facts: tuple[str, ...]


async def steady(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer A: the whole trace on 10,000 credits with auto-purchase on."""
    life = await _begin(scene, "a-steady", "Ada Steady", "core_10k")
    await _expect(life, "set_auto_purchase", {"on": True}, "done")
    await _replay(life, usage, "a", progress)
    status = await life.settle()
    return Story(
        "a-steady",
        "A  replays the trace, auto-purchase on",
        "Core 10,000",
        len(usage),
        sum(one.tokens for one in usage) * 1_000,
        (900, 1170),
        parse_credits("1694.13"),
        (f"{status['available']} credits left", "one automatic purchase of $11.70"),
    )


async def declined(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer B: the auto-purchase is declined; paused, a new card, resumed."""
    customer = "b-declined"
    life = await _begin(scene, customer, "Ben Declined", "core_10k")
    await _expect(life, "set_auto_purchase", {"on": True}, "done")
    payer = next(
        payer
        for payer, one in scene.stack.standin.get("/_ledger")["customers"].items()
        if one["customer_id"] == customer
    )
    scene.stack.standin.post("/_fault", fault="decline", customer=payer, count=1)
    await _replay(life, usage, "b", lambda done, of: progress(done, 2 * of))
    status = await life.settle()
    if status["paused_by"] != ["payment_failed"]:
        raise StoryError(f"{customer} should be paused: {status}")
    refused = usage_refused(scene, customer)
    await _new_card(scene, f"{customer}@example.com")
    await _until(life, lambda now: now["status"] == "active")
    # A refusal binds nothing: the same events with the same keys are taken now.
    await _replay(life, usage, "b", lambda done, of: progress(of + done, 2 * of))
    await life.settle()
    return Story(
        customer,
        "B  the card declines, paused, new card, resumed",
        "Core 10,000",
        len(usage),
        sum(one.tokens for one in usage) * 1_000,
        (900, 1170),
        parse_credits("1694.13"),
        (f"{refused} events refused while paused, sent again", "one mail for the failure"),
    )


async def capped(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer C: 80,000 credits and eight auto-purchases, then the cap."""
    customer = "c-capped"
    life = await _begin(scene, customer, "Cleo Capped", "core_80k")
    await _expect(life, "set_auto_purchase", {"on": True}, "done")
    rounds = _laps(usage, 160_000 * TOKENS_PER_CREDIT)
    sent = 0
    for start in range(0, len(rounds), BIG_BATCH):
        at = (await life.now()).isoformat()
        some = rounds[start : start + BIG_BATCH]
        await life.record([usage_event(one, f"c{lap}-", at) for lap, one in some])
        sent += len(some)
        progress(sent, len(rounds))
        if start // BIG_BATCH % IN_FLIGHT == IN_FLIGHT - 1:
            await life.settle()
    status = await life.settle()
    rest = parse_credits(status["available"])
    if rest:
        last = await life.ask("consume", _tokens("c-last", rest, await life.now()))
        if last["status"] != "debited":
            raise StoryError(f"{customer} could not use the rest: {last}")
        sent += 1
    over = await life.ask("consume", _tokens("c-over", 1_000_000, await life.now()))
    if over.get("reason") != "cap_reached":
        raise StoryError(f"{customer} should have reached the cap: {over}")
    return Story(
        customer,
        "C  uses 160,000 credits and reaches the cap",
        "Core 80,000",
        sent,
        160_000 * 1_000_000,
        (7200, *[1170] * 8),
        0,
        ("eight automatic purchases, $165.60 in all", "the ninth refused: cap_reached"),
    )


async def fourteen_months(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer D: fourteen months from a 31st, an upgrade and a downgrade."""
    customer = "d-months"
    life = await _begin(scene, customer, "Dora Months", "core_10k", begins_at=ANCHOR)
    status = await life.advance(ANCHOR + timedelta(seconds=1))
    quarter = len(usage) // 4
    used, paid, starts = 0, [900], [status["period_start"]]
    for month in range(MONTHS):
        some = usage[month % 4 * quarter : (month % 4 + 1) * quarter]
        await life.advance(_middle(status))
        at = (await life.now()).isoformat()
        for batch in batches(some, BIG_BATCH):
            await life.record([usage_event(one, f"d{month}-", at) for one in batch])
        used += sum(one.tokens for one in some) * 1_000
        await life.settle()
        if month == 4:  # noqa: PLR2004 - half of the fifth month is left
            change = await _expect(life, "change_plan", {"plan": "core_40k"}, "changed")
            paid.append(change["amount_minor"])
        if month == 9:  # noqa: PLR2004
            await _expect(life, "change_plan", {"plan": "core_10k"}, "scheduled")
        status = await life.settle()
        if month < MONTHS - 1:
            end = datetime.fromisoformat(status["period_end"])
            status = await life.advance(end + timedelta(seconds=1))
            paid.append(2900 if status["plan"] == "core_40k" else 900)
            starts.append(status["period_start"])
        progress(month + 1, MONTHS)
    days = ", ".join(start[5:10] for start in starts[:5])
    return Story(
        customer,
        "D  lives 14 months in virtual time",
        "Core 10,000 / 40,000",
        quarter * MONTHS,
        used,
        tuple(paid),
        parse_credits(status["available"]),
        (f"periods begin {days} …", "unused credits expired 13 times"),
    )


def _laps(usage: tuple[Request, ...], limit: int) -> list[tuple[int, Request]]:
    """Return the trace over and over, each request with its lap, up to a number of tokens."""
    laps: list[tuple[int, Request]] = []
    total = 0
    for lap in count(1):
        for one in usage:
            total += one.tokens
            if total > limit:
                return laps
            laps.append((lap, one))
    return laps


def usage_refused(scene: Scene, customer_id: str) -> int:
    """Return how many events of a customer were refused and kept."""
    with scene.engine.connect() as connection:
        query = "SELECT count(*) FROM refusals WHERE account_id = %s"
        return int(
            connection.exec_driver_sql(query, (scene.account_of(customer_id),)).scalar() or 0
        )


async def _begin(
    scene: Scene, customer: str, name: str, plan: str, begins_at: datetime | None = None
) -> Timeline:
    start = Start(
        subscription_id=customer,
        customer_id=customer,
        name=name,
        email=f"{customer}@example.com",
        catalog="make",
        plan_id=plan,
        payment_method="pm_card_visa",
        begins_at=begins_at,
    )
    life = await scene.subscribe(start)
    if begins_at is None:
        await _until(life, lambda now: now["status"] == "active")
    return life


async def _replay(
    life: Timeline, usage: tuple[Request, ...], prefix: str, progress: Progress
) -> None:
    """Report the trace in batches; the workflow keeps their order."""
    done = 0
    for number, batch in enumerate(batches(usage, BATCH)):
        at = (await life.now()).isoformat()
        await life.record([usage_event(one, prefix, at) for one in batch])
        done += len(batch)
        progress(done, len(usage))
        if number % IN_FLIGHT == IN_FLIGHT - 1:
            await life.settle()


async def _new_card(scene: Scene, email: str) -> None:
    """Do what the customer does: press the mail's button, choose a card on the card page."""
    mail = await _mail(scene, email, "action needed")
    link = re.search(rf'href="({re.escape(scene.stack.state().api)}/billing/[^"]+)"', mail["html"])
    if link is None:
        raise StoryError("the mail has no button that leads to the card page")
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        page = await browser.get(link.group(1))
        form = re.search(r'<form[^>]*action="([^"]*)"', page.text)
        target = urljoin(str(page.url), form.group(1) if form else "")
        saved = await browser.post(target, data={"card": "pm_card_visa"})
    if saved.is_error:
        raise StoryError(f"the card page refused the card: {saved.status_code}")


async def _mail(scene: Scene, email: str, words: str) -> Json:
    for _ in range(200):
        for mail in await asyncio.to_thread(scene.stack.mail.mails, email):
            if words in mail["subject"].lower():
                return mail
        await asyncio.sleep(0.1)
    raise StoryError(f"no mail about {words!r} reached {email}")


async def _expect(life: Timeline, name: str, message: Json, status: str) -> Json:
    answer = await life.ask(name, message)
    if answer["status"] != status:
        raise StoryError(f"{life.handle.id} {name} should be {status}: {answer}")
    return answer


async def _until(life: Timeline, holds: Callable[[Json], bool]) -> Json:
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while True:
            status = await life.settle()
            if holds(status):
                return status
            await asyncio.sleep(0.05)


def _tokens(key: str, credits_micro: int, at: datetime) -> Json:
    return {
        "key": key,
        "action": "llm_tokens",
        "quantity": format_credits(credits_micro * 1_000),
        "event_at": at.isoformat(),
    }


def _middle(status: Json) -> datetime:
    start = datetime.fromisoformat(status["period_start"])
    return start + (datetime.fromisoformat(status["period_end"]) - start) / 2
