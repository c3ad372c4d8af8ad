"""A wallet as the rules describe it, in plain Python: what the ledger must agree with."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.burn import Draw, Grant, available
from domain.holds import is_open
from domain.money import recognised

PURCHASED = ("pack", "manual_purchase", "auto_purchase")


@dataclass(frozen=True, slots=True)
class Ask:
    """A hold of a history: `rate` micro-credits per unit of quantity."""

    key: str
    action: str
    quantity: int
    event_at: datetime
    credit_type: str
    rate: int
    until: datetime


@dataclass
class ModelGrant:
    """A grant, and where its credits and its money went beside use."""

    terms: Grant
    source: str = "bonus"
    charge: str | None = None
    part: int = 0
    expired: int = 0
    voided: int = 0
    refunded: int = 0
    refunded_minor: int = 0
    owed: int = 0
    rolled: int = 0
    rolled_minor: int = 0
    unrolled: int = 0
    rolled_from: int | None = None
    rollable: int | None = None  # what was unused when it was decided what moves on
    rolls: tuple[int, int, int, int | None] = (0, 1, 1, None)  # times left, share, cap
    ties: tuple[int, int] = (0, 0)

    @property
    def used(self) -> int:
        gone = self.expired + self.voided + self.refunded + self.rolled + self.unrolled
        return self.terms.granted - self.terms.remaining - gone

    @property
    def unheld(self) -> int:
        return self.terms.remaining - self.terms.held

    @property
    def earned(self) -> int:
        return recognised(self.terms.cost_minor, self.used, self.terms.granted)

    @property
    def broken(self) -> int:
        gone = self.terms.granted - self.terms.remaining
        return recognised(self.terms.cost_minor, gone, self.terms.granted) - self.earned

    @property
    def returnable(self) -> int:
        """What its unused credits cost, with those that went back."""
        return (self.unheld + self.refunded) * self.terms.cost_minor // self.terms.granted

    @property
    def lends(self) -> bool:
        return self.source == "overdraft"

    def worth(self, minor: int) -> int:
        return -(-minor * self.terms.granted // self.terms.cost_minor)

    def take(self, amount: int) -> None:
        self.terms = replace(self.terms, remaining=self.terms.remaining - amount)

    def set_aside(self, amount: int) -> None:
        self.terms = replace(self.terms, held=self.terms.held + amount)


@dataclass
class ModelCharge:
    kind: str
    quantity: int
    amount: int
    surcharge: int
    window_start: datetime
    opened_at: datetime
    state: str = "open"
    declines: int = 0
    coupon: str | None = None
    discount: int = 0
    tax: int = 0
    tax_inside: bool = False  # of the price, and not added to it
    is_taxed: bool = False
    extra_in_price: int = 0  # the surcharge with its tax, if that is inside

    @property
    def total(self) -> int:
        """What is paid: `amount` is without tax."""
        return self.amount + self.tax

    @property
    def price(self) -> int:
        """What was asked for, less a discount: with tax that is inside, without what is added."""
        return self.amount + self.tax * self.tax_inside

    def tax_in(self, minor: int) -> int:
        """Return the tax in so much of its money, half up."""
        if not self.total:
            return 0
        return min(self.tax, (2 * minor * self.tax + self.total) // (2 * self.total))

    def with_tax(self, net: int) -> int:
        """Return the most of its money that has no more than so much net in it."""
        if not self.amount:
            return net
        return net + (2 * net * self.tax + self.amount) // (2 * self.amount)


@dataclass
class ModelHold:
    asked: Ask
    seq: int
    lines: tuple[Draw, ...]
    lapses_at: datetime
    state: str = "open"
    captured: int | None = None
    drawn: tuple[tuple[int, int], ...] = ()  # what a capture took: grant and amount
    uncollected: int = 0
    ended: tuple[int, int] = (0, 0)  # its entry, and what was available after it


@dataclass
class Wallet:
    """What is known of a wallet. The other modules of this folder say what requests do to it."""

    now: datetime
    windows: list[tuple[datetime, datetime]]
    cap: int
    late_usage: str
    auto_on: bool
    repays: bool
    seq: int = 0
    frozen: bool = False
    paused: list[str] = field(default_factory=list)
    grants: dict[int, ModelGrant] = field(default_factory=dict)
    charges: dict[str, ModelCharge] = field(default_factory=dict)
    holds: dict[str, ModelHold] = field(default_factory=dict)
    # A sender's keys and the ledger's own are kept apart: neither can take the other's.
    keys: dict[str, tuple[object, int, int]] = field(default_factory=dict)
    own_keys: dict[str, tuple[object, int, int]] = field(default_factory=dict)
    drawn: dict[str, list] = field(default_factory=dict)  # by usage key: what it still takes
    corrected: dict[str, int] = field(default_factory=dict)  # by usage key: what it came to
    corrections: dict[str, tuple] = field(default_factory=dict)
    served: dict[str, tuple] = field(default_factory=dict)  # by usage key: charged, and as what
    debt: dict[str, int] = field(default_factory=dict)
    counters: dict[tuple[str, datetime | None], int] = field(default_factory=dict)  # in a window
    limits: dict[tuple[str, str], int] = field(default_factory=dict)
    refunds: dict[str, list] = field(default_factory=dict)  # name: charge, amount, state
    disputes: dict[str, list] = field(default_factory=dict)
    cash: int = 0
    revenue: int = 0
    breakage: int = 0
    crossings: int = 0

    def window(self) -> tuple[datetime, datetime]:
        return max(window for window in self.windows if window[0] <= self.now)

    def refusal(self) -> str | None:
        if self.paused:
            return f"paused:{self.paused[0]}"
        return "renewal_pending" if self.now >= self.window()[1] else None

    def terms(self) -> list[Grant]:
        """What a plain debit may draw: nothing frozen, and no debt."""
        return [g.terms for g in self.grants.values() if not self._is_shut(g) and not g.lends]

    def stock(self) -> list[Grant]:
        """What terms and holds may draw: the overdraft too."""
        return [grant.terms for grant in self.grants.values() if not self._is_shut(grant)]

    def _is_shut(self, grant) -> bool:
        return self.frozen and grant.source in PURCHASED

    def available(self, credit_type: str, action: str | None = None) -> int:
        return available(self.terms(), credit_type, action, self.now)

    def available_at(self, credit_type: str, at: datetime) -> int:
        """What any action could use at an instant if nothing else happens before."""
        back: dict[int, int] = {}
        for hold in self.open_holds():
            if not is_open(hold.lapses_at, at):
                for line in hold.lines:
                    back[line.grant_id] = back.get(line.grant_id, 0) + line.amount
        freed = [replace(one, held=one.held - back.get(one.grant_id, 0)) for one in self.terms()]
        return sum(one.usable(credit_type, None, at) for one in freed)

    def balances(self) -> dict[str, tuple[int, int]]:
        """Return what is available and what is held, by credit type."""
        found = {}
        for kind in {grant.terms.credit_type for grant in self.grants.values()}:
            held = sum(one.held for one in self.terms() if one.credit_type == kind)
            found[kind] = (self.available(kind), held)
        return found

    def open_holds(self) -> list[ModelHold]:
        return [hold for hold in self.holds.values() if hold.state == "open"]

    def grants_of(self, charge) -> list[ModelGrant]:
        return [grant for grant in self.grants.values() if grant.charge == charge]

    def counters_of(self, start: datetime) -> dict[str, int]:
        """Return what was counted in a window, and for ever."""
        return {name: value for (name, of), value in self.counters.items() if of in (None, start)}

    def move(self, name: str, by: int, at: datetime | None = None) -> None:
        """Count so much more in the window of an instant (None: of now)."""
        at = at or self.now
        start = None if name.startswith("once:") else max(s for s, _ in self.windows if s <= at)
        self.counters[name, start] = self.counters.get((name, start), 0) + by

    def owe(self, credit_type: str, amount: int) -> None:
        self.debt[credit_type] = max(0, self.debt.get(credit_type, 0) + amount)

    def give(self, terms: Grant, **facts) -> ModelGrant:
        """Make a grant under the next number."""
        self.seq += 1
        made = ModelGrant(replace(terms, grant_id=self.seq), **facts)
        self.grants[self.seq] = made
        return made

    def give_again(self, like: ModelGrant, amount: int, until: datetime | None) -> None:
        """Give back credits that were taken out of a grant; nothing is paid for them."""
        again = replace(
            like.terms,
            effective_at=self.now,
            expires_at=until if until and until > self.now else None,
            granted=amount,
            remaining=amount,
            held=0,
            cost_minor=0,
        )
        self.give(again, source="adjustment", ties=like.ties)


def recall(known, key, content):
    """Answer a key that was seen before."""
    old, seq, left = known[key]
    return ("repeated" if old == content else "idempotency_conflict", seq, left, None, False)


def keep(wallet: Wallet, key, content, *, before, left, known=None, shown=None):
    """Keep an answer under its key; the last credit is told of."""
    wallet.seq += 1
    crossed = before > 0 and left == 0
    wallet.crossings += crossed
    known = wallet.keys if known is None else known
    shown = left if shown is None else shown
    known[key] = (content, wallet.seq, shown)
    return ("debited", wallet.seq, shown, None, crossed)
