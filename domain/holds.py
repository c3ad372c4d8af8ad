"""Holds: credits set aside for work in progress, and captures of more or less than was held."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.burn import Draw
from domain.outcomes import Outcome
from domain.usage import Confirmation

# The outcomes that mean a request about a hold succeeded, now or earlier.
HELD = (
    Outcome.HELD,
    Outcome.CAPTURED,
    Outcome.EXTENDED,
    Outcome.RELEASED,
    Outcome.REPEATED,
    Outcome.ALREADY_UNLOCKED,
)


class HoldState(StrEnum):
    """Where a hold stands. All but `open` are final; the first one reached stays."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class HoldOutcome:
    """The outcome of a request about a hold. Credits are micro-credits by credit type.

    `status` is one of `HELD` or a reason of domain/reasons.py. `taken` is what a capture took,
    `uncollected` what no credits covered; `asked` is what must be confirmed first.
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
    """What capturing a hold takes from it, takes beyond it, gives back, and leaves uncovered."""

    of_hold: tuple[Draw, ...]
    beyond: tuple[Draw, ...]
    back: tuple[Draw, ...]
    uncollected: int


def settle(held: Iterable[Draw], spare: Iterable[Draw], cost: int) -> Settled:
    """Return what a capture of `cost` micro-credits does to the hold's lines, in their order.

    `spare` is what else the action may draw, in burn order; it is used only beyond the hold.
    """
    of_hold, back, rest = _fill(held, cost)
    beyond, _, uncollected = _fill(spare, rest)
    return Settled(of_hold, beyond, back, uncollected)


def is_open(lapses_at: datetime, at: datetime) -> bool:
    """Return whether a hold nobody ended still holds at `at`: a lapse needs no sweep."""
    return at < lapses_at


def _fill(lines: Iterable[Draw], amount: int) -> tuple[tuple[Draw, ...], tuple[Draw, ...], int]:
    """Take an amount out of lines in order; return what was taken, is left and is missing."""
    taken, left = [], []
    for line in lines:
        part = min(line.amount, amount)
        amount -= part
        if part:
            taken.append(Draw(line.grant_id, part))
        if line.amount > part:
            left.append(Draw(line.grant_id, line.amount - part))
    return tuple(taken), tuple(left), amount
