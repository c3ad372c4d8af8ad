"""The burn order and what a debit draws: the model of the ledger's SQL; tests hold them equal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNIT_COST_SCALE = 10**12  # resolves unit costs to a millionth of a minor unit per credit


class TieBreak(StrEnum):
    """What decides between grants of equal priority and expiry."""

    CHEAPEST_FIRST = "cheapest_first"
    OLDEST_FIRST = "oldest_first"


@dataclass(frozen=True, slots=True)
class Grant:
    """A block of credits, in micro-credits."""

    grant_id: int
    credit_type: str
    scope: tuple[str, ...] | None
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    granted: int
    remaining: int
    held: int
    cost_minor: int
    tie_break: TieBreak = TieBreak.CHEAPEST_FIRST

    def __post_init__(self) -> None:
        if not 0 <= self.held <= self.remaining <= self.granted or self.granted == 0:
            raise InvalidInput("invalid_grant", "a grant keeps 0 <= held <= remaining <= granted")

    def usable(self, credit_type: str, action: str | None, at: datetime) -> int:
        """Return the micro-credits it can give an action at an instant (None: any action)."""
        if self.credit_type != credit_type or at < self.effective_at:
            return 0
        if self.expires_at is not None and self.expires_at <= at:
            return 0
        if self.scope is not None and action is not None and action not in self.scope:
            return 0
        return self.remaining - self.held


@dataclass(frozen=True, slots=True)
class Draw:
    """Micro-credits taken out of one grant by one debit."""

    grant_id: int
    amount: int


def tie_keys(
    tie_break: TieBreak, cost_minor: int, granted: int, effective_at: datetime
) -> tuple[int, int]:
    """Return the two integer sort keys stored with a grant when it is made."""
    unit_cost = cost_minor * _UNIT_COST_SCALE // granted
    time = (effective_at - _EPOCH) // _MICROSECOND
    match tie_break:
        case TieBreak.CHEAPEST_FIRST:
            return unit_cost, time
        case TieBreak.OLDEST_FIRST:
            return time, unit_cost


def burn_order(grant: Grant) -> tuple[int, bool, datetime, tuple[int, int], int]:
    """Return the key of the total order: priority, expiry (none last), tie-break, id."""
    tie = tie_keys(grant.tie_break, grant.cost_minor, grant.granted, grant.effective_at)
    expires_at = grant.expires_at or _EPOCH
    return grant.priority, grant.expires_at is None, expires_at, tie, grant.grant_id


def available(grants: Iterable[Grant], credit_type: str, action: str | None, at: datetime) -> int:
    """Return the micro-credits that a debit could draw at an instant (None: for some action)."""
    return sum(grant.usable(credit_type, action, at) for grant in grants)


def draw(
    grants: Iterable[Grant], credit_type: str, action: str, amount: int, at: datetime
) -> tuple[Draw, ...] | None:
    """Return what each grant gives to a debit of `amount` micro-credits; None if too little."""
    draws: list[Draw] = []
    missing = amount
    for grant in sorted(grants, key=burn_order):
        taken = min(missing, grant.usable(credit_type, action, at))
        if taken > 0:
            draws.append(Draw(grant.grant_id, taken))
            missing -= taken
    return None if missing else tuple(draws)
