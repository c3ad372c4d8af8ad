"""What a request did, as far as it was noted: lines, charges, and the answer to its key."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Line:
    """A line of somebody's journal; `change_micro` of its credit type."""

    customer_id: str
    seq: int
    at: datetime
    kind: str
    credit_type: str
    change_micro: int
    key: str | None


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge that was opened, as it stands now; `amount_minor` of its currency."""

    customer_id: str
    charge_id: str
    kind: str
    state: str
    amount_minor: int
    currency: str
    decline_code: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """What was asked under an idempotency key, and its first answer (None: none is kept yet)."""

    address: str
    key: str
    begun_at: datetime
    status: int | None
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class Did:
    """All that one request did. Empty: it was refused, changed nothing, or was never named."""

    acts: tuple[Act, ...]
    charges: tuple[Charge, ...]
    lines: tuple[Line, ...]


def did(connection: Connection, request_id: str) -> Did:
    """Return what requests of that id did; senders may use one for several."""
    named = {"id": request_id}
    return Did(
        tuple(Act(*row) for row in connection.execute(_ACTS, named)),
        tuple(Charge(*row) for row in connection.execute(_CHARGES, named)),
        tuple(Line(*row) for row in connection.execute(_LINES, named)),
    )


_ACTS = text("""
    SELECT address, key, begun_at, status, answer FROM kept_requests
    WHERE request_id = :id ORDER BY begun_at
""")
_CHARGES = text("""
    SELECT c.customer_id, o.charge_id, o.kind, o.state, o.amount_minor + o.tax_minor,
           o.currency, o.decline_code
    FROM named_requests n
    JOIN customers c ON c.account_id = n.account_id
    JOIN charges o ON o.account_id = n.account_id AND o.charge_id = n.charge_id
    WHERE n.request_id = :id ORDER BY o.opened_at, o.charge_id
""")
# Grants of its charges too: money that came later was told of by the processor, not by the request.
_LINES = text("""
    SELECT c.customer_id, e.seq, e.at, e.kind::text, e.credit_type, e.change, e.key
    FROM (SELECT account_id, seq FROM named_requests WHERE request_id = :id AND seq > 0
          UNION
          SELECT g.account_id, g.grant_id FROM named_requests n
          JOIN grants g ON g.account_id = n.account_id AND g.charge_id = n.charge_id
          WHERE n.request_id = :id AND n.charge_id <> '') n
    JOIN customers c ON c.account_id = n.account_id
    CROSS JOIN LATERAL (
        SELECT seq, line, at, kind, credit_type, change, key FROM journal j
        WHERE j.account_id = n.account_id AND j.seq = n.seq) e
    ORDER BY e.at, c.customer_id, e.seq, e.line
""")
