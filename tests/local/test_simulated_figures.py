"""The row of all months is that of one month in which everything happened."""

from dataclasses import replace
from datetime import UTC, datetime

from local.simulator.figures import AMOUNTS, Figures, Flow, MonthFigures
from local.simulator.shown import words

FLOW = Flow(included=10, bought=20, used=25, expired=1, left=4)


def a_month(number: int, *types: str) -> MonthFigures:
    """Return a month whose every figure is another."""
    amounts = {name: number * (10_007 + 3 * place**3) for place, name in enumerate(AMOUNTS)}
    start = datetime(2027, number, 1, tzinfo=UTC)
    return MonthFigures(start, dict.fromkeys(types, FLOW), **amounts)


def figures(*months: MonthFigures) -> Figures:
    kinds = {one: one.title() for one in months[0].flows}
    return Figures("make:core", "Core", "USD", months, 0, (), {}, credit_types=kinds)


def the_sum(*types: str) -> MonthFigures:
    """Return January and February as one month: what is left is what February left."""
    flow = replace(FLOW, included=20, bought=40, used=50, expired=2)
    amounts = {name: 3 * getattr(a_month(1, *types), name) for name in AMOUNTS}
    return MonthFigures(a_month(1, *types).start, dict.fromkeys(types, flow), **amounts)


def test_the_row_of_all_months_has_their_sums():
    for types in (("credits",), ("credits", "words")):
        both = figures(a_month(1, *types), a_month(2, *types))
        for several, single in zip(
            words.month_grids(both), words.month_grids(figures(the_sum(*types))), strict=True
        ):
            assert several.rows[-1][0] == words.ALL
            assert several.rows[-1][1:] == single.rows[0][1:]
            assert single.rows[0][1:] == single.rows[-1][1:]
