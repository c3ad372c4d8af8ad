"""Where a wallet stands, as the ledger's tables and its journal have it, and as the model does."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from tests.ledger.machine.model.settlement import disputed_of, refunded_of

BOOKS = ("cash", "refunds", "disputes", "tax")


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is compared after a step; each mapping is by grant."""

    position: tuple[datetime | int, ...]
    grants: dict[str, list[int]]
    money: dict[str, list[int]]
    replayed: dict[str, list[int]]  # as `grants` and the use, from the journal and nothing else
    counters: dict[str, int]  # by name and window, with debts and without alerts
    books: dict[str, int]
    prices: dict[str, list[int]]  # by charge: without tax, its tax, the surcharge, the discount
    crossings: int


def of_model(model) -> Standing:
    grants = {str(name): _grant(one) for name, one in model.grants.items()}
    return Standing(
        position=(model.now, model.seq, *model.window()),
        grants=grants,
        money={str(name): _money(one) for name, one in model.grants.items()},
        replayed={name: [*sums, model.grants[int(name)].used] for name, sums in grants.items()},
        counters=_counters(model),
        books=dict(zip(BOOKS, _books(model), strict=True)),
        prices={name: _price(one) for name, one in model.charges.items()},
        crossings=model.crossings,
    )


def _counters(model):
    debts = {f"debt:{kind} ": value for kind, value in model.debt.items()}
    counted = {
        f"{name} {int(start.timestamp()) if start else ''}": value
        for (name, start), value in model.counters.items()
    }
    return {name: value for name, value in (debts | counted).items() if value}


def _grant(one):
    sums = (one.terms.remaining, one.terms.held, one.expired, one.voided)
    return [*sums, one.refunded, one.rolled + one.unrolled, one.owed]


def _price(charge):
    return [charge.amount, charge.tax, charge.surcharge, charge.discount]


def _money(one):
    terms = one.terms
    facts = (one.refunded_minor, one.rolled_minor, terms.cost_minor, terms.priority)
    return [terms.granted, *facts]


def _books(model):
    refunded = sum(refunded_of(model, charge) for charge in model.charges)
    disputed = sum(disputed_of(model, charge) for charge in model.charges)
    return (model.cash, -refunded, -disputed, -sum(_taxes(model)))


def _taxes(model):
    """Yield the tax that is kept of each charge that is paid."""
    for name, charge in model.charges.items():
        if charge.state == "paid":
            gone = refunded_of(model, name) + disputed_of(model, name)
            yield charge.tax - charge.tax_in(gone)


def of_ledger(row) -> Standing:
    """Return where a row of `STATE` says that a wallet stands."""
    return Standing(
        position=tuple(row[:4]),
        grants=row.grants or {},
        money=row.money or {},
        replayed=row.replayed or {},
        counters=row.counters or {},
        books={name: booked(row, name) for name in BOOKS},
        prices=row.prices or {},
        crossings=row.crossings,
    )


def booked(row, name: str) -> int:
    """Return the minor units that a book of a row of `STATE` comes to."""
    return (row.books or {}).get(name, 0)


STATE = text("""
    SELECT w.decided_at, w.seq, w.window_start, w.window_end, g.grants, g.money,
           (SELECT jsonb_object_agg(j.grant_id, jsonb_build_array(
                j.remaining, j.held, j.expired, j.voided, j.refunded, j.rolled, j.owed, j.used))
            FROM (SELECT e.grant_id, sum(e.change) AS remaining, sum(e.held_change) AS held,
                         coalesce(-sum(e.change) FILTER (
                             WHERE e.kind IN ('expiry', 'reopen')), 0) AS expired,
                         coalesce(-sum(e.change) FILTER (
                             WHERE e.kind IN ('adjustment', 'void')), 0) AS voided,
                         coalesce(-sum(e.change) FILTER (
                             WHERE e.kind IN ('refund', 'chargeback')), 0) AS refunded,
                         coalesce(-sum(e.change) FILTER (WHERE e.kind = 'rollover'), 0) AS rolled,
                         coalesce(sum(e.debt_change), 0) AS owed,
                         coalesce(-sum(e.change) FILTER (
                             WHERE e.kind IN ('debit', 'capture', 'correction', 'repayment')),
                             0) AS used
                  FROM journal e WHERE e.account_id = w.account_id AND e.grant_id IS NOT NULL
                  GROUP BY e.grant_id) j) AS replayed,
           (SELECT jsonb_object_agg(c.counter || ' ' || CASE WHEN c.window_start > '-infinity'
                THEN extract(epoch FROM c.window_start)::bigint::text ELSE '' END, c.value)
            FROM counters c WHERE c.account_id = w.account_id AND c.value > 0
            AND c.counter NOT LIKE 'alert%') AS counters,
           (SELECT jsonb_object_agg(p.book, p.total)
            FROM (SELECT book, sum(amount_minor) AS total FROM postings
                  WHERE account_id = w.account_id GROUP BY book) p) AS books,
           (SELECT jsonb_object_agg(c.charge_id, jsonb_build_array(
                c.amount_minor, c.tax_minor, c.surcharge_minor, c.discount_minor))
            FROM charges c WHERE c.account_id = w.account_id) AS prices,
           (SELECT count(*) FROM outbox o WHERE o.account_id = w.account_id
            AND o.topic = 'crossing' AND o.delivered_at IS NULL) AS crossings,
           (SELECT jsonb_agg(o.payload) FROM outbox o WHERE o.account_id = w.account_id
            AND o.topic = 'alert') AS alerts
    FROM wallets w CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(g.grant_id, jsonb_build_array(
                   g.remaining, g.held, g.expired, g.voided, g.refunded,
                   g.rolled + g.unrolled, g.owed)) AS grants,
               jsonb_object_agg(g.grant_id, jsonb_build_array(
                   g.granted, g.refunded_minor, g.rolled_minor, g.cost_minor, g.priority)) AS money
        FROM grants g WHERE g.account_id = w.account_id) g
    WHERE w.account_id = :account
""")
