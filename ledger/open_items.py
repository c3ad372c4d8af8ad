"""An account's open items: debts, disputes, requests and frozen credits."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from domain.credits import format_credits
from domain.money import format_money
from ledger.reports.debts import debts
from ledger.reports.scope import Scope

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


def open_matters(connection: Connection, account_id: int) -> dict[str, object]:
    """Return the open items by name, as texts for people."""
    values = {"account": account_id}
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
        "owed credits": _owed(connection, account_id),
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


def _owed(connection: Connection, account_id: int) -> dict[str, str]:
    """Return the debts by credit type, in money too where a price is known."""
    found = [one for one in debts(connection, Scope(*EVER, account_id)) if one.closing_micro > 0]
    return {
        one.credit_type: format_credits(one.closing_micro)
        if one.owed_minor is None
        else f"{format_credits(one.closing_micro)} ({format_money(one.owed_minor, one.currency)})"
        for one in found
    }
