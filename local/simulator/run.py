"""Simulate one plan, or compare two, on a throw-away stack: tables, a picture, a page, a CSV."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from domain.errors import InvalidInput
from ledger.reports.tables import Sheet, csv_text
from local.demo.scene import Scene, scene
from local.simulator.bank import check_payer
from local.simulator.days import days
from local.simulator.figures import Figures, figures_of
from local.simulator.life import Lived, live
from local.simulator.shown import comparison, words
from local.simulator.shown.curves import Curve, curve
from local.simulator.shown.grids import terminal_table
from local.simulator.shown.page import page
from local.simulator.sides import Side, SimulationRequest, check_actions

MOST_MONTHS = 120
STARTING = "starting PostgreSQL, Temporal, the Stripe stand-in and a worker …"


async def simulate(console: Console, side: Side, asked: SimulationRequest) -> Figures:
    """Live the months under one plan; print, draw and write what it costs."""
    from local.simulator.shown.picture import draw_life  # noqa: PLC0415 - it imports matplotlib

    curves, _ = await _live(console, [side], asked)
    figures = curves[0].figures
    grids = [*words.month_grids(figures), words.prices_grid(figures)]
    headline = words.sentence(figures)
    files = {
        ".png": draw_life(curves[0], headline, "png"),
        ".html": _page(
            asked, [figures], headline, picture=draw_life(curves[0], "", "svg"), grids=grids
        ).encode(),
        ".csv": csv_text(words.months_sheet(figures)).encode(),
    }
    _show(
        console=console, asked=asked, grids=grids, headline=headline, sides=[figures], files=files
    )
    return figures


async def compare(
    console: Console, sides: Sequence[Side], asked: SimulationRequest
) -> list[Figures]:
    """Live the same usage under two plans; print, draw and write how they differ."""
    from local.simulator.shown.picture import draw_comparison  # noqa: PLC0415 - it imports matplotlib

    if len({side.plan.currency for side in sides}) > 1:
        raise InvalidInput("unknown_currency", "the plans are in two currencies: compare like ones")
    curves, _ = await _live(console, sides, asked)
    one, other = (curve.figures for curve in curves)
    grids = [comparison.by_month_grid(one, other), comparison.differences_grid(one, other)]
    headline = comparison.verdict(one, other)
    files = {
        ".png": draw_comparison(curves, headline, "png"),
        ".html": _page(
            asked,
            [one, other],
            headline,
            picture=draw_comparison(curves, "", "svg"),
            grids=grids,
        ).encode(),
        ".csv": csv_text(comparison.comparison_sheet(one, other)).encode(),
    }
    _show(
        console=console,
        asked=asked,
        grids=grids,
        headline=headline,
        sides=[one, other],
        files=files,
    )
    return [one, other]


async def _live(
    console: Console, sides: Sequence[Side], asked: SimulationRequest
) -> tuple[list[Curve], list[Lived]]:
    if not 1 <= asked.months <= MOST_MONTHS:
        raise InvalidInput("invalid_range", f"--months is a number from 1 to {MOST_MONTHS}")
    for side in sides:
        check_actions(asked.usage, side)
        check_payer(side)
    with tempfile.TemporaryDirectory(prefix="drawdown-prices-") as name:
        folder = Path(name)
        for side in sides:
            file = folder / f"{side.catalog.name}.yaml"
            file.write_text(side.source, encoding="utf-8")
        async with AsyncExitStack() as stage:
            with console.status(STARTING):
                playing = await stage.enter_async_context(scene(folder, api=False))
            lives = await _together(console, playing, sides, asked)
            with playing.engine.connect() as connection:
                curves = [
                    curve(connection, lived, figures_of(connection, lived)) for lived in lives
                ]
    return curves, lives


async def _together(
    console: Console, playing: Scene, sides: Sequence[Side], asked: SimulationRequest
) -> list[Lived]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("months"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as bars:

        async def one(number: int, side: Side) -> Lived:
            bar = bars.add_task(side.title, total=asked.months)
            return await live(
                playing.client, engine=playing.engine, side=side, customer_id=f"simulated-{number}",
                begins=asked.begins, months=asked.months,
                days=days(asked.usage, side, asked.begins, asked.months, exact=asked.exact),
                progress=lambda done: bars.update(bar, completed=done),
                standin=playing.stack.standin,
            )  # fmt: skip

        return list(await asyncio.gather(*(one(n, side) for n, side in enumerate(sides, 1))))


def _page(
    asked: SimulationRequest,
    sides: Sequence[Figures],
    headline: str,
    *,
    picture: bytes,
    grids: Sequence[Sheet],
) -> str:
    beside = [f"{one.title}: {note}." for one in sides for note in words.notes(one)]
    return page(
        title=asked.out.name,
        sentence=headline,
        picture=picture,
        grids=grids,
        notes=" ".join([*beside, _about(asked)]),
    )


def _about(asked: SimulationRequest) -> str:
    replayed = asked.usage.months < asked.months
    again = f", replayed every {asked.usage.months} months" if asked.usage.months > 1 else ""
    return (
        f"{asked.usage.title}{(again or ', replayed every month') if replayed else ''}; "
        f"{asked.months} months from {asked.begins.isoformat()}; money is charged in the month it "
        "is paid; revenue and breakage fall due as credits are used or expire."
    )


def _show(
    console: Console,
    asked: SimulationRequest,
    grids: Sequence[Sheet],
    headline: str,
    sides: Sequence[Figures],
    files: dict[str, bytes],
) -> None:
    for grid in grids:
        console.print(terminal_table(grid))
    for figures in sides:
        reasons = words.reasons_text(figures)
        for note in (*words.notes(figures), *([f"refused: {reasons}"] if reasons else [])):
            console.print(f"{figures.title}: {note}", markup=False, highlight=False)
    written = []
    for ending, content in files.items():
        target = asked.out.with_name(asked.out.name + ending)
        target.write_bytes(content)
        written.append(str(target))
    console.print(_about(asked), style="dim", markup=False, highlight=False)
    console.print(headline, style="bold", markup=False, highlight=False)
    console.print(f"written: {', '.join(written)}", markup=False, highlight=False)
