"""A life, or two side by side, as one picture: balance, charges, what became of the credits."""

import io
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate
from textwrap import fill
from typing import Any

import matplotlib as mpl

from domain.credits import MICRO
from domain.money import minor_exponent
from local.simulator.figures import Figures
from local.simulator.shown.curves import Curve

mpl.use("Agg")  # no screen is needed
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

INK, PALE, GRID = "#1a202c", "#a0aec0", "#e2e8f0"
PLAN, EXTRA, LOST, REFUSED = "#2f855a", "#dd6b20", "#cbd5e0", "#c53030"
SIDES = ("#2b6cb0", "#dd6b20")
MARKS = {
    "allowance": (PLAN, "^"),
    "auto_purchase": (EXTRA, "o"),
    "manual_purchase": ("#2b6cb0", "s"),
    "pack": ("#2b6cb0", "s"),
    "rollover": ("#319795", "D"),
    "bonus": ("#805ad5", "*"),
}
HALF_MONTH = timedelta(days=14)
BAR_DAYS = 20
MOST_TICKS = 14
HEADLINE_WIDTH = 110
STYLE: Any = {
    "font.size": 9, "axes.edgecolor": PALE, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": GRID, "axes.axisbelow": True,
    "legend.frameon": False, "legend.fontsize": 8, "svg.hashsalt": "drawdown",
}  # fmt: skip


def draw_life(curve: Curve, headline: str, kind: str) -> bytes:
    """Return one life as `png` or `svg`."""
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            3, 1, figsize=(11, 9), sharex=True, height_ratios=(3, 2, 2), layout="constrained"
        )
        _balance(panels[0], curve, INK)
        _charges(panels[1], curve.figures)
        _credits(panels[2], curve.figures)
        _months(panels[2], curve.figures)
        _headline(figure, headline)
        return _written(figure, kind)


def draw_comparison(curves: Sequence[Curve], headline: str, kind: str) -> bytes:
    """Return two runs as `png` or `svg`: money above, refusals and credits left below."""
    sides = [curve.figures for curve in curves]
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            4, 1, figsize=(11, 11), sharex=True, height_ratios=(3, 2, 2, 2), layout="constrained"
        )
        _totals(panels[0], sides)
        for panel, name in ((panels[1], "charged_minor"), (panels[2], "breakage_minor")):
            _beside(panel, sides, name)
        _beside(panels[3], sides, "refused")
        panels[1].set_title("charged in the month", loc="left")
        panels[2].set_title("paid for credits that expired unused", loc="left")
        panels[3].set_title("events refused", loc="left")
        _months(panels[3], sides[0])
        _headline(figure, headline)
        return _written(figure, kind)


def _headline(figure: Any, words: str) -> None:
    # Two dollar signs are no formula.
    figure.suptitle(fill(words, HEADLINE_WIDTH), x=0.01, ha="left", fontsize=12,
                    fontweight="bold", parse_math=False)  # fmt: skip


def _balance(panel: Any, curve: Curve, colour: str) -> None:
    panel.step(curve.at, curve.level, where="post", color=colour, linewidth=1)
    panel.fill_between(curve.at, curve.level, step="post", color=colour, alpha=0.08, linewidth=0)
    for source, (mark, shape) in MARKS.items():
        points = [(at, level) for at, level, given in curve.grants if given == source]
        if points:
            label = f"{source.replace('_', '-')} ({len(points)})"
            panel.scatter(*zip(*points, strict=True), color=mark, marker=shape, s=30, zorder=3,
                          label=label)  # fmt: skip
    if curve.refused:
        bottom = [0] * len(curve.refused)
        panel.scatter(curve.refused, bottom, color=REFUSED, marker="|", s=60, zorder=3,
                      clip_on=False, label=f"refused ({len(curve.refused)} days)")  # fmt: skip
    panel.set_title(f"{curve.figures.credit_types[curve.figures.main_type]} available", loc="left")
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    panel.set_ylim(bottom=0)
    panel.margins(x=0.01)
    panel.legend(ncols=5, loc="lower left", bbox_to_anchor=(0.3, 1))


