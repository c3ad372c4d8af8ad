"""Balance, grants, purchases and charges over time, as one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from sqlalchemy import text

from domain.credits import MICRO
from local.demo.scene import Scene
from local.demo.telling import CREDITS, Story

mpl.use("Agg")  # no screen is needed
from matplotlib import pyplot as plt

COLOURS = {
    "allowance": "#2f6f4f",
    "manual_purchase": "#2b6cb0",
    "auto_purchase": "#c05621",
    "adjustment": "#6b46c1",
    "pack": "#2b6cb0",
    "bonus": "#b83280",
    "rollover": "#319795",
    "overdraft": "#718096",
}
LINE = "#1a202c"


@dataclass(frozen=True)
class Curve:
    """A customer's balance after every entry, its grants, and its paid charges."""

    title: str
    at: Sequence[datetime]
    available: Sequence[float]
    grants: Sequence[tuple[datetime, float, str]]
    charges: Sequence[tuple[datetime, int]]


def curve(scene: Scene, story: Story) -> Curve:
    """Read what a customer's picture shows."""
    account = {"account": scene.account_of(story.customer_id), "type": story.shown}
    with scene.engine.connect() as connection:
        entries = connection.execute(
            text(
                "SELECT DISTINCT ON (seq) at, available_after FROM entries"
                " WHERE account_id = :account AND credit_type = :type ORDER BY seq, line"
            ),
            account,
        ).all()
        grants = connection.execute(
            text(
                "SELECT e.at, e.available_after, g.source FROM grants g JOIN entries e"
                " ON e.account_id = g.account_id AND e.seq = g.grant_id"
                " WHERE g.account_id = :account AND g.credit_type = :type ORDER BY e.seq"
            ),
            account,
        ).all()
        charges = connection.execute(
            text(
                "SELECT settled_at, amount_minor FROM charges WHERE account_id = :account"
                " AND state = 'paid' ORDER BY settled_at"
            ),
            account,
        ).all()
    return Curve(
        title=f"{story.title} ({story.shown})" if story.shown != CREDITS else story.title,
        at=[row.at for row in entries],
        available=[row.available_after / MICRO for row in entries],
        grants=[(row.at, row.available_after / MICRO, row.source) for row in grants],
        charges=[(row.settled_at, row.amount_minor) for row in charges],
    )


def draw(curves: Sequence[Curve], target: Path) -> Path:
    """Draw one panel a customer and write the picture."""
    figure, panels = plt.subplots(len(curves), 1, figsize=(11, 3.1 * len(curves)), squeeze=False)
    for panel, one in zip(panels[:, 0], curves, strict=True):
        _panel(panel, one)
    handles, labels = _legend(panels[:, 0])
    figure.legend(handles, labels, loc="upper center", ncol=6, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    figure.savefig(target, dpi=110)
    plt.close(figure)
    return target


def _panel(panel: Any, one: Curve) -> None:
    panel.step(one.at, one.available, where="post", color=LINE, linewidth=1.1, label="available")
    panel.fill_between(one.at, one.available, step="post", color=LINE, alpha=0.07)
    for source, colour in COLOURS.items():
        points = [(at, level) for at, level, given in one.grants if given == source]
        if points:
            panel.scatter(
                *zip(*points, strict=True), color=colour, s=34, zorder=3, label=_words(source)
            )
    money = panel.twinx()
    total, at, paid = 0, [], []
    for settled_at, amount in one.charges:
        total += amount
        at.append(settled_at)
        paid.append(total / 100)
    if one.at:
        money.step(
            [*at, one.at[-1]],
            [*paid, total / 100],
            where="post",
            color="#b7791f",
            linestyle="--",
            linewidth=1.2,
            label="charged, $",
        )
    money.set_ylim(bottom=0)
    money.set_ylabel("charged, $", color="#b7791f", fontsize=9)
    panel.set_ylim(bottom=0)
    panel.set_ylabel("credits", fontsize=9)
    panel.set_title(one.title, loc="left", fontsize=11, fontweight="bold")
    panel.tick_params(labelsize=8)
    money.tick_params(labelsize=8)
    panel.margins(x=0.01)
    for side in ("top",):
        panel.spines[side].set_visible(False)
        money.spines[side].set_visible(False)


def _legend(panels: Any) -> tuple[list[Any], list[str]]:
    known: dict[str, Any] = {}
    for panel in panels:
        for axes in panel.figure.axes:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                known.setdefault(label, handle)
    return list(known.values()), list(known)


def _words(source: str) -> str:
    return source.replace("_", "-")
