"""Room left for auto-purchase, and credits frozen until the next paid plan."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class CapLeft:
    """Auto-purchases of the cap's window, in micro-credits; `bought` includes open ones."""

    on: bool
    unit_micro: int
    cap_micro: int
    bought_micro: int

    @property
    def units(self) -> int:
        """How many whole units may still be bought."""
        return max(self.cap_micro - self.bought_micro, 0) // self.unit_micro


def cap_left(connection: Connection, account_id: int, at: datetime) -> CapLeft | None:
    """Return what auto-purchase may still buy; None: the plan has no auto-purchase."""
    row = connection.execute(
        text("""
            SELECT p.auto_on, p.auto_unit, p.auto_cap,
                   auto_purchased(w.account_id, w.window_start, w.window_end, p.cap_bounds,
                                  greatest(w.decided_at, :at)) AS bought
            FROM wallets w JOIN policies p ON p.account_id = w.account_id
            WHERE w.account_id = :account AND p.auto_unit IS NOT NULL
        """),
        {"account": account_id, "at": at},
    ).one_or_none()
    return CapLeft(row.auto_on, row.auto_unit, row.auto_cap, row.bought) if row else None


def frozen_of_each(connection: Connection, account_id: int, at: datetime) -> dict[str, int]:
    """Return the purchased micro-credits frozen until a paid plan, by credit type."""
    rows = connection.execute(
        text("""
            SELECT g.credit_type, sum(g.remaining - g.held)::bigint AS waiting
            FROM grants g JOIN wallets w ON w.account_id = g.account_id
            WHERE w.account_id = :account AND w.frozen AND g.is_open AND is_purchased(g.source)
              AND g.expires_at > :at
            GROUP BY g.credit_type ORDER BY g.credit_type
        """),
        {"account": account_id, "at": at},
    )
    return {row.credit_type: row.waiting for row in rows}
