"""Holds: credits set aside for work in progress, and what a capture of more or less comes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.burn import Draw
from domain.outcomes import Outcome
from domain.usage import Confirmation

# What a request about a hold comes to when it was carried out, now or before.
HELD = (
    Outcome.HELD,
    Outcome.CAPTURED,
    Outcome.EXTENDED,
    Outcome.RELEASED,
    Outcome.REPEATED,
    Outcome.ALREADY_UNLOCKED,
)


class HoldState(StrEnum):
    """Where a hold stands. All but `open` are ends; the first end is the only one."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class HoldOutcome:
    """What became of a request about a hold. Credits in micro-credits by credit type.

    `status` is one of `HELD` or a reason of domain/reasons.py. `taken` and `uncollected` are what a
    capture took and what there was no credit for; `asked` is what must be confirmed first.
    """

    key: str
    status: str
    seq: int | None = None
    available_micro: int | None = None
    missing_micro: int | None = None
    crossed: bool = False
    held: tuple[tuple[str, int], ...] = ()
    taken: tuple[tuple[str, int], ...] = ()
    uncollected: tuple[tuple[str, int], ...] = ()
    state: HoldState | None = None
    lapses_at: datetime | None = None
    served_as: str | None = None
    asked: Confirmation | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What capturing a hold takes out of it and beyond it, what goes back, what nothing covers."""

    of_hold: tuple[Draw, ...]
    beyond: tuple[Draw, ...]
    back: tuple[Draw, ...]
    uncollected: int


def settle(held: Iterable[Draw], spare: Iterable[Draw], cost: int) -> Settled:
    """Return what a capture of `cost` micro-credits does to the lines of its hold, in their order.

    `spare` is what the action may draw beside it, in burn order: drawn only beyond the hold.
    """
    of_hold, back, rest = _fill(held, cost)
    beyond, _, uncollected = _fill(spare, rest)
    return Settled(of_hold, beyond, back, uncollected)


def is_open(lapses_at: datetime, at: datetime) -> bool:
    """Say whether a hold nobody ended still holds at `at`: a lapse needs no sweep."""
    return at < lapses_at


def _fill(lines: Iterable[Draw], amount: int) -> tuple[tuple[Draw, ...], tuple[Draw, ...], int]:
    """Take an amount out of lines in order; return what was taken, what is left, what lacks."""
    taken, left = [], []
    for line in lines:
        part = min(line.amount, amount)
        amount -= part
        if part:
            taken.append(Draw(line.grant_id, part))
        if line.amount > part:
            left.append(Draw(line.grant_id, line.amount - part))
    return tuple(taken), tuple(left), amount
