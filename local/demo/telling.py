"""How the demo's stories are told: what a story says at its end, and steps that must succeed."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.subscription import Start
from local.demo.scene import Scene
from local.timeline import Json, Timeline

Progress = Callable[[int, int], None]  # done, of how many

PATIENCE = timedelta(seconds=60)
CREDITS = "credits"


class StoryError(RuntimeError):
    """A customer's story did not go as it must."""


@dataclass(frozen=True)
class Story:
    """How a story ended, in figures that the ledger and the processor must repeat."""

    customer_id: str
    title: str
    plan: str
    sent: int  # usage events
    used: Mapping[str, int]  # micro-credits of each type that debits took
    left: Mapping[str, int]  # micro-credits of each type that are available at the end
    paid_minor: tuple[int, ...]  # what the processor must have collected, in order
    facts: tuple[str, ...]
    shown: str = CREDITS  # the credit type that the picture draws


async def begin(
    scene: Scene,
    customer: str,
    name: str,
    plan: str,
    *,
    catalog: str = "make",
    begins_at: datetime | None = None,
) -> Timeline:
    """Subscribe a customer; one that begins now is waited for."""
    start = Start(
        subscription_id=customer,
        customer_id=customer,
        name=name,
        email=f"{customer}@example.com",
        catalog=catalog,
        plan_id=plan,
        payment_method="pm_card_visa",
        begins_at=begins_at,
    )
    life = await scene.subscribe(start)
    if begins_at is None:
        await until(life, lambda now: now["status"] == "active")
    return life


async def mail(scene: Scene, email: str, words: str) -> Json:
    """Wait for a mail whose subject has these words."""
    for _ in range(200):
        for one in await asyncio.to_thread(scene.stack.mail.mails, email):
            if words in one["subject"].lower():
                return one
        await asyncio.sleep(0.1)
    raise StoryError(f"no mail about {words!r} reached {email}")


async def expect(life: Timeline, name: str, message: Json, status: str) -> Json:
    """Send an update that must be answered with a status, or refused for a reason."""
    answer = await life.ask(name, message)
    if status not in (answer["status"], answer.get("reason")):
        raise StoryError(f"{life.handle.id} {name} should be {status}: {answer}")
    return answer


async def use(
    life: Timeline, action: str, quantity: str, status: str = "debited", **more: object
) -> Json:
    """Perform one action now and expect what becomes of it; `key` and tags may be given."""
    at = (await life.now()).isoformat()
    event = {"key": f"{action}-{at}", "action": action, "quantity": quantity, "event_at": at}
    return await expect(life, "consume", {**event, **more}, status)


async def until(life: Timeline, holds: Callable[[Json], bool]) -> Json:
    """Wait until the status is as wanted; return it."""
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while True:
            status = await life.settle()
            if holds(status):
                return status
            await asyncio.sleep(0.05)


def must(found: object, wanted: object, what: str) -> None:
    """Fail the story where something is not as it must be."""
    if found != wanted:
        raise StoryError(f"{what} should be {wanted}, not {found}")
