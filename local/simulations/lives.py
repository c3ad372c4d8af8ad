"""One simulation in a process of its own: `python -m local.simulations.lives FOLDER`.

The order is read from the folder, progress and outcome are written there. SIGTERM ends it with
every server that it has started.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from catalogs.drafts import with_value
from catalogs.reader import read_catalog
from domain.errors import BillingError, InvalidInput
from domain.pricing.in_currency import plan_in
from domain.pricing.simulation import (
    MOST_OBJECTS_MICRO,
    FigureTable,
    Heading,
    LivedMonth,
    LivedSide,
    SimulationOrder,
    SimulationOutcome,
    SimulationProgress,
    checked,
    volume_of,
)
from ledger.reports.tables import Sheet
from local.demo.scene import Scene, scene
from local.simulations.joined import joined
from local.simulator.bank import check_payer
from local.simulator.changes import PlanChange
from local.simulator.days import days
from local.simulator.figures import Figures, figures_of
from local.simulator.life import Lived, live
from local.simulator.shapes import shaped
from local.simulator.shown import comparison, words
from local.simulator.sides import Side, check_actions
from local.simulator.usage import Usage

ORDER, PROGRESS, OUTCOME, REFUSAL = "order.json", "progress.json", "outcome.json", "refusal.json"
PATIENT = 10  # of `nice`: whoever serves customers goes first
LONGEST_NAME = 64
DRAFT = "_draft"

Tell = Callable[[SimulationProgress], None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order cannot be run, whoever tries again."""

    reason: str
    message: str


def sides_of(order: SimulationOrder) -> list[Side]:
    """Return the plans to be lived; a draft of a list has a name of its own, as both are loaded.

    Raises `InvalidInput`.
    """
    found: list[Side] = []
    for one in order.sides:
        source = one.source
        catalog = read_catalog(source, "draft.yaml" if found else "published.yaml")
        if catalog.name in {side.catalog.name for side in found}:
            name = catalog.name[: LONGEST_NAME - len(DRAFT)] + DRAFT
            source = with_value(source, (), ("name",), name)
            catalog = read_catalog(source, "draft.yaml")
        plan = plan_in(catalog, one.plan_id, currency=order.currency)
        found.append(
            Side(
                catalog, plan, source, auto=order.auto, top_up=order.top_up, confirm=order.confirm,
                by_debit=order.by_debit, place=order.place, coupon=order.coupon,
                changes=tuple(
                    PlanChange(
                        asked.on,
                        plan_in(catalog, asked.plan_id, currency=order.currency),
                        at_once=asked.at_once,
                    )
                    for asked in order.changes
                ),
            )
        )  # fmt: skip
    if len({side.plan.currency for side in found}) > 1:
        raise InvalidInput("unknown_currency", "the plans are in two currencies: try like ones")
    return found


def usages_of(order: SimulationOrder, sides: Sequence[Side]) -> list[Usage]:
    """Return the usage of each customer, the same for every side. Raises `InvalidInput`."""
    first = sides[0]
    action = first.metered()
    middle = first.window_volume() if order.volume_micro is None else order.volume_micro
    if action.once_per is not None and middle > MOST_OBJECTS_MICRO:
        message = f"volume: each {action.action_id} is paid for only once, so choose up to 2,000"
        raise InvalidInput("invalid_simulation", message)
    found = [
        shaped(
            shape=order.shape,
            action=action.action_id,
            volume_micro=volume_of(middle, number, order.customers),
            months=order.months,
            seed=order.seed + number,
            once_per=action.once_per,
        )
        for number in range(order.customers)
    ]
    for side in sides:
        check_actions(found[0], side)
        check_payer(side)
    return found


async def simulate(order: SimulationOrder, folder: Path, tell: Tell) -> SimulationOutcome:
    """Live the order on a stack of its own in `folder`. Raises `InvalidInput`."""
    sides = sides_of(checked(order))
    usages = usages_of(order, sides)
    of = len(sides) * len(usages) * order.months
    tell(SimulationProgress(0, of))
    lists = folder / "catalogs"
    lists.mkdir()
    for side in sides:
        (lists / f"{side.catalog.name}.yaml").write_text(side.source, encoding="utf-8")
    async with scene(lists, api=False) as playing:
        lives = await _lived(
            playing, order, [(side, one) for side in sides for one in usages], tell
        )
        with playing.engine.connect() as connection:
            each = [figures_of(connection, lived) for lived in lives]
    many = len(usages)
    return outcome_of([joined(each[at : at + many]) for at in range(0, len(each), many)])


async def _lived(
    playing: Scene, order: SimulationOrder, pairs: Sequence[tuple[Side, Usage]], tell: Tell
) -> list[Lived]:
    done = [0] * len(pairs)

    async def one(number: int, side: Side, usage: Usage) -> Lived:
        def progress(months: int) -> None:
            done[number] = months
            tell(SimulationProgress(sum(done), len(pairs) * order.months))

        return await live(
            playing.client, engine=playing.engine, side=side, customer_id=f"simulated-{number}",
            begins=order.begins, months=order.months, progress=progress,
            days=days(usage, side, order.begins, order.months, exact=False),
            standin=playing.stack.standin,
        )  # fmt: skip

    return list(await asyncio.gather(*(one(number, *pair) for number, pair in enumerate(pairs))))


def outcome_of(sides: Sequence[Figures]) -> SimulationOutcome:
    """Return the outcome as it is sent: words, months and tables."""
    if len(sides) == 1:
        (only,) = sides
        verdict = words.sentence(only)
        tables = [*words.month_grids(only), words.prices_grid(only)]
    else:
        one, other = sides
        verdict = comparison.verdict(one, other)
        tables = [comparison.differences_grid(one, other), comparison.by_month_grid(one, other)]
    return SimulationOutcome(verdict, tuple(map(_side, sides)), tuple(map(_table, tables)))


def _side(figures: Figures) -> LivedSide:
    months = tuple(
        LivedMonth(
            start=one.start.date(),
            charged_minor=one.charged_minor,
            breakage_minor=one.breakage_minor,
            events=one.events,
            refused=one.refused,
        )
        for one in figures.months
    )
    return LivedSide(
        title=figures.title,
        name=figures.name,
        currency=figures.currency,
        months=months,
        refusals=words.reasons_text(figures),
        notes=words.notes(figures),
    )


def _table(sheet: Sheet) -> FigureTable:
    headings = tuple(Heading(one.name, one.is_number) for one in sheet.columns)
    return FigureTable(sheet.title, headings, sheet.rows)


def write(file: Path, value: object) -> None:
    """Write a value as JSON; a reader sees all of it or none."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(value))
    fresh.replace(file)


async def _run(folder: Path) -> None:
    task: Any = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    order = msgspec.json.decode((folder / ORDER).read_bytes(), type=SimulationOrder)
    try:
        outcome = await simulate(order, folder, lambda far: write(folder / PROGRESS, far))
    except InvalidInput as error:
        write(folder / REFUSAL, Refusal(error.reason, str(error)))
    else:
        write(folder / OUTCOME, outcome)


def main(words: Sequence[str]) -> int:
    """Run the simulation of a folder; 1 when it was ended before it was done."""
    os.nice(PATIENT)
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(Path(words[0])))
        return 0
    return 1


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except BillingError as error:
        sys.stderr.write(f"{error.reason}: {error}\n")
        code = 2
    sys.stdout.flush()
    sys.stderr.flush()
    # Python up to 3.12 sometimes aborts while the SDK's threads end with the interpreter.
    os._exit(code)
