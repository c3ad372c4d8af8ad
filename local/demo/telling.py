"""How the demo's stories are told: their results, and steps that must succeed."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.subscription import Start
from local import patience
from local.demo.scene import Scene
from local.timeline import Json, Timeline, without_time

Progress = Callable[[int, int], None]  # done, of how many

CREDITS = "credits"


class StoryError(RuntimeError):
    """A customer's story went wrong."""


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
    pays_with: str = "pm_card_visa",
    status: str = "active",
) -> Timeline:
    """Subscribe a customer; one that begins now is waited for until it has a status."""
    start = Start(
        subscription_id=customer,
        customer_id=customer,
        name=name,
        email=f"{customer}@example.com",
        catalog=catalog,
        plan_id=plan,
        payment_method=pays_with,
        begins_at=begins_at,
    )
    life = await scene.subscribe(start)
    if begins_at is None:
        await until(life, lambda now: now["status"] == status and not now["busy"])
    return life


async def mail(scene: Scene, email: str, words: str) -> Json:
    """Wait for a mail whose subject has these words."""

    async def look() -> list[Json]:
        return await asyncio.to_thread(scene.stack.mail.mails, email)

    def about(mails: list[Json]) -> list[Json]:
        return [one for one in mails if words in one["subject"].lower()]

    mails = await patience.until(look, lambda seen: bool(about(seen)), f"a mail about {words!r}")
    return about(mails)[0]


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
    """Wait until the status satisfies a condition; return it."""
    what = f"the status of {life.handle.id}"
    return await patience.until(life.settle, holds, what, sign=without_time)


def must(found: object, wanted: object, what: str) -> None:
    """Fail the story if a value is not as expected."""
    if found != wanted:
        raise StoryError(f"{what} should be {wanted}, not {found}")
