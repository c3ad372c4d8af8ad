"""The ledger behind the methods of the model, so that one history drives both."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from domain.errors import IdempotencyConflict
from domain.payments.charges import ChargeKind
from domain.usage import PricedEvent, UsageEvent
from ledger import accounts, grants
from ledger.payments import charges
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import SubscribedWallet


@dataclass(frozen=True, slots=True)
class Use:
    """One usage event of a history."""

    key: str
    action: str
    quantity: int
    event_at: datetime
    credit_type: str
    amount: int


@dataclass
class RealWallet:
    connection: Connection
    wallet: SubscribedWallet

    @property
    def account(self) -> int:
        return self.wallet.account_id

    def _demand(self, event: Use) -> Demand:
        usage = UsageEvent(event.key, event.action, event.quantity, event.event_at)
        return Demand(self.account, PricedEvent(usage, event.credit_type, event.amount))

    def debit(self, event, at):
        return self.batch([event], at)[0]

    def batch(self, events, at):
        answers = debits.debit(self.connection, [self._demand(event) for event in events], at)
        return [(a.status, a.seq, a.available_micro, a.missing_micro, a.crossed) for a in answers]

    def remove(self, key, credit_type, amount, at):
        return grants.remove(
            self.connection,
            account_id=self.account,
            key=key,
            credit_type=credit_type,
            quantity_micro=amount,
            tags="{}",
            at=at,
        )

    def grant(self, order, at):
        try:
            return grants.give(self.connection, self.account, order, at)
        except IdempotencyConflict as conflict:
            return conflict.reason

    def expire(self, at):
        return grants.expire_due(self.connection, self.account, at)

    def pause(self, cause, paused, at):
        return accounts.set_paused(self.connection, self.account, cause, at, paused=paused)

    def renew(self, window, at):
        subscription = self.wallet.subscription_id
        grants.open_windows(
            self.connection,
            account_id=self.account,
            subscription_id=subscription,
            windows=[window],
            at=at,
        )

    def reserve(self, charge_id, needed, at):
        subscription = self.wallet.subscription_id
        r = charges.reserve_auto_purchase(
            self.connection,
            account_id=self.account,
            subscription_id=subscription,
            charge_id=charge_id,
            needed_micro=needed,
            at=at,
        )
        return (r.status, r.charge_id, r.quantity_micro, r.amount_minor, r.surcharge_minor)

    def open_manual(self, charge_id, quantity, amount, at):
        return charges.open_charge(
            self.connection,
            account_id=self.account,
            subscription_id=self.wallet.subscription_id,
            charge_id=charge_id,
            kind=ChargeKind.MANUAL,
            currency="USD",
            amount_minor=amount,
            quantity_micro=quantity,
            at=at,
        )

    def pay(self, charge_id, order, at):
        amount = order.cost_minor
        invoice = f"in_{charge_id}"
        first = charges.mark_paid(
            self.connection,
            account_id=self.account,
            charge_id=charge_id,
            invoice=invoice,
            amount_minor=amount,
            at=at,
        )
        return (first, self.grant(order, at))

    def decline(self, charge_id, attempt, at):
        return charges.mark_declined(
            self.connection,
            account_id=self.account,
            charge_id=charge_id,
            invoice=f"in_{charge_id}",
            attempt=attempt,
            code="declined",
            at=at,
        )

    def void(self, charge_id, at):
        return charges.mark_void(self.connection, self.account, charge_id, at)

    def decided_at(self):
        statement = text("SELECT decided_at FROM wallets WHERE account_id = :account")
        return self.connection.scalar(statement, {"account": self.account})

    def state(self):
        """Read all that is compared after a step, in one round trip."""
        row = self.connection.execute(STATE, {"account": self.account}).one()
        return State(
            position=tuple(row[:4]),
            grants=_by_grant(row.grants),
            replayed=_by_grant(row.replayed),
            books=tuple((row.books or {}).get(name, 0) for name in ("cash", "revenue", "breakage")),
            crossings=row.crossings,
            violations=row.violations or [],
        )


def _by_grant(found):
    return {int(grant_id): tuple(sums) for grant_id, sums in (found or {}).items()}


@dataclass(frozen=True, slots=True)
class State:
    """Where a wallet stands: each grant as (remaining, held, expired, voided), books, crossings."""

    position: tuple[object, ...]
    grants: dict[int, tuple[int, ...]]
    replayed: dict[int, tuple[int, ...]]  # from the journal and nothing else
    books: tuple[int, ...]
    crossings: int
    violations: list[object]


STATE = text("""
    SELECT w.decided_at, w.seq, w.window_start, w.window_end,
           (SELECT jsonb_object_agg(g.grant_id, jsonb_build_array(
                       g.remaining, g.held, g.expired, g.voided))
            FROM grants g WHERE g.account_id = w.account_id) AS grants,
           (SELECT jsonb_object_agg(j.grant_id, jsonb_build_array(
                       j.change, j.held, j.expired, j.voided))
            FROM (SELECT e.grant_id, sum(e.change) AS change, sum(e.held_change) AS held,
                         coalesce(-sum(e.change) FILTER (WHERE e.kind = 'expiry'), 0) AS expired,
                         coalesce(-sum(e.change) FILTER (WHERE e.kind = 'adjustment'), 0) AS voided
                  FROM entries e WHERE e.account_id = w.account_id AND e.grant_id IS NOT NULL
                  GROUP BY e.grant_id) j) AS replayed,
           (SELECT jsonb_object_agg(p.book, p.total)
            FROM (SELECT book, sum(amount_minor) AS total FROM postings
                  WHERE account_id = w.account_id GROUP BY book) p) AS books,
           (SELECT count(*) FROM outbox o WHERE o.account_id = w.account_id
            AND o.topic = 'crossing' AND o.delivered_at IS NULL) AS crossings,
           (SELECT jsonb_agg(v) FROM violations v WHERE v.account_id = :account) AS violations
    FROM wallets w WHERE w.account_id = :account
""")
