"""How an event's terms resolve to draws: the model of the ledger's SQL, also used by previews."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.burn import Draw, Grant, burn_order
from domain.credits import MICRO
from domain.money import half_up
from domain.usage import EVERY_TIME, Attempt, PricedWay, Terms

CREDIT_LIMIT = 10**18  # micro-credits that one way may take for one event
NOBODY = ("member_removed", "member_restricted")  # may not use anything metered
REFUSED = ("insufficient_credits", "user_limit", *NOBODY)  # the next attempt may fit


@dataclass(frozen=True, slots=True)
class WalletView:
    """What terms are resolved against: the grants, and the window's counters and limits.

    `debts` names the grants that are overdraft. Limits are by counter and credit type.
    """

    grants: tuple[Grant, ...]
    counters: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], int] = field(default_factory=dict)
    debts: frozenset[int] = frozenset()

    def stock(self, credit_type: str, action: str, at: datetime) -> list[tuple[Grant, int]]:
        """Return what each grant can give, in burn order."""
        usable = ((one, one.usable(credit_type, action, at)) for one in self.grants)
        return sorted(((g, free) for g, free in usable if free), key=lambda one: burn_order(one[0]))


@dataclass(frozen=True, slots=True)
class Resolved:
    """How terms resolved.

    `status` is `fits`, `already_unlocked`, `short` (by `missing_micro` of `last_type`) or a reason.
    `charged` is by credit type, `moves` by counter; `asked` must be confirmed first.
    """

    status: str
    action: str
    draws: tuple[tuple[str, Draw], ...] = ()
    charged: Mapping[str, int] = field(default_factory=dict)
    moves: Mapping[str, int] = field(default_factory=dict)
    asked: Mapping[str, int] = field(default_factory=dict)
    last_type: str | None = None
    missing_micro: int = 0
    available_micro: int = 0


def counter_of_type(counter: str, credit_type: str) -> str:
    """Name the counter of a member's credits of one type."""
    return f"{counter}@{credit_type}"


