"""Customers by any id that somebody may have at hand."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Found:
    """A customer and its subscription: the live one, else the newest; None: it never had one."""

    account_id: int
    customer_id: str
    name: str
    email: str
    subscription_id: str | None
    status: str | None
    plan: str | None
    catalog: str | None
    recorded_at: datetime


def fitting(connection: Connection, wanted: str, most: int) -> list[Found]:
    """Return customers that fit, the newest first; "" fits all.

    Exactly: the customer's, subscription's, charge's or invoice's id, the payer's, a member's, an
    e-mail address. By its beginning: a name, an address or an id.
    """
    values = {
        "wanted": wanted,
        "lower": wanted.lower(),
        "begins": wanted.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        + "%",
        "most": most,
    }
    return [Found(*one) for one in connection.execute(_FOUND, values)]


_FOUND = text("""
    SELECT c.account_id, c.customer_id, c.name, c.email, s.subscription_id, s.status,
           s.plan ->> 'name', s.plan ->> 'catalog', c.recorded_at
    FROM customers c
    LEFT JOIN LATERAL (
        SELECT o.subscription_id, o.status, o.plan FROM subscriptions o
        WHERE o.account_id = c.account_id
        ORDER BY o.status = 'ended', o.recorded_at DESC LIMIT 1) s ON true
    WHERE :wanted = '' OR c.account_id IN (
        SELECT account_id FROM customers
        WHERE customer_id = :wanted OR payer = :wanted OR payment_method = :wanted
           OR lower(name) LIKE :begins OR lower(email) LIKE :begins
           OR lower(customer_id) LIKE :begins
        UNION SELECT account_id FROM subscriptions WHERE subscription_id = :wanted
        UNION SELECT account_id FROM charges WHERE charge_id = :wanted OR invoice = :wanted
        UNION SELECT account_id FROM members WHERE member_id = :wanted OR lower(email) = :lower)
    ORDER BY c.recorded_at DESC, c.customer_id LIMIT :most
""")
