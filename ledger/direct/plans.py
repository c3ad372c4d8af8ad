"""Which plan a customer's usage is priced by, for a process that keeps it in memory.

Whoever prices by what this remembers says so with the revision; the ledger answers `stale_plan`
under the wallet's lock if another plan is in force by then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg_pool import AsyncConnectionPool

from domain.errors import InvalidInput
from domain.pricing.catalog import Plan

STALE = "stale_plan"  # what the ledger answers to a price of another plan than is in force
MOST_KNOWN = 1_000_000  # customers, of some 400 bytes each
_decode = msgspec.json.Decoder(Plan).decode

_READ = """
SELECT c.customer_id, c.account_id, s.subscription_id, w.plan_revision,
       greatest(w.decided_at, to_timestamp(0)), s.plan::text
FROM customers c JOIN wallets w ON w.account_id = c.account_id
LEFT JOIN LATERAL (
    SELECT o.subscription_id, o.plan FROM subscriptions o WHERE o.account_id = c.account_id
    ORDER BY o.status = 'ended', o.recorded_at DESC LIMIT 1) s ON true
WHERE c.customer_id = ANY (%s)
"""


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """A customer's newest subscription and its plan; `decided_at`: the wallet's time was later."""

    account_id: int
    subscription_id: str
    plan: Plan
    revision: int
    decided_at: datetime


class PlansInForce:
    """Plans by customer, read when first asked for or found stale."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._known: dict[str, PlanInForce] = {}
        self._plans: dict[str, Plan] = {}  # most customers share one of a few versions

    async def of(self, customer_ids: Iterable[str]) -> dict[str, PlanInForce]:
        """Return the plans of those customers that have one."""
        known = self._known
        found = {one: known[one] for one in customer_ids if one in known}
        missing = [one for one in customer_ids if one not in found]
        return {**found, **await self.again(missing)} if missing else found

    def known(self, customer_id: str) -> PlanInForce | None:
        """Return what is remembered of a customer."""
        return self._known.get(customer_id)

    async def again(self, customer_ids: Iterable[str]) -> dict[str, PlanInForce]:
        """Read the plans of customers, whatever is known of them."""
        wanted = list(customer_ids)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_READ, (wanted,))
            rows = await cursor.fetchall()
        for customer in wanted:
            self._known.pop(customer, None)
        return self.keep({row[0]: row[1:] for row in rows if row[2] is not None})

    def keep(self, rows: Mapping[str, tuple[Any, ...]]) -> dict[str, PlanInForce]:
        """Remember what was read of customers, and forget those read longest ago beyond a bound."""
        found = {customer: self._kept(*row) for customer, row in rows.items()}
        self._known |= found
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return found

    def _kept(
        self, account_id: int, subscription_id: str, revision: int, decided_at: datetime, text: str
    ) -> PlanInForce:
        plan = self._plans.get(text)
        if plan is None:
            plan = self._plans[text] = _decode(text)
        return PlanInForce(
            account_id, subscription_id, plan, revision=revision, decided_at=decided_at
        )


def unknown(customer_id: str) -> InvalidInput:
    """Return the refusal of a customer that has no subscription here."""
    return InvalidInput("unknown_customer", f"there is no customer {customer_id!a:.80}")
