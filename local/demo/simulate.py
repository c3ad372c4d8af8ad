"""Run a plan over months of usage in virtual time, on the real workflow and ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import text

from domain.catalog import Plan
from domain.credits import MICRO
from domain.subscription import Start
from local.demo.picture import curve, draw
from local.demo.scene import Scene, scene, usage_event
from local.demo.trace import TRACE, Request, requests
from local.timeline import Timeline

ANCHOR = datetime(2027, 1, 1, tzinfo=UTC)
CUSTOMER = "simulated"
PICTURE = Path("simulation.png")
BATCH = 500

_MONTHS = text("""
    SELECT date_trunc('month', w.window_start) AS month,
           coalesce((SELECT -sum(e.change) FROM entries e WHERE e.account_id = w.account_id
                     AND e.kind = 'debit' AND e.at >= w.window_start
                     AND e.at < w.window_end), 0) AS used,
           coalesce((SELECT -sum(e.change) FROM entries e WHERE e.account_id = w.account_id
                     AND e.kind = 'expiry' AND e.event_at > w.window_start
                     AND e.event_at <= w.window_end), 0) AS expired,
           coalesce((SELECT sum(c.amount_minor) FROM charges c WHERE c.account_id = w.account_id
                     AND c.state = 'paid' AND c.settled_at >= w.window_start
                     AND c.settled_at < w.window_end), 0) AS charged
    FROM windows w WHERE w.account_id = :account ORDER BY w.window_start
""")


async def simulate(
    console: Console, plan: Plan, months: int, usage: Path | None, *, auto: bool
) -> None:
    """Live `months` under a plan with the usage spread over each month; print and draw it."""
    events = requests(usage or TRACE)
    async with scene() as playing:
        start = Start(
            CUSTOMER, CUSTOMER, "Simulated", "simulated@example.com", plan.catalog, plan.plan_id,
            payment_method="pm_card_visa", begins_at=ANCHOR,
        )  # fmt: skip
        life = await playing.subscribe(start)
        status = await life.advance(ANCHOR + timedelta(seconds=1))
        if auto:
            await life.ask("set_auto_purchase", {"on": True})
        for month in track(range(months), "simulating", console=console):
            end = datetime.fromisoformat(status["window_end"])
            await _use(life, events, month, end)
            if month < months - 1:
                status = await life.advance(end + timedelta(seconds=1))
        console.print(_table(playing, plan, months))
        picture = draw([curve(playing, CUSTOMER, f"{plan.name}, {months} months")], PICTURE)
    console.print(f"picture: {picture.name}")


async def _use(life: Timeline, events: tuple[Request, ...], month: int, end: datetime) -> None:
    """Spread the usage over what is left of a window."""
    begin = await life.now()
    slices = [events[first : first + BATCH] for first in range(0, len(events), BATCH)]
    step = (end - begin) / (len(slices) + 1)
    for number, some in enumerate(slices, 1):
        await life.advance(begin + step * number)
        at = (await life.now()).isoformat()
        await life.record([usage_event(one, f"m{month}-", at) for one in some])
    await life.settle()


def _table(playing: Scene, plan: Plan, months: int) -> Table:
    table = Table(title=f"{plan.name} for {months} months", title_justify="left")
    for name in ("month", "used", "expired unused", "charged", "per credit used"):
        table.add_column(name, justify="left" if name == "month" else "right")
    with playing.engine.connect() as connection:
        rows = connection.execute(_MONTHS, {"account": playing.account_of(CUSTOMER)}).all()
    totals = [0, 0, 0]
    for row in rows[:months]:
        figures = [int(row.used), int(row.expired), int(row.charged)]
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        table.add_row(f"{row.month:%Y-%m}", *_cells(*figures))
    table.add_section()
    table.add_row("all", *_cells(*totals))
    return table


def _cells(used: int, expired: int, charged: int) -> tuple[str, str, str, str]:
    each = f"${charged * MICRO // max(used, 1) / 100:.4f}" if used else "-"
    return (
        f"{used // MICRO:,}",
        f"{expired // MICRO:,}",
        f"${charged // 100:,}.{charged % 100:02d}",
        each,
    )
