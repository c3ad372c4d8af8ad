"""Commands that try out prices: what a plan costs under some usage, and which of two is cheaper."""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from commands.terminal import Add, console, environment
from domain.credits import parse_quantity
from local.simulator.brought import read_brought
from local.simulator.calendar import read_moves
from local.simulator.changes import read_changes
from local.simulator.shapes import SHAPES, TRACE, shaped
from local.simulator.sides import Side, SimulationRequest, mapped, read_side, split_place
from local.simulator.usage import Usage, read_usage

BEGINS = date(2027, 1, 1)
MONTHS = 24
ENDINGS = (".csv", ".gz")


def simulate(arguments: Namespace) -> int:
    """Simulate months of usage on a plan, in virtual time, with the real workflow and ledger."""
    from local.simulator import run  # noqa: PLC0415 - drawing takes long to import

    side = _chosen(
        arguments, read_side(arguments.catalog, arguments.plan, currency=arguments.currency)
    )
    asyncio.run(run.simulate(console, side, _asked(arguments, [side], "simulation")))
    return 0


def compare(arguments: Namespace) -> int:
    """Simulate the same usage on two plans; show which is cheaper and what each refuses."""
    from local.simulator import run  # noqa: PLC0415 - drawing takes long to import

    chosen = arguments.currency
    one = read_side(*split_place(arguments.one), currency=chosen)
    other = read_side(*split_place(arguments.other), taken=[one.catalog.name], currency=chosen)
    sides = [_chosen(arguments, side) for side in (one, other)]
    asyncio.run(run.compare(console, sides, _asked(arguments, sides, "comparison")))
    return 0


def simulations(_: Namespace) -> int:
    """Run the simulations that operators ask for in the console, until Ctrl-C or SIGTERM."""
    from local.simulations.serving import serve  # noqa: PLC0415 - only this command runs them

    named = os.environ if os.environ.get("TEMPORAL_ADDRESS") else environment()
    asyncio.run(serve(named))
    return 0


def _chosen(arguments: Namespace, side: Side) -> Side:
    listed = {action.action_id for action in side.catalog.actions}
    names = {used: name for used, name in mapped(arguments.map).items() if name in listed}
    return replace(
        side,
        auto=arguments.auto,
        top_up=arguments.top_up,
        confirm=arguments.confirm,
        names=names,
        by_debit=arguments.by_debit,
        place=arguments.place,
        coupon=arguments.coupon,
        changes=read_changes(arguments.change, side.catalog, side.plan.currency),
        moves=read_moves(arguments.move),
        brings=read_brought(arguments.brings, side, arguments.begins) if arguments.brings else (),
    )


def _asked(arguments: Namespace, sides: Sequence[Side], name: str) -> SimulationRequest:
    usage = _usage(arguments, sides[0])
    out = arguments.out or Path(name)
    return SimulationRequest(
        usage=usage,
        begins=arguments.begins,
        months=arguments.months,
        exact=arguments.exact,
        out=out,
    )


def _usage(arguments: Namespace, side: Side) -> Usage:
    """Return the requested usage; generated usage fits the first plan's allowance."""
    usual = "llm_tokens" if arguments.usage == TRACE else side.metered().action_id
    action = arguments.action or usual
    if arguments.usage.endswith(ENDINGS):
        return read_usage(Path(arguments.usage), action)
    volume = parse_quantity(arguments.volume) if arguments.volume else side.window_volume()
    once_per = side.action(action).once_per if arguments.usage in SHAPES else None
    return shaped(
        shape=arguments.usage,
        action=action,
        volume_micro=volume,
        months=arguments.months,
        seed=arguments.seed,
        once_per=once_per,
    )


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    one = add("simulate", simulate)
    one.add_argument("catalog", help="a price list of catalogs/, or a file such as draft.yaml")
    one.add_argument("--plan", required=True)
    _add_usage(one)
    one = add("compare", compare)
    one.add_argument("one", help="CATALOG:PLAN, as make:core_10k or draft.yaml:core_10k")
    one.add_argument("other", help="CATALOG:PLAN")
    _add_usage(one)
    add("simulations", simulations)


def _add_usage(one: ArgumentParser) -> None:
    shapes = ", ".join([*SHAPES, TRACE])
    one.add_argument("--months", type=int, default=MONTHS, help=f"{MONTHS} if left out")
    one.add_argument("--usage", default="steady", help=f"a CSV file, or one of: {shapes}")
    one.add_argument("--currency", help="of a list of several, such as EUR; its first if left out")
    one.add_argument("--volume", help="a month's quantity of generated usage; the first plan's "
                     "allowance if left out")  # fmt: skip
    one.add_argument("--action", help="of generated usage; default: the first that costs credits")
    one.add_argument("--map", action="append", default=[], metavar="USED=LISTED",
                     help="which action of a price list replaces one of the usage")  # fmt: skip
    one.add_argument("--auto", action="store_true", help="switch auto-purchase on")
    one.add_argument(
        "--top-up", action="store_true", help="buy missing credits by hand, or in packs"
    )
    one.add_argument(
        "--confirm", action="store_true", help="agree whenever a payment must be confirmed"
    )
    one.add_argument("--by-debit", action="store_true", help="pay from a bank account: after days")
    one.add_argument("--coupon", type=str.upper, default="", help="of the price list")
    one.add_argument("--place", default="", help="where the customer is taxed, as GB or US-NY")
    one.add_argument("--change", action="append", default=[], metavar="DAY=PLAN",
                     help="another plan of the list as a day begins, as 2027-02-15=scale;"
                     " with @now behind, one of another interval begins at once")  # fmt: skip
    one.add_argument("--move", action="append", default=[], metavar="DAY=ZONE",
                     help="live elsewhere as a day begins, as 2027-03-01=Asia/Tokyo")  # fmt: skip
    one.add_argument("--import", dest="brings", type=Path, metavar="FILE",
                     help="balances from another system (docs/imports.md)")  # fmt: skip
    one.add_argument("--seed", type=int, default=1, help="of made-up usage")
    one.add_argument("--from", dest="begins", type=date.fromisoformat, default=BEGINS)
    one.add_argument(
        "--exact", action="store_true", help="report every event separately, not by hour"
    )
    one.add_argument("--out", type=Path, help="name of the files to write, without extension")