def _charges(panel: Any, figures: Figures) -> None:
    at = [month.start + HALF_MONTH for month in figures.months]
    plan, extra = (_major(figures, name) for name in ("plan_minor", "extra_minor"))
    panel.bar(at, plan, BAR_DAYS, color=PLAN, label="plan")
    panel.bar(at, extra, BAR_DAYS, bottom=plan, color=EXTRA, label="extra credits")
    panel.set_title("charged", loc="left")
    _money_axis(panel, figures)
    sums = panel.twinx()
    charged = _major(figures, "charged_minor")
    sums.plot(at, list(accumulate(charged)), color=INK, linestyle="--", linewidth=1)
    sums.set_ylim(bottom=0)
    sums.grid(visible=False)
    sums.spines["right"].set_visible(True)
    sums.set_ylabel("sum (dashed)")
    panel.legend(ncols=2, loc="lower left", bbox_to_anchor=(0.3, 1))


def _credits(panel: Any, figures: Figures) -> None:
    at = [month.start + HALF_MONTH for month in figures.months]
    flows = [month.flows[figures.main_type] for month in figures.months]
    used, lost = ([getattr(flow, name) / MICRO for flow in flows] for name in ("used", "expired"))
    panel.bar(at, used, BAR_DAYS, color="#4a5568", label="used")
    panel.bar(at, lost, BAR_DAYS, bottom=used, color=LOST, hatch="///", edgecolor="white",
              linewidth=0, label="expired unused")  # fmt: skip
    included = [flow.included / MICRO for flow in flows]
    panel.step(at, included, where="mid", color=PLAN, linewidth=1.5, label="included")
    panel.set_title("what became of the credits", loc="left")
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    panel.legend(ncols=3, loc="lower left", bbox_to_anchor=(0.3, 1))


def _totals(panel: Any, sides: Sequence[Figures]) -> None:
    """Draw how the costs of both sides add up."""
    for side, colour in zip(sides, SIDES, strict=True):
        at = [month.start for month in side.months]
        at.append(at[-1] + 2 * HALF_MONTH)
        sums = [*accumulate(_major(side, "charged_minor"))]
        panel.step(at, [*sums, sums[-1]], where="post", color=colour, linewidth=2, label=side.title)
        panel.annotate(f"{sums[-1]:,.2f}", (at[-1], sums[-1]), xytext=(4, 0), color=colour,
                       textcoords="offset points", va="center", fontweight="bold")  # fmt: skip
    panel.set_title("charged so far", loc="left")
    panel.set_ylim(bottom=0)
    _money_axis(panel, sides[0])
    panel.legend(ncols=2, loc="upper left")


def _beside(panel: Any, sides: Sequence[Figures], name: str) -> None:
    """Draw a month's figure of both sides, bar beside bar."""
    for number, (side, colour) in enumerate(zip(sides, SIDES, strict=True)):
        shift = timedelta(days=9 + 10 * number)
        at = [month.start + shift for month in side.months]
        heights = (
            [month.refused for month in side.months] if name == "refused" else _major(side, name)
        )
        panel.bar(at, heights, 9, color=colour)
    if not any(side.total(name) for side in sides):
        panel.set_ylim(0, 1)
        panel.set_yticks([])
        panel.text(0.5, 0.5, "none on either", transform=panel.transAxes, ha="center", color=PALE)
    elif name == "refused":
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    else:
        _money_axis(panel, sides[0])


def _money_axis(panel: Any, figures: Figures) -> None:
    panel.set_ylabel(figures.currency)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def _months(panel: Any, figures: Figures) -> None:
    """Name the months below the lowest panel, as many as fit."""
    starts = [month.start for month in figures.months]
    shown = starts[:: -(-len(starts) // MOST_TICKS)]
    panel.set_xticks(shown, [f"{start:%b}\n{start:%Y}" for start in shown])


def _major(figures: Figures, name: str) -> list[float]:
    scale = 10 ** minor_exponent(figures.currency)
    return [getattr(month, name) / scale for month in figures.months]


def _written(figure: Any, kind: str) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else None)
    plt.close(figure)
    return target.getvalue()
