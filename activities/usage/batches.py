"""What a debit is asked and answers about usage as it came: of what was taken, only how much."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UsageMessage:
    """JSON of a message of usage. `left` are the places of its events to decide; None: all.

    `after` is how many events of the same batch come before it; `name` begins the names of its
    refusals.
    """

    name: str
    data: str
    left: tuple[int, ...] | None
    after: int


@dataclass(frozen=True, slots=True)
class Short:
    """An event that only a purchase can serve; `needed_micro` is what it takes in all."""

    key: str
    action: str
    needed_micro: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Deviations:
    """What became of a message, apart from what was simply debited.

    `left` are the places of the events that a later moment decides: a renewal is under way
    (`renewal_pending`) or a purchase is needed (`short`, the first of them). `refused` are reasons
    and how often; the refusals are kept already. `crossed`: one left exactly zero.
    """

    decided: int = 0
    left: tuple[int, ...] = ()
    refused: tuple[tuple[str, int], ...] = ()
    renewal_pending: bool = False
    short: Short | None = None
    crossed: bool = False
