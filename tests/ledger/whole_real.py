"""The ledger with everything at once, behind the methods of the model."""

from dataclasses import dataclass

from sqlalchemy import text

from domain.payments.charges import ChargeKind
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import grants
from ledger.payments import charges, refunds
from ledger.payments.refunds import RefundOrder
from ledger.usage import corrections, debits
from ledger.usage.corrections import CorrectionOrder
from ledger.usage.debits import Demand
from tests.ledger.hold_model import RealHoldingWallet

FLUSH = text("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@dataclass
class RealWholeWallet(RealHoldingWallet):
    """The ledger's wallet; every request ends as its transaction would."""

    def commit(self):
        """Do what is deferred to the end of a transaction."""
        self.connection.execute(FLUSH)

    def debit_on_terms(self, event, at):
        ways = ()
        if event.amount:
            ways = (PricedWay(event.credit_type, event.amount, event.quantity),)
        terms = Terms((Attempt(event.action, ways),), at_zero="block")
        usage = UsageEvent(event.key, event.action, event.quantity, event.event_at)
        priced = PricedEvent(usage, event.credit_type, event.amount, terms)
        (a,) = debits.debit(self.connection, [Demand(self.account, priced)], at)
        return (a.status, a.seq, a.available_micro, a.missing_micro, a.crossed)

    def freeze(self, frozen, at):
        return grants.set_frozen(self.connection, self.account, at, frozen=frozen)

    def purchase(self, charge_id, kind, order, at):
        status = charges.open_charge(
            self.connection,
            account_id=self.account,
            subscription_id=self.wallet.subscription_id,
            charge_id=charge_id,
            kind=ChargeKind(kind),
            currency="USD",
            amount_minor=order.cost_minor,
            quantity_micro=order.quantity_micro if kind == "manual_purchase" else None,
            at=at,
        )
        if status != "opened":
            return (status, None)
        invoice, amount = f"in_{charge_id}", order.cost_minor
        charges.mark_paid(
            self.connection,
            account_id=self.account,
            charge_id=charge_id,
            invoice=invoice,
            amount_minor=amount,
            at=at,
        )
        return (status, self.grant(order, at))

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

    def correct(self, key, event, quantity, at):
        order = CorrectionOrder(
            key=key, event=event, quantity_micro=quantity, reason="twice", by="ann"
        )
        one = corrections.correct(
            self.connection, account_id=self.account, order=order, terms=None, at=at
        )
        return (one.status, sum(amount for _, amount in one.given))

    def state(self):
        return self.connection.execute(STATE, {"account": self.account}).one()


# Each grant as the tables have it, and as the journal alone does: remaining, held, expired, voided,
# refunded, rolled, owed, and what was used, which only the journal says.
STATE = text(
    """
    SELECT w.decided_at, w.seq, w.window_start, w.window_end,
           (SELECT jsonb_object_agg(g.grant_id, jsonb_build_array(
                g.remaining, g.held, g.expired, g.voided, g.refunded,
                g.rolled + g.unrolled, g.owed))
            FROM grants g WHERE g.account_id = w.account_id) AS grants,
           (SELECT jsonb_object_agg(g.grant_id, jsonb_build_array(
                g.granted, g.refunded_minor, g.rolled_minor, g.cost_minor, g.priority))
            FROM grants g WHERE g.account_id = w.account_id) AS money,
           (SELECT jsonb_object_agg(j.grant_id, jsonb_build_array(
                j.remaining, j.held, j.expired, j.voided, j.refunded, j.rolled, j.owed))
            FROM journal j) AS replayed,
           (SELECT jsonb_object_agg(j.grant_id, j.used) FROM journal j) AS used,
           (SELECT jsonb_object_agg(c.counter, c.value) FROM counters c
            WHERE c.account_id = w.account_id AND c.counter LIKE 'debt:%' AND c.value > 0) AS debt,
           (SELECT jsonb_object_agg(p.book, p.total)
            FROM (SELECT book, sum(amount_minor) AS total FROM postings
                  WHERE account_id = w.account_id GROUP BY book) p) AS books,
           (SELECT count(*) FROM outbox o WHERE o.account_id = w.account_id
            AND o.topic = 'crossing' AND o.delivered_at IS NULL) AS crossings,
           (SELECT jsonb_agg(o.payload) FROM outbox o WHERE o.account_id = w.account_id
            AND o.topic = 'alert') AS alerts,
           (SELECT jsonb_agg(v) FROM violations v WHERE v.account_id = w.account_id) AS violations
    FROM wallets w CROSS JOIN LATERAL (SELECT 1) one
    WHERE w.account_id = :account
""".replace(
        "FROM journal j",
        """FROM (
                SELECT e.grant_id, sum(e.change) AS remaining, sum(e.held_change) AS held,
                       -coalesce(sum(e.change) FILTER (
                           WHERE e.kind IN ('expiry', 'reopen')), 0) AS expired,
                       -coalesce(sum(e.change) FILTER (
                           WHERE e.kind IN ('adjustment', 'void')), 0) AS voided,
                       -coalesce(sum(e.change) FILTER (
                           WHERE e.kind IN ('refund', 'chargeback')), 0) AS refunded,
                       -coalesce(sum(e.change) FILTER (WHERE e.kind = 'rollover'), 0) AS rolled,
                       coalesce(sum(e.debt_change), 0) AS owed,
                       -coalesce(sum(e.change) FILTER (
                           WHERE e.kind IN ('debit', 'capture', 'correction', 'repayment')),
                           0) AS used
                FROM entries e WHERE e.account_id = w.account_id AND e.grant_id IS NOT NULL
                GROUP BY e.grant_id) j""",
    )
)
