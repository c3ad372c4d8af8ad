"""Make, told by four customers: operations, extra credits, the cap, fourteen months."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urljoin

import httpx

from domain.credits import MICRO, format_credits, parse_credits
from local.demo.scene import Scene, usage_event
from local.demo.telling import CREDITS, Progress, Story, StoryError, begin, expect, mail, until
from local.demo.trace import TOKENS_PER_CREDIT, Request, batches
from local.timeline import Json, Timeline

BATCH = 250
BIG_BATCH = 1_000
IN_FLIGHT = 4  # batches sent before the workflow is asked to catch up
MONTHS = 14
ANCHOR = datetime(2027, 1, 31, 10, tzinfo=UTC)


async def steady(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer A: the whole trace on 10,000 credits with auto-purchase on."""
    life = await begin(scene, "a-steady", "Ada Steady", "core_10k")
    await expect(life, "set_auto_purchase", {"on": True}, "done")
    await _replay(life, usage, "a", progress)
    status = await life.settle()
    return Story(
        customer_id="a-steady",
        title="A  replays the trace, auto-purchase on",
        plan="Core 10,000",
        sent=len(usage),
        used={CREDITS: sum(one.tokens for one in usage) * 1_000},
        left={CREDITS: parse_credits("1694.13")},
        paid_minor=(900, 1170),
        facts=(f"{status['available']} credits left", "one automatic purchase of $11.70"),
    )


async def declined(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer B: the auto-purchase is declined; paused, a new card, resumed."""
    customer = "b-declined"
    life = await begin(scene, customer, "Ben Declined", "core_10k")
    await expect(life, "set_auto_purchase", {"on": True}, "done")
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
    await until(life, lambda now: now["status"] == "active")
    # A refusal binds nothing: the same events with the same keys are taken now.
    await _replay(life, usage, "b", lambda done, of: progress(of + done, 2 * of))
    await life.settle()
    return Story(
        customer_id=customer,
        title="B  the card declines, paused, new card, resumed",
        plan="Core 10,000",
        sent=len(usage),
        used={CREDITS: sum(one.tokens for one in usage) * 1_000},
        left={CREDITS: parse_credits("1694.13")},
        paid_minor=(900, 1170),
        facts=(f"{refused} events refused while paused, sent again", "one mail for the failure"),
    )


async def capped(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer C: 80,000 credits and eight auto-purchases, then the cap."""
    customer = "c-capped"
    life = await begin(scene, customer, "Cleo Capped", "core_80k")
    await expect(life, "set_auto_purchase", {"on": True}, "done")
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
        customer_id=customer,
        title="C  uses 160,000 credits and reaches the cap",
        plan="Core 80,000",
        sent=sent,
        used={CREDITS: 160_000 * MICRO},
        left={CREDITS: 0},
        paid_minor=(7200, *[1170] * 8),
        facts=("eight automatic purchases, $165.60 in all", "the ninth refused: cap_reached"),
    )


async def fourteen_months(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Live as customer D: fourteen months from a 31st, an upgrade and a downgrade."""
    customer = "d-months"
    life = await begin(scene, customer, "Dora Months", "core_10k", begins_at=ANCHOR)
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
            change = await expect(life, "change_plan", {"plan": "core_40k"}, "changed")
            paid.append(change["amount_minor"])
        if month == 9:  # noqa: PLR2004
            await expect(life, "change_plan", {"plan": "core_10k"}, "scheduled")
        status = await life.settle()
        if month < MONTHS - 1:
            end = datetime.fromisoformat(status["period_end"])
            status = await life.advance(end + timedelta(seconds=1))
            paid.append(2900 if status["plan"] == "core_40k" else 900)
            starts.append(status["period_start"])
        progress(month + 1, MONTHS)
    days = ", ".join(start[5:10] for start in starts[:5])
    return Story(
        customer_id=customer,
        title="D  lives 14 months in virtual time",
        plan="Core 10,000 / 40,000",
        sent=quarter * MONTHS,
        used={CREDITS: used},
        left={CREDITS: parse_credits(status["available"])},
        paid_minor=tuple(paid),
        facts=(f"periods begin {days} …", "unused credits expired 13 times"),
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
    letter = await mail(scene, email, "action needed")
    link = re.search(
        rf'href="({re.escape(scene.stack.state().api)}/billing/[^"]+)"', letter["html"]
    )
    if link is None:
        raise StoryError("the mail has no button that leads to the card page")
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        page = await browser.get(link.group(1))
        form = re.search(r'<form[^>]*action="([^"]*)"', page.text)
        target = urljoin(str(page.url), form.group(1) if form else "")
        saved = await browser.post(target, data={"card": "pm_card_visa"})
    if saved.is_error:
        raise StoryError(f"the card page refused the card: {saved.status_code}")


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
