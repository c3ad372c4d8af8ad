"""The ledger behind the requests of the model, so that one history drives both."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from domain.errors import IdempotencyConflict
from domain.payments.charges import ChargeKind
from domain.usage import PricedEvent, UsageEvent
from ledger import accounts, balances, grants
from ledger.payments import charges, refunds
from ledger.payments.refunds import RefundOrder
from ledger.teams import limits
from ledger.usage import corrections, debits, holds
from ledger.usage.corrections import CorrectionOrder
from ledger.usage.debits import Demand
from tests.builders import SubscribedWallet
from tests.ledger.machine.standing import STATE

FLUSH = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
FREE_AT = text("""
    SELECT jsonb_agg(b.available ORDER BY t.n)
    FROM unnest(CAST(:kinds AS text[]), CAST(:instants AS timestamptz[]))
         WITH ORDINALITY t (kind, instant, n)
    CROSS JOIN LATERAL balance_at(:account, t.kind, t.instant) b
""")


@dataclass(frozen=True, slots=True)
class Use:
    """One usage event of a history."""

    key: str
    action: str
    quantity: int
    event_at: datetime
    credit_type: str
    amount: int

    @property
    def event(self) -> UsageEvent:
        return UsageEvent(self.key, self.action, self.quantity, self.event_at)


@dataclass
class RealWallet:
    """Each request in a transaction of its own, as far as what is deferred to its end."""

    connection: Connection
    wallet: SubscribedWallet

    @property
    def account(self) -> int:
        return self.wallet.account_id

    @property
    def subscription(self) -> str:
        return self.wallet.subscription_id

    @property
    def driver(self):
        return self.connection.connection.driver_connection

    def commit(self):
        """Run the checks deferred to the end of a transaction."""
        self.driver.execute(FLUSH)

    # Usage

    def debit(self, event, at):
        return self.batch([event], at)[0]

    def batch(self, events, at):
        priced = [PricedEvent(one.event, one.credit_type, one.amount) for one in events]
        return self._debit(priced, at)

    def debit_on_terms(self, event, terms, at):
        priced = PricedEvent(event.event, event.credit_type, event.amount, terms)
        (one,) = debits.debit(self.connection, [Demand(self.account, priced)], at)
        asked = one.asked
        return (
            *(one.status, one.seq, one.available_micro, one.missing_micro, one.crossed),
            dict(one.charged),
            one.served_as,
            dict(asked.credits) if asked else {},
            bool(asked and asked.amount_minor),
        )

    def limit(self, counter, credit_type, ceiling, at):
        limits.set_limit(
            self.connection,
            account_id=self.account,
            counter=counter,
            credit_type=credit_type,
            ceiling_micro=ceiling,
            at=at,
        )

    def _debit(self, priced, at):
        answers = debits.debit(self.connection, [Demand(self.account, one) for one in priced], at)
        return [(a.status, a.seq, a.available_micro, a.missing_micro, a.crossed) for a in answers]

    def correct(self, key, event, quantity, at):
        order = CorrectionOrder(
            key=key, event=event, quantity_micro=quantity, reason="twice", by="ann"
        )
        one = corrections.correct(
            self.connection, account_id=self.account, order=order, terms=None, at=at
        )
        return (one.status, sum(amount for _, amount in one.given))

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

    # Holds

    def hold(self, asked, at):
        event = UsageEvent(asked.key, asked.action, asked.quantity, asked.event_at)
        priced = PricedEvent(event, asked.credit_type, asked.quantity * asked.rate)
        one = holds.hold(
            self.connection, account_id=self.account, priced=priced, lapses_at=asked.until, at=at
        )
        return (one.status, one.seq, one.available_micro, one.missing_micro)

    def capture(self, key, quantity, at):
        one = holds.capture(
            self.connection, account_id=self.account, key=key, quantity_micro=quantity, at=at
        )
        answer = (one.status, one.seq, one.available_micro)
        if one.status not in ("captured", "unknown_hold"):
            return answer
        return (*answer, sum(dict(one.taken).values()), sum(dict(one.uncollected).values()))

    def release(self, key, at):
        one = holds.release(self.connection, self.account, key, at)
        return (one.status, one.seq, one.available_micro)

    def extend(self, key, until, at):
        one = holds.extend(
            self.connection, account_id=self.account, key=key, lapses_at=until, at=at
        )
        return (one.status, one.lapses_at)

    def lapse(self, at):
        return holds.lapse_due(self.connection, self.account, at)

    # What comes in, runs out and stops use

    def grant(self, order, at):
        try:
            return grants.give(self.connection, self.account, order, at)
        except IdempotencyConflict as conflict:
            return conflict.reason

    def expire(self, at):
        return grants.expire_due(self.connection, self.account, at)

    def renew(self, window, at):
        grants.open_windows(
            self.connection,
            account_id=self.account,
            subscription_id=self.subscription,
            windows=[window],
            at=at,
        )

    def pause(self, cause, paused, at):
        return accounts.set_paused(self.connection, self.account, cause, at, paused=paused)

    def freeze(self, frozen, at):
        return grants.set_frozen(self.connection, self.account, at, frozen=frozen)

    # Money

    def reserve(self, charge_id, needed, at):
        r = charges.reserve_auto_purchase(
            self.connection,
            account_id=self.account,
            subscription_id=self.subscription,
            charge_id=charge_id,
            needed_micro=needed,
            at=at,
        )
        return (r.status, r.charge_id, r.quantity_micro, r.amount_minor, r.surcharge_minor)

    def open_manual(self, charge_id, quantity, amount, at):
        return self._open(charge_id, "manual_purchase", quantity, amount, at=at)

    def purchase(self, charge_id, kind, order, at):
        quantity = order.quantity_micro if kind == "manual_purchase" else None
        status = self._open(charge_id, kind, quantity, order.cost_minor, at=at)
        if status != "opened":
            return (status, None)
        return (status, self.pay(charge_id, order, at)[1])

    def _open(self, charge_id, kind, quantity, amount, *, at):
        return charges.open_charge(
            self.connection,
            account_id=self.account,
            subscription_id=self.subscription,
            charge_id=charge_id,
            kind=ChargeKind(kind),
            currency="USD",
            amount_minor=amount,
            quantity_micro=quantity,
            at=at,
        )

    def pay(self, charge_id, order, at, total=None):
        total = order.cost_minor if total is None else total
        first = charges.mark_paid(
            self.connection,
            account_id=self.account,
            charge_id=charge_id,
            invoice=f"in_{charge_id}" if total else None,
            amount_minor=total,
            at=at,
        )
        return (first, self.grant(order, at))

    def redeem(self, charge_id, coupon, minor, each, first, at):
        call = func.redeem_coupon(self.account, charge_id, coupon, minor, each, first, at)
        return self.connection.scalar(select(call))

    def tax(self, charge_id, minor, inside, at):
        told = {"behavior": "inclusive" if inside else "exclusive", "lines": []}
        call = func.tax_charge(self.account, charge_id, minor, cast(told, JSONB), at)
        return self.connection.scalar(select(call))

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

    def refund(self, name, charge, amount, at):
        order = RefundOrder(
            refund_id=name, charge_id=charge, amount_minor=amount, reason="asked for it", by="ann"
        )
        one = refunds.refund(self.connection, self.account, order, at)
        return (one.status, one.amount_minor, one.most_minor)

    def note_refund(self, name, charge, amount, state, at):
        facts = (name, charge, amount, state, at)
        return refunds.note_refund(self.connection, self.account, *facts)

    def note_dispute(self, name, charge, amount, state, at):
        facts = (name, charge, amount, state, at)
        return refunds.note_dispute(self.connection, self.account, *facts)

    # What is read

    def state(self):
        """Read all that is compared after a step, in one round trip."""
        return self.connection.execute(STATE, {"account": self.account}).one()

    def decided_at(self):
        statement = text("SELECT decided_at FROM wallets WHERE account_id = :account")
        return self.connection.scalar(statement, {"account": self.account})

    def available_at(self, asked):
        """Return what is available of each (credit type, instant), in one round trip."""
        kinds, instants = zip(*asked, strict=True)
        values = {"account": self.account, "kinds": list(kinds), "instants": list(instants)}
        return self.connection.scalar(FREE_AT, values)

    def as_of(self, at):
        """Return what was available and held at an instant, by credit type."""
        found = balances.balances_as_of(self.connection, self.account, at)
        return {one.credit_type: (one.available_micro, one.held_micro) for one in found}

    def archive(self, before, most):
        """Move old lines; return how many."""
        statement = text("SELECT archive_entries(:account, :before, :most)")
        values = {"account": self.account, "before": before, "most": most}
        return self.connection.scalar(statement, values)

    def violations(self):
        """Return the laws that this wallet breaks."""
        statement = text("""
            SELECT * FROM violations WHERE account_id = :account
            UNION ALL SELECT * FROM archive_violations WHERE account_id = :account
        """)
        return self.connection.execute(statement, {"account": self.account}).all()