def way_costs(way: PricedWay, used: int, quantity: int) -> int:
    """Return what a quantity costs, in micro-credits, after `used` of it."""
    if way.started:
        return -(-quantity // way.per_micro) * way.credits_micro
    return _rounded(way, used + quantity) - _rounded(way, used)


def way_covers(way: PricedWay, used: int, free: int) -> int:
    """Return the largest quantity that costs no more than `free` micro-credits."""
    if way.started:
        return free // way.credits_micro * way.per_micro
    total = free + _rounded(way, used)
    # The largest q with half_up(q * credits / per) <= total.
    return ((2 * total + 1) * way.per_micro - 1) // (2 * way.credits_micro) - used


def _rounded(way: PricedWay, quantity: int) -> int:
    return half_up(quantity * way.credits_micro, way.per_micro)


def resolve(terms: Terms, quantity: int, standing: WalletView, at: datetime) -> Resolved:
    """Resolve terms for a quantity: the first attempt that fits, else the last one's shortfall."""
    if terms.once is not None and quantity != MICRO:  # a part of it would buy all of it
        return Resolved("quantity_not_one", terms.attempts[0].action)
    if terms.once is not None and standing.counters.get(f"once:{terms.once}", 0):
        return Resolved("already_unlocked", terms.attempts[0].action)
    resolved = Resolved("invalid_rate", "")
    for number, attempt in enumerate(terms.attempts):
        resolved = _resolve_attempt(
            terms=terms, attempt=attempt, quantity=quantity, standing=standing, at=at
        )
        is_last = number == len(terms.attempts) - 1
        if resolved.status == "short" and not (is_last and terms.at_zero != "block"):
            resolved = _with_status(resolved, "insufficient_credits")
        if resolved.status == "fits" and number == 0 and terms.once is not None:
            moves = {**resolved.moves, f"once:{terms.once}": 1}
            return Resolved(
                status="fits",
                action=resolved.action,
                draws=resolved.draws,
                charged=resolved.charged,
                moves=moves,
                last_type=resolved.last_type,
            )
        if resolved.status not in REFUSED:
            break
    return resolved


def _with_status(resolved: Resolved, status: str) -> Resolved:
    return Resolved(
        status=status,
        action=resolved.action,
        draws=resolved.draws,
        charged=resolved.charged,
        moves=resolved.moves,
        asked=resolved.asked,
        last_type=resolved.last_type,
        missing_micro=resolved.missing_micro,
        available_micro=resolved.available_micro,
    )


@dataclass(slots=True)
class _Covering:
    """One attempt in progress: what it has drawn, charged, counted and must ask for so far."""

    standing: WalletView
    action: str
    at: datetime
    confirmed: bool
    taken: Counter[int] = field(default_factory=Counter)
    draws: list[tuple[str, Draw]] = field(default_factory=list)
    charged: dict[str, int] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)
    asked: dict[str, int] = field(default_factory=dict)
    last_type: str | None = None
    missing: int = 0
    available: int = 0

    def cover(self, way: PricedWay, rest: int, *, is_last: bool) -> int:
        """Cover as much of the rest as this way can, all of it if last; return how much."""
        used = self.standing.counters.get(way.carry, 0) if way.carry else 0
        stock = [
            (grant, free - self.taken[grant.grant_id])
            for grant, free in self.standing.stock(way.credit_type, self.action, self.at)
        ]
        free = sum(left for _, left in stock)
        part = rest if is_last else max(0, min(rest, way_covers(way, used, free)))
        if not part:
            return 0
        cost = way_costs(way, used, part)
        self._draw(way.credit_type, cost, stock)
        self.last_type, self.missing = way.credit_type, max(cost - free, 0)
        debt = sum(left for grant, left in stock if grant.grant_id in self.standing.debts)
        self.available = free - debt
        if way.carry and not way.started:
            self.moves[way.carry] += (used + part) % way.per_micro - used
        if cost and way.consent is not None:
            self._consent(way)
        return part

    def _draw(self, credit_type: str, cost: int, stock: Iterable[tuple[Grant, int]]) -> None:
        self.charged[credit_type] = self.charged.get(credit_type, 0) + cost
        for grant, left in stock:
            part = min(left, cost)
            if part > 0:
                self.draws.append((credit_type, Draw(grant.grant_id, part)))
                self.taken[grant.grant_id] += part
                cost -= part

    def _consent(self, way: PricedWay) -> None:
        consent = str(way.consent)
        if self.confirmed and consent != EVERY_TIME:
            self.moves[consent] += 1
        elif not self.confirmed and not self.standing.counters.get(consent, 0):
            self.asked[way.credit_type] = self.charged[way.credit_type]


def _resolve_attempt(
    terms: Terms, attempt: Attempt, quantity: int, standing: WalletView, at: datetime
) -> Resolved:
    covering = _Covering(standing, attempt.action, at, terms.confirmed)
    rest = quantity
    for number, way in enumerate(attempt.ways, start=1):
        if rest:
            rest -= covering.cover(way, rest, is_last=number == len(attempt.ways))
    if any(cost > CREDIT_LIMIT for cost in covering.charged.values()):
        return Resolved("invalid_quantity", attempt.action)
    over = _count(terms, covering)
    status = "fits"
    if over > 0:
        status = "user_limit"
    elif covering.missing:
        status = "short"
    elif covering.asked:
        status = "confirmation_required"
    return Resolved(
        status=status,
        action=attempt.action,
        draws=tuple(covering.draws),
        charged=covering.charged,
        moves=dict(covering.moves),
        asked=covering.asked,
        last_type=covering.last_type,
        missing_micro=over if over > 0 else covering.missing,
        available_micro=covering.available,
    )


def _count(terms: Terms, covering: _Covering) -> int:
    """Add to the counters; return by how much the tightest ceiling is exceeded."""
    over = 0
    for counter in terms.counters:
        for credit_type, cost in covering.charged.items():
            name = counter_of_type(counter, credit_type)
            ceiling = covering.standing.limits.get((counter, credit_type))
            if cost and ceiling is not None:
                value = covering.standing.counters.get(name, 0)
                over = max(over, value + cost - ceiling)
            if cost:
                covering.moves[name] += cost
    return over
