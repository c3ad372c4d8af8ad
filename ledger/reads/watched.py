"""Whether a balance can be another than when it was read: one look at many wallets at once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from ledger.reads.wallets import WALLET, WalletNow, wallet_of

# Everything that a balance is made of changes one of these: entries the sequence, pauses the
# wallet, the switch and the card the policy, the plan the subscription, and money on
# its way the charges, and time what has begun or run out.
_MARKS = """
    SELECT w.account_id, md5(ROW(
        w.seq, w.state, w.paused_by, w.frozen, w.plan_revision, w.window_start, w.window_end,
        w.kept_until, w.window_end <= t.at, p.*, s.version, c.open, g.turned,
        (SELECT max(n.window_start) FROM windows n
         WHERE n.account_id = w.account_id AND n.window_start <= t.at),
        (SELECT max(h.lapses_at) FROM holds h
         WHERE h.account_id = w.account_id AND h.state = 'open' AND h.lapses_at <= t.at))::text)
        AS mark
    FROM wallets w
    CROSS JOIN LATERAL (SELECT greatest(:at, w.decided_at) AS at) t
    LEFT JOIN policies p ON p.account_id = w.account_id
    LEFT JOIN LATERAL (
        SELECT o.xmin AS version FROM subscriptions o WHERE o.account_id = w.account_id
        ORDER BY o.status = 'ended', o.recorded_at DESC LIMIT 1) s ON true
    LEFT JOIN LATERAL (
        SELECT string_agg(o.charge_id || o.state, ' ' ORDER BY o.charge_id) AS open
        FROM charges o
        WHERE o.account_id = w.account_id
          AND (o.state = 'processing' OR o.kind = 'auto_purchase' AND o.state = 'open')) c ON true
    LEFT JOIN LATERAL (
        SELECT max(v.instant) AS turned
        FROM grants o CROSS JOIN LATERAL (VALUES (o.effective_at), (o.expires_at)) v (instant)
        WHERE o.account_id = w.account_id AND o.is_open AND v.instant <= t.at) g ON true
    WHERE w.account_id = ANY (:accounts)
"""
_ALL = text(_MARKS)
_WATCHED = text(
    f"SELECT o.*, m.mark FROM ({WALLET}) o CROSS JOIN ({_MARKS}) m"  # noqa: S608 - both are ours
)


def marks(connection: Connection, account_ids: Sequence[int], at: datetime) -> dict[int, str]:
    """Return a mark of each wallet at `at`, or at its own time if that is later.

    Equal marks: the balance is the same but for what the clock alone changes, such as
    `days_to_empty`.
    """
    rows = connection.execute(_ALL, {"accounts": list(account_ids), "at": at})
    return {row[0]: row[1] for row in rows}


def wallet_watched(connection: Connection, account_id: int, at: datetime) -> tuple[WalletNow, str]:
    """Return a wallet as `wallets.wallet_now` does, with its mark."""
    values = {"account": account_id, "accounts": [account_id], "at": at}
    row = connection.execute(_WATCHED, values).one()
    return wallet_of(account_id, row), row.mark
