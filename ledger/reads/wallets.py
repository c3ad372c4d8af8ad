"""A wallet at an instant: whether it serves, what each grant gives, what was used and is owed."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from domain.pricing.forecast import LONG_DAYS
from domain.subscription import Status
from ledger.accounts import CustomerDetails

INSTANT = timedelta(microseconds=1)  # the database knows no shorter time


@dataclass(frozen=True, slots=True)
class WalletNow:
    """A wallet as of `at`, which is never before its own time.

    The window is the one that holds `at`, or the last that was paid for; `refusal` is why metered
    use is refused, None if it is not; `awaits_money` that some of its charges are on their way;
    `members` how many its customer has.
    """

    account_id: int
    seq: int
    at: datetime
    state: str
    paused_by: tuple[str, ...]
    frozen: bool
    window_start: datetime | None
    window_end: datetime | None
    refusal: str | None
    awaits_money: bool
    members: int


WALLET = """
    SELECT w.seq, t.at, w.state, w.paused_by, w.frozen, o.starts, o.ends,
           serving_refusal(jsonb_populate_record(w, jsonb_strip_nulls(
               jsonb_build_object('window_end', o.ends))), t.at) AS refusal,
           EXISTS (SELECT FROM charges c
                   WHERE c.account_id = w.account_id AND c.state = 'processing') AS awaits_money,
           (SELECT count(*) FROM members m
            WHERE m.account_id = w.account_id AND m.removed_at IS NULL) AS members
    FROM wallets w
    CROSS JOIN LATERAL (SELECT greatest(:at, w.decided_at) AS at) t
    LEFT JOIN LATERAL (
        SELECT n.window_start, n.window_end FROM windows n
        WHERE n.account_id = w.account_id AND n.window_start <= t.at
          AND w.state = 'active' AND t.at >= w.window_end
        ORDER BY n.window_start DESC LIMIT 1) n ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(n.window_start, w.window_start) AS starts,
               coalesce(n.window_end, w.window_end) AS ends) o
    WHERE w.account_id = :account
"""
_WALLET = text(WALLET)


def wallet_now(connection: Connection, account_id: int, at: datetime) -> WalletNow:
    """Return a wallet as of `at`, or as of its own time if that is later."""
    row = connection.execute(_WALLET, {"account": account_id, "at": at}).one()
    return wallet_of(account_id, row)


def wallet_of(account_id: int, row: Row[Any]) -> WalletNow:
    """Return a wallet of the columns that `WALLET` selects."""
    return WalletNow(
        account_id=account_id,
        seq=row.seq,
        at=row.at,
        state=row.state,
        paused_by=tuple(row.paused_by),
        frozen=row.frozen,
        window_start=row.starts,
        window_end=row.ends,
        refusal=row.refusal,
        awaits_money=row.awaits_money,
        members=row.members,
    )


@dataclass(frozen=True, slots=True)
class GrantNow:
    """A grant that gives credits or holds some, in micro-credits; `expires_at` None: never.

    `available` is what a debit may take of it; `frozen` credits wait for a paid plan.
    """

    grant_id: int
    credit_type: str
    source: str
    granted: int
    used: int
    available: int
    held: int
    frozen: int
    effective_at: datetime
    expires_at: datetime | None
    scope: list[str] | None
    charge_id: str | None
    tags: dict[str, Any] | None


_GRANTS = text("""
    SELECT g.grant_id, g.credit_type, g.source, g.granted, used_of(g),
           CASE WHEN o.usable THEN g.remaining - o.held ELSE 0 END AS available, o.held,
           CASE WHEN NOT o.usable AND g.expires_at > :at THEN g.remaining - o.held
                ELSE 0 END AS frozen,
           g.effective_at, nullif(g.expires_at, 'infinity'), g.scope, g.charge_id, e.tags
    FROM grants g
    LEFT JOIN lapsed_by(:account, :at) l ON l.grant_id = g.grant_id
    CROSS JOIN LATERAL (
        SELECT g.held - coalesce(l.amount, 0) AS held,
               is_usable(g.effective_at, g.expires_at, g.source, :frozen, :at) AS usable) o
    LEFT JOIN LATERAL (
        SELECT j.tags FROM journal j
        WHERE j.account_id = g.account_id AND j.seq = g.grant_id
        ORDER BY j.line LIMIT 1) e ON true
    WHERE g.account_id = :account AND g.is_open AND g.source <> 'overdraft'
      AND g.effective_at <= :at AND (g.expires_at > :at OR o.held > 0)
    ORDER BY g.priority, g.expires_at, g.tie_1, g.tie_2, g.grant_id
""")


def grants_now(connection: Connection, wallet: WalletNow) -> tuple[GrantNow, ...]:
    """Return the grants in effect, in burn order; an overdraft is no one's credit."""
    rows = connection.execute(
        _GRANTS, {"account": wallet.account_id, "at": wallet.at, "frozen": wallet.frozen}
    )
    return tuple(GrantNow(*row) for row in rows)


_INCLUDED_AND_OWED = text("""
    SELECT true, credit_type, sum(granted)::bigint FROM grants
    WHERE account_id = :account AND source IN ('allowance', 'trial')
      AND effective_at >= :start AND effective_at <= :at
    GROUP BY credit_type
    UNION ALL
    SELECT false, substr(counter, 6), value FROM counters
    WHERE account_id = :account AND counter ^@ 'debt:' AND window_start = '-infinity'
""")


