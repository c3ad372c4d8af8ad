"""A customer's balance and what moved it, read from the ledger for a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from domain.credits import MICRO
from local.simulator.figures import Figures
from local.simulator.life import Lived

BALANCE = text("""
    SELECT DISTINCT ON (seq) at, available_after AS level FROM entries
    WHERE account_id = :account AND credit_type = :type ORDER BY seq, line DESC
""")
GRANTS = text("""
    SELECT g.source, greatest(g.effective_at, e.at) AS at,
           max(e.available_after) AS level
    FROM grants g JOIN entries e ON e.account_id = g.account_id AND e.seq = g.grant_id
    WHERE g.account_id = :account AND g.credit_type = :type
    GROUP BY g.grant_id, g.source, g.effective_at, e.at ORDER BY 2
""")
# Final refusals only: an event first asked about and then served does not count.
REFUSED = text("""
    SELECT DISTINCT r.at FROM refusals r WHERE r.account_id = :account
       AND NOT EXISTS (SELECT FROM entries e WHERE e.account_id = r.account_id AND e.key = r.key)
    ORDER BY r.at
""")


@dataclass(frozen=True)
class Curve:
    """The balance of a customer's main credit type after every entry, in credits."""

    figures: Figures
    at: Sequence[datetime]
    level: Sequence[float]
    grants: Sequence[tuple[datetime, float, str]]
    refused: Sequence[datetime]


def curve(connection: Connection, lived: Lived, figures: Figures) -> Curve:
    """Read what a picture shows."""
    values = {"account": lived.account_id, "type": figures.main_type}
    balance = connection.execute(BALANCE, values).all()
    grants = connection.execute(GRANTS, values).all()
    return Curve(
        figures=figures,
        at=[row.at for row in balance],
        level=[row.level / MICRO for row in balance],
        grants=[(row.at, row.level / MICRO, row.source) for row in grants],
        refused=list(connection.scalars(REFUSED, {"account": lived.account_id})),
    )
