"""`make demo`: all customers at once, then their tables, mails, picture and proof."""

import asyncio
import re
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.credits import format_credits
from local.demo import company, make, salestools, scalenut, schematic, zaplify
from local.demo.picture import curve, draw
from local.demo.proof import Claim, claims
from local.demo.scene import Scene, scene
from local.demo.telling import Progress as Report
from local.demo.telling import Story, StoryError
from local.demo.trace import Request, requests
from local.patience import until

STARTING = "starting PostgreSQL, Temporal, Stripe stand-in, mail, worker, API …"
PICTURE = Path("demo-report.png")
VARYING = re.compile(r"[A-Z][a-z]{2} \d+(, \d{4})? \u2013 [A-Z][a-z]{2} \d+(, \d{4})?")  # periods

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
    ("T  by bank debit, with tax", company.by_bank_debit),
)


async def play(console: Console) -> bool:
    """Run the demo; say whether every claim holds."""
    usage = requests()
    console.print(
        f"[bold]Drawdown[/bold]: {len(usage):,} real LLM requests, 1 credit = 1,000 tokens"
    )
    try:
        async with AsyncExitStack() as stage:
            with console.status(STARTING):
                playing = await stage.enter_async_context(scene())
            await _perform(playing, usage, console)
    except Exception as error:  # noqa: BLE001 - a person reads what failed, and where the logs are
        _print_failure(console, error)
        return False
    console.print("[green]every claim holds[/green]")
    console.print(
        "Look around: `make up` starts the same stack and leaves it running, with the customers'"
        " console and the operators' sign-in."
    )
    return True


async def _perform(playing: Scene, usage: tuple[Request, ...], console: Console) -> None:
    """Live all stories and print their proof. Raises `StoryError` where one or a claim fails."""
    stories, failures = await _live(playing, usage, console)
    console.print(_table(stories))
    if failures:
        raise StoryError("not finished: " + "; ".join(failures))
    await _mails_arrive(playing)
    console.print(_mails(playing))
    curves = [curve(playing, story) for story in stories]
    console.print(f"picture: {draw(curves, PICTURE).resolve().name}\n")
    found = claims(playing, stories)
    console.print(_proof(found))
    if not all(claim.holds for claim in found):
        raise StoryError("a claim does not hold")


def _print_failure(console: Console, error: Exception) -> None:
    console.print("the demo failed:", style="red")
    for line in (f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())):
        console.print(line, markup=False)


async def _live(
    playing: Scene, usage: tuple[Request, ...], console: Console
) -> tuple[list[Story], list[str]]:
    """Return the stories that finished, and why the others failed."""
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

        all_of_them = (one(title, live) for title, live in CAST)
        ended = await asyncio.gather(*all_of_them, return_exceptions=True)
    failures = []
    for (title, _), end in zip(CAST, ended, strict=True):
        if isinstance(end, BaseException):
            with (playing.stack.home / "demo.log").open("a") as log:
                traceback.print_exception(end, file=log)
            failures.append(f"{title}: {type(end).__name__}: {end}")
    return [end for end in ended if isinstance(end, Story)], failures


async def _mails_arrive(playing: Scene) -> None:
    query = "SELECT count(*) FROM outbox WHERE topic = 'mail' AND delivered_at IS NULL"

    def waiting() -> int:
        with playing.engine.connect() as connection:
            return int(connection.exec_driver_sql(query).scalar_one())

    await until(lambda: asyncio.to_thread(waiting), lambda left: left == 0, "all mails sent")


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
