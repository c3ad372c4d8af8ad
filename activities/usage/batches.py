"""What a debit receives and returns for raw messages of usage: only what was not just taken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UsageMessage:
    """A message of usage as raw JSON. `left` are the positions of its undecided events; None: all.

    `after` is how many events of the same batch precede it; `name` is the prefix of its refusals'
    names.
    """

    name: str
    data: str
    left: tuple[int, ...] | None
    after: int


@dataclass(frozen=True, slots=True)
class Short:
    """An event that only a purchase can serve; `needed_micro` is its whole cost."""

    key: str
    action: str
    needed_micro: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Deviations:
    """The outcome of a message, apart from what was simply debited.

    `left` are the positions of events to decide later: a renewal is under way (`renewal_pending`)
    or a purchase is needed (`short` is the first of them). `refused` counts refusals by reason;
    they are stored already. `crossed`: one debit left exactly zero.
    """

    decided: int = 0
    left: tuple[int, ...] = ()
    refused: tuple[tuple[str, int], ...] = ()
    renewal_pending: bool = False
    short: Short | None = None
    crossed: bool = False