def included_and_owed(
    connection: Connection, wallet: WalletNow
) -> tuple[dict[str, int], dict[str, int]]:
    """Return micro-credits by credit type: what the plan gave for this window, and what is owed.

    Owed is what was taken on credit or charged back.
    """
    rows = connection.execute(
        _INCLUDED_AND_OWED,
        {"account": wallet.account_id, "start": wallet.window_start, "at": wallet.at},
    ).all()
    included = {kind: micro for is_included, kind, micro in rows if is_included}
    return included, {kind: micro for is_included, kind, micro in rows if not is_included}


_USED = text("""
    SELECT u.credit_type, u.used
    FROM (SELECT seq_before(:account, :start) AS seq OFFSET 0) b
    CROSS JOIN LATERAL used_between(:account, ARRAY[b.seq, :seq], b.seq) u
""")


def used_of_each(connection: Connection, wallet: WalletNow) -> dict[str, int]:
    """Return the micro-credits used since this window began, less what corrections gave back.

    A correction of an earlier window's event changes that window's use, not this one's. Types
    without use are left out.
    """
    rows = connection.execute(
        _USED, {"account": wallet.account_id, "start": wallet.window_start, "seq": wallet.seq}
    )
    return {row.credit_type: row.used for row in rows}


@dataclass(frozen=True, slots=True)
class AutoNow:
    """Auto-purchase in the window its cap counts; micro-credits. `bought` includes open ones.

    `card_usable`: there is a payment method to charge, of a kind that the plan takes for it.
    """

    credit_type: str
    on: bool
    card_usable: bool
    unit: int
    cap: int
    bought: int
    in_flight: bool


_AUTO = text("""
    SELECT p.auto_credit_type, p.auto_on, unpayable(p, p.auto_kinds) IS NULL,
           p.auto_unit, p.auto_cap,
           auto_purchased(p.account_id, :start, :end, p.cap_bounds, :at),
           EXISTS (SELECT FROM charges c WHERE c.account_id = p.account_id
                   AND c.kind = 'auto_purchase' AND c.state IN ('open', 'processing'))
    FROM policies p WHERE p.account_id = :account AND p.auto_unit IS NOT NULL
""")


def auto_now(connection: Connection, wallet: WalletNow) -> AutoNow | None:
    """Return where auto-purchase stands; None: the plan has none."""
    row = connection.execute(
        _AUTO,
        {
            "account": wallet.account_id,
            "start": wallet.window_start,
            "end": wallet.window_end,
            "at": wallet.at,
        },
    ).one_or_none()
    return AutoNow(*row) if row else None


_BURNS = text("""
    SELECT d.days, u.part, u.credit_type, u.used
    FROM (SELECT least(:longest, 1 + floor(extract(epoch FROM :at - f.at) / :day))::integer
                     AS days
          FROM (SELECT j.at FROM journal j WHERE j.account_id = :account
                ORDER BY j.seq LIMIT 1) f) d
    CROSS JOIN LATERAL (
        SELECT array_agg(:at - ago * interval '24 hours' + :instant ORDER BY ago DESC)
                   AS ends
        FROM generate_series(0, d.days) ago) e
    CROSS JOIN LATERAL used_between(:account, seqs_before(:account, e.ends), 0) u
""")


def burns_of_each(connection: Connection, wallet: WalletNow) -> dict[str, list[int]]:
    """Return the use of each day the customer has had, a month's at most, by credit type.

    Micro-credits net of corrections, the newest day last, as `forecast` takes them.
    """
    # A day has what was decided at its end, and not what was at its beginning.
    rows = connection.execute(
        _BURNS,
        {
            "account": wallet.account_id,
            "at": wallet.at,
            "longest": LONG_DAYS,
            "day": int(timedelta(days=1).total_seconds()),
            "instant": INSTANT,
        },
    )
    found: dict[str, list[int]] = {}
    for days, part, credit_type, used in rows:
        found.setdefault(credit_type, [0] * days)[part - 1] = max(0, used)
    return found


_SUBSCRIBER = text("""
    SELECT c.customer_id, c.name, c.email, c.locale, c.time_zone, c.payer,
           c.finance_email, c.payment_method,
           s.subscription_id, s.status, s.plan, s.next_plan, s.period_start, s.period_end,
           s.trial_ends_at, s.cancel_at_end, s.coupon_terms,
           CASE WHEN s.coupon IS NOT NULL
                THEN periods_with_coupon(s.account_id, s.subscription_id, '') END AS coupon_periods
    FROM customers c
    LEFT JOIN LATERAL (
        SELECT * FROM subscriptions o WHERE o.account_id = c.account_id
        ORDER BY o.status = :ended, o.recorded_at DESC LIMIT 1) s ON true
    WHERE c.account_id = :account
""")


def subscriber(
    connection: Connection, account_id: int
) -> tuple[CustomerDetails, dict[str, Any] | None]:
    """Return a customer with the columns of its subscription, as `subscription_of` chooses it."""
    row = connection.execute(_SUBSCRIBER, {"account": account_id, "ended": Status.ENDED}).one()
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    named = {field.name: values.pop(field.name) for field in fields(CustomerDetails)}
    return CustomerDetails(**named), values if values["subscription_id"] else None


_SUBSCRIPTION = text("""
    SELECT subscription_id, status, plan, next_plan, period_start, period_end,
           trial_ends_at, cancel_at_end, coupon_terms,
           CASE WHEN coupon IS NOT NULL
                THEN periods_with_coupon(account_id, subscription_id, '') END AS coupon_periods
    FROM subscriptions WHERE account_id = :account
    ORDER BY status = :ended, recorded_at DESC LIMIT 1
""")


def subscription_of(connection: Connection, account_id: int) -> dict[str, Any] | None:
    """Return the columns of a customer's live subscription, else of the one that ended last."""
    row = connection.execute(
        _SUBSCRIPTION, {"account": account_id, "ended": Status.ENDED}
    ).one_or_none()
    return dict(row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name for it
