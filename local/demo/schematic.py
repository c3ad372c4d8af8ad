"""Schematic's list: rates of every shape, rollover, late usage, and what happens at zero."""

from datetime import UTC, datetime, timedelta

from domain.credits import parse_credits
from local.demo.door import Product
from local.demo.scene import Scene
from local.demo.telling import CREDITS, Progress, Story, begin, expect, must
from local.demo.trace import Request
from local.timeline import Timeline

CUSTOMER = "g-schematic"
BEGINS = datetime(2027, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Action, quantity, credits: the whole list, priced exactly.
SHAPES = (
    ("export", "1", "1"),
    ("emails", "250", "2.5"),
    ("company_lookup", "3", "6"),
    ("booking_page", "2", "10"),
    ("pdf", "4", "4"),
    ("hd_transcoding", "95", "15.833333"),
    ("live_transcoding", "95", "20"),
    ("events", "12345", "1.2345"),
    ("build_minute", "7", "7"),
    ("tokens", "1234", "1.234"),
    ("inference_call", "5", "5"),
)
FIRST = sum(parse_credits(credits_) for _, _, credits_ in SHAPES)
STEPS = len(SHAPES) + 8


async def general(scene: Scene, _: tuple[Request, ...], progress: Progress) -> Story:
    """Play two months on Growth: half of the rest rolls over and the other half expires."""
    life = await begin(
        scene, CUSTOMER, "Gus General", "growth", catalog="schematic", begins_at=BEGINS
    )
    await life.advance(BEGINS + SECOND)
    product = Product(scene, CUSTOMER)
    for number, (action, quantity, credits_) in enumerate(SHAPES, 1):
        answer = await product.use(action, quantity, key=action)
        must(answer["charged"], {CREDITS: credits_}, f"{quantity} of {action}")
        progress(number, STEPS)
    april = datetime(2027, 4, 1, tzinfo=UTC)
    await life.advance(april + timedelta(hours=1))
    left_over = parse_credits("5000") - FIRST
    late = await _use_late(life, april - timedelta(hours=1))
    rolled = (left_over - late) // 2  # as if it had been reported in time
    progress(len(SHAPES) + 3, STEPS)
    await life.advance(april + timedelta(days=11))
    # All but five credits: what follows happens at the end of the balance.
    rest = parse_credits("5000") + rolled - parse_credits("5")
    await product.use("build_minute", _text(rest), key="nearly-all")
    degraded = await product.use("hd_transcoding", "60", key="last-film")
    must(degraded["served_as"], "sd_transcoding", "a film that HD is too dear for")
    progress(len(SHAPES) + 5, STEPS)
    await product.use("company_lookup", "1", "insufficient_credits", key="blocked")
    asked = await product.use("booking_page", "1", "confirmation_required", key="page")
    must(asked["asked"]["purchase"]["amount_minor"], 750, "the price of 500 credits more")
    await product.use("booking_page", "1", key="page", confirmed=True)
    progress(STEPS, STEPS)
    used = FIRST + late + rest + parse_credits("4") + parse_credits("5")
    return Story(
        customer_id=CUSTOMER,
        title="G  Schematic's list: every rate, rollover, what happens at zero",
        plan="Growth",
        sent=len(SHAPES) + 5,
        used={CREDITS: used},
        left={CREDITS: parse_credits("500") - parse_credits("4")},
        paid_minor=(7500, 7500, 750),
        facts=(
            f"{len(SHAPES)} rates, {_text(FIRST)} credits exactly",
            f"{_text(rolled)} credits rolled over; a late event reopened March",
            "at zero: HD became SD, a lookup was refused, a page asked first",
        ),
    )


async def _use_late(life: Timeline, at: datetime) -> int:
    """Send an event of last month; return its micro-credits.

    It draws from what ran out there and what moved on: half of it would have moved on.
    """
    event = {"key": "late", "action": "pdf", "quantity": "100", "event_at": at.isoformat()}
    before = parse_credits((await life.status())["available"])
    answer = await expect(life, "consume", event, "debited")
    must(answer["charged"], {CREDITS: "100"}, "a late event")
    after = _text(before - parse_credits("50"))
    must((await life.status())["available"], after, "this month's balance after a late event")
    return parse_credits("100")


def _text(micro: int) -> str:
    whole, part = divmod(micro, 1_000_000)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")
