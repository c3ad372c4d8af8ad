"""Zaplify: a prospect is unlocked once, for good and for the whole team."""

import asyncio
from datetime import datetime

from domain.credits import MICRO
from local.demo.scene import Scene
from local.demo.telling import CREDITS, Progress, Story, begin, expect, must, use
from local.demo.trace import Request
from local.timeline import Json, Timeline

CUSTOMER = "z-zaplify"
INCLUDED, REFERRAL = 12_000, 20
BATCH = 500
MOST = 2_000  # prospects that one report names


async def prospects(scene: Scene, usage: tuple[Request, ...], progress: Progress) -> Story:
    """Unlock what the trace names, twice over; two colleagues want one prospect at once."""
    life = await begin(scene, CUSTOMER, "Zoe Outreach", "team_12000_yearly", catalog="zaplify")
    names = [f"prospect-{one.number}" for one in usage[:MOST]]
    for lap in ("first", "again"):  # a second campaign finds the same people: free
        for start in range(0, len(names), BATCH):
            await _report(life, lap, names[start : start + BATCH])
            await life.settle()
            progress(start + BATCH + MOST * (lap == "again"), 2 * MOST)
    at = await life.now()
    wanted = [_unlock(at, f"{who}-wants-it", "the-one", who) for who in ("ada", "ben")]
    both = await asyncio.gather(*(life.ask("consume", one) for one in wanted))
    charged = sorted(answer["charged"].get(CREDITS, "0") for answer in both)
    must(charged, ["0", "1"], "what two colleagues at once are charged")
    await use(life, "connection_request", "1")
    given = {"bonus": "referral", "invitee": "a-friend"}
    await expect(life, "give_bonus", given, "given")
    await expect(life, "give_bonus", given, "repeated")
    await expect(life, "give_bonus", {"bonus": "referral", "invitee": CUSTOMER}, "own_referral")
    used = len(names) + 1
    return Story(
        customer_id=CUSTOMER,
        title="Z  Zaplify: one prospect, one credit, for ever",
        plan="Team 12,000 a year",
        sent=2 * len(names) + 3,
        used={CREDITS: used * MICRO},
        left={CREDITS: (INCLUDED + REFERRAL - used) * MICRO},
        paid_minor=(96_000,),
        facts=(
            f"{len(names):,} prospects unlocked twice, paid for once",
            "two colleagues at one instant: charged 1 and 0",
            "one referral, 20 credits, once",
        ),
    )


async def _report(life: Timeline, lap: str, names: list[str]) -> None:
    at = await life.now()
    await life.record([_unlock(at, f"{lap}-{name}", name, "ada") for name in names])


def _unlock(at: datetime, key: str, prospect: str, member: str) -> Json:
    return {
        "key": key,
        "action": "unlock_prospect",
        "quantity": "1",
        "event_at": at.isoformat(),
        "tags": {"prospect": prospect, "member": member},
    }
