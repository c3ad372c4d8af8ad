"""What of an account waits for somebody: debts, disputes, requests, credits that are frozen."""

from sqlalchemy import Connection, text

from domain.credits import format_credits
from domain.money import format_money


def open_matters(connection: Connection, account_id: int) -> dict[str, object]:
    """Return what is open by name, as people read it; what is not open is left out."""
    values = {"account": account_id}
    debts = connection.execute(
        text("""
            SELECT substr(counter, 6) AS credit_type, value FROM counters
            WHERE account_id = :account AND counter LIKE 'debt:%' AND value > 0
            ORDER BY counter
        """),
        values,
    )
    disputes = connection.execute(
        text("""
            SELECT d.charge_id, d.amount_minor, c.currency
            FROM disputes d JOIN charges c USING (account_id, charge_id)
            WHERE d.account_id = :account AND d.state = 'open' ORDER BY d.dispute_id
        """),
        values,
    )
    requests = connection.execute(
        text("""
            SELECT subscription_id, key, member_id, lapses_at FROM approvals
            WHERE account_id = :account AND state = 'waiting' ORDER BY lapses_at, key
        """),
        values,
    )
    frozen = connection.scalar(
        text("SELECT frozen FROM wallets WHERE account_id = :account"), values
    )
    findings = connection.execute(
        text("""
            SELECT f.kind, f.detail FROM findings f JOIN customers c USING (customer_id)
            WHERE c.account_id = :account AND f.settled_at IS NULL ORDER BY f.recorded_at, f.key
        """),
        values,
    )
    found: dict[str, object] = {
        "owed credits": {one.credit_type: format_credits(one.value) for one in debts},
        "open disputes": [
            f"{format_money(one.amount_minor, one.currency)} of {one.charge_id}" for one in disputes
        ],
        "waiting approvals": [
            f"approval:{one.subscription_id}:{one.key} of {one.member_id}, "
            f"until {one.lapses_at:%Y-%m-%d %H:%M}Z"
            for one in requests
        ],
        "findings": [f"{one.kind}: {one.detail}" for one in findings],
        "frozen": "purchased credits wait for a paid plan" if frozen else "",
    }
    return {name: what for name, what in found.items() if what}
