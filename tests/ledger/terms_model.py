"""A wallet that is debited on terms, in plain Python: what the ledger must agree with."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.burn import Grant
from domain.reference.resolving import WalletView, resolve
from domain.usage import Terms

PURCHASED = ("pack", "manual_purchase", "auto_purchase")


@dataclass(frozen=True, slots=True)
class Asking:
    """One usage event on terms."""

    key: str
    action: str
    quantity: int
    event_at: datetime
    terms: Terms


@dataclass
class TermsWallet:
    """Grants, counters and limits of one window; the window only changes as a whole."""

    window_start: datetime
    grants: dict[int, Grant] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    counters: dict[tuple[str, datetime | None], int] = field(default_factory=dict)
    limits: dict[tuple[str, str], int] = field(default_factory=dict)
    keys: dict[str, tuple[Asking, dict[str, int]]] = field(default_factory=dict)
    frozen: bool = False
    auto_type: str | None = None
    late_usage: str = "book_now"

    def standing(self) -> WalletView:
        usable = {
            name: grant
            for name, grant in self.grants.items()
            if not (self.frozen and self.sources[name] in PURCHASED)
        }
        counters = {
            name: value
            for (name, start), value in self.counters.items()
            if start in (None, self.window_start)
        }
        debts = frozenset(n for n in usable if self.sources[n] == "overdraft")
        return WalletView(tuple(usable.values()), counters, self.limits, debts)

    def debit(self, asking: Asking, at: datetime):
        """Return status, what was charged by type, by how much it was short, and what is asked."""
        if asking.key in self.keys:
            first, charged = self.keys[asking.key]
            same = replace(first, terms=asking.terms) == asking
            return (
                ("repeated", charged, None, {}) if same else ("idempotency_conflict", {}, None, {})
            )
        resolved = resolve(asking.terms, asking.quantity, self.standing(), at)
        if resolved.status == "short":
            return self.short(asking.terms, resolved)
        if resolved.status in ("insufficient_credits", "user_limit"):
            return (resolved.status, {}, resolved.missing_micro, {})
        if resolved.status == "quantity_not_one":
            return (resolved.status, {}, None, {})
        if resolved.status == "confirmation_required":
            return (resolved.status, {}, None, dict(resolved.asked))
        return self.take(asking, resolved)

    def take(self, asking: Asking, resolved):
        taken: Counter[str] = Counter()
        for credit_type, draw in resolved.draws:
            grant = self.grants[draw.grant_id]
            self.grants[draw.grant_id] = replace(grant, remaining=grant.remaining - draw.amount)
            taken[credit_type] += draw.amount
            if self.sources[draw.grant_id] == "overdraft":
                self.move(f"debt:{credit_type}", draw.amount)
        for name, move in resolved.moves.items():
            self.move(name, move)
        self.keys[asking.key] = (asking, dict(taken))
        status = "debited" if resolved.status == "fits" else resolved.status
        return (status, dict(taken), None, {})

    def move(self, name: str, by: int) -> None:
        start = None if name.startswith(("once:", "debt:")) else self.window_start
        self.counters[name, start] = self.counters.get((name, start), 0) + by

    def short(self, terms: Terms, resolved):
        """A switch is on for one credit type, and its cap leaves more than is ever short."""
        if resolved.last_type != self.auto_type:
            return ("insufficient_credits", {}, resolved.missing_micro, {})
        if (resolved.asked or terms.at_zero == "prompt") and not terms.confirmed:
            return ("confirmation_required", {}, resolved.missing_micro, dict(resolved.asked))
        return ("purchase_needed", {}, resolved.missing_micro, {})
