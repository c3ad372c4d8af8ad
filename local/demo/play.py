"""`make demo`: four customers at once, then their tables, mails, picture and proof."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.credits import format_credits
from local.demo import make, salestools, scalenut, schematic, zaplify
from local.demo.picture import curve, draw
from local.demo.proof import Claim, claims
from local.demo.scene import Scene, scene
from local.demo.telling import Progress as Report
from local.demo.telling import Story
from local.demo.trace import Request, requests

PICTURE = Path("demo-report.png")
VARYING = re.compile(r"[A-Z][a-z]{2} \d+(, \d{4})? \u2013 [A-Z][a-z]{2} \d+(, \d{4})?")  # periods
MAIL_PATIENCE = 20.0  # seconds for the outbox to empty

Live = Callable[[Scene, tuple[Request, ...], Report], Awaitable[Story]]

CAST: tuple[tuple[str, Live], ...] = (
    ("A  Make: the trace, auto-purchase on", make.steady),
    ("B  Make: a declined card", make.declined),
    ("C  Make: 80,000 credits to the cap", make.capped),
    ("D  Make: 14 months in virtual time", make.fourteen_months),
    ("S  Salestools: a team", salestools.team),
    ("L  Scalenut: quota, then wallet", scalenut.wallet),
    ("Z  Zaplify: unlocked once", zaplify.prospects),
    ("G  a general engine", schematic.general),
)


async def play(console: Console) -> bool:
    """Run the demo; say whether every claim holds."""
    usage = requests()
    console.print(
        f"[bold]Drawdown[/bold]: {len(usage):,} real LLM requests, 1 credit = 1,000 tokens"
    )
    with console.status("starting PostgreSQL, Temporal, Stripe stand-in, mail, worker, API …"):
        stage = scene()
        playing = await stage.__aenter__()
    try:
        stories = await _live(playing, usage, console)
        await asyncio.to_thread(_mails_arrive, playing)
        console.print(_table(stories))
        console.print(_mails(playing))
        curves = [curve(playing, story) for story in stories]
        console.print(f"picture: {draw(curves, PICTURE).resolve().name}\n")
        found = claims(playing, stories)
        console.print(_proof(found))
    finally:
        await stage.__aexit__(None, None, None)
    holds = all(claim.holds for claim in found)
    console.print(
        "[green]every claim holds[/green]" if holds else "[red]a claim does not hold[/red]"
    )
    console.print("Look around: `make up` starts the same stack and leaves it running.")
    return holds


async def _live(playing: Scene, usage: tuple[Request, ...], console: Console) -> list[Story]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:

        async def one(title: str, live: Live) -> Story:
            bar = bars.add_task(title.ljust(34), total=None)
            return await live(
                playing, usage, lambda done, of: bars.update(bar, completed=done, total=of)
            )

        return list(await asyncio.gather(*(one(title, live) for title, live in CAST)))


def _mails_arrive(playing: Scene) -> None:
    query = "SELECT count(*) FROM outbox WHERE lane = 'mail' AND delivered_at IS NULL"
    for _ in range(int(MAIL_PATIENCE * 10)):
        with playing.engine.connect() as connection:
            if not connection.exec_driver_sql(query).scalar():
                return
        time.sleep(0.1)


def _table(stories: list[Story]) -> Table:
    table = Table(title="Customers", title_justify="left", header_style="bold")
    for name in ("customer", "plan", "events", "credits used", "left", "charged", "what happened"):
        numbers = name in {"events", "credits used", "left", "charged"}
        table.add_column(name, justify="right" if numbers else "left")
    for story in stories:
        paid = sum(story.paid_minor)
        table.add_row(
            story.title,
            story.plan,
            f"{story.sent:,}",
            _amounts(story.used),
            _amounts(story.left),
            f"${paid // 100}.{paid % 100:02d}",
            "\n".join(story.facts),
        )
    return table


def _amounts(by_type: Mapping[str, int]) -> str:
    """Return credits by type; a single type needs no name."""
    if len(by_type) == 1:
        return "".join(map(format_credits, by_type.values()))
    return "\n".join(f"{format_credits(micro)} {name}" for name, micro in by_type.items())


def _mails(playing: Scene) -> Table:
    table = Table(title="Mails sent", title_justify="left", header_style="bold")
    table.add_column("to")
    table.add_column("subject")
    table.add_column("times", justify="right")
    sent = Counter(
        (mail["to"], VARYING.sub("…", mail["subject"]))
        for mail in reversed(playing.stack.mail.mails())
    )
    for (to, subject), times in sorted(sent.items(), key=lambda one: one[0][0]):
        table.add_row(str(to), subject, str(times))
    return table


def _proof(found: list[Claim]) -> Table:
    table = Table(title="Proof", title_justify="left", header_style="bold")
    table.add_column("")
    table.add_column("law")
    table.add_column("found")
    for claim in found:
        table.add_row("[green]✓[/green]" if claim.holds else "[red]✗[/red]", claim.law, claim.found)
    return table
