"""What the ledger had at the very transaction that caused a mail: journal, charges, plan."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import text

from gateways.letter_formats import Formats
from tests.fleet import Customer
from tests.truth.reading import plain


@dataclass(frozen=True)
class Books:
    """One customer's ledger up to the transaction recorded at `until`."""

    customer: Customer
    until: datetime
    now: datetime  # the customer's own time, after the step that caused the mail

    def one(self, query: str, **values: Any) -> Any:
        """Return the first row of a query; `:account` and `:until` are there."""
        found = self.all(query, **values)
        return found[0] if found else None

    def all(self, query: str, **values: Any) -> list[Any]:
        values |= {"account": self.customer.account_id, "until": self.until}
        with self.customer.fleet.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    @cached_property
    def at(self) -> datetime:
        """The business time of the mail's transaction."""
        found = self.one(
            "SELECT max(at) AS at FROM ("
            " SELECT at FROM entries WHERE account_id = :account AND recorded_at <= :until"
            " UNION ALL SELECT settled_at FROM charges WHERE account_id = :account"
            "  AND settled_at IS NOT NULL AND settled_at <= :now) known",
            now=self.now,
        )
        return found.at

    @cached_property
    def subscription(self) -> Any:
        return self.one(
            "SELECT * FROM subscriptions WHERE account_id = :account ORDER BY recorded_at DESC"
        )

    @cached_property
    def show(self) -> Formats:
        row = self.one("SELECT locale, time_zone FROM customers WHERE account_id = :account")
        return Formats.of(row.locale, row.time_zone)

    def charge(self, charge_id: str) -> Any:
        return self.one("SELECT * FROM charges WHERE account_id = :account AND charge_id = :id",
                        id=charge_id)  # fmt: skip

    def money(self, minor: int) -> str:
        return plain(self.show.money(minor, self.subscription.plan["currency"]))

    def paid_for_plan_before(self, charge_id: str) -> bool:
        found = self.one(
            "SELECT count(*) AS n FROM charges WHERE account_id = :account AND state = 'paid'"
            " AND kind IN ('period', 'upgrade') AND charge_id <> :id"
            " AND subscription_id = (SELECT subscription_id FROM charges"
            "  WHERE account_id = :account AND charge_id = :id)"
            " AND settled_at <= (SELECT coalesce(settled_at, opened_at) FROM charges"
            "  WHERE account_id = :account AND charge_id = :id)",
            id=charge_id,
        )
        return found.n > 0

    def lots(self, credit_type: str, at: datetime | None = None) -> list[tuple[Any, int]]:
        """Return (expiry or None, micro-credits) of what could be spent, from the journal alone."""
        rows = self.all(
            "SELECT nullif(g.expires_at, 'infinity') AS expires,"
            "       sum(e.change - e.held_change)::bigint AS free"
            " FROM grants g JOIN entries e USING (account_id, grant_id)"
            " WHERE account_id = :account AND e.recorded_at <= :until AND g.credit_type = :type"
            "   AND g.source <> 'overdraft' AND g.effective_at <= :at AND g.expires_at > :at"
            " GROUP BY 1 HAVING sum(e.change - e.held_change) > 0 ORDER BY 1",
            type=credit_type,
            at=at or self.at,
        )
        return [(row.expires, row.free) for row in rows]

    def balance(self, credit_type: str, at: datetime | None = None) -> int:
        return sum(free for _, free in self.lots(credit_type, at))

    def granted(self, charge_id: str, credit_type: str, at: datetime) -> int:
        """Return what a charge has granted by an instant, for its first window then open only."""
        row = self.one(
            "SELECT coalesce(sum(granted), 0)::bigint AS n FROM grants WHERE account_id = :account"
            " AND charge_id = :id AND credit_type = :type"
            " AND effective_at <= :at AND expires_at > :at",  # a late transfer finds windows over
            id=charge_id,
            type=credit_type,
            at=at,
        )
        return row.n

    def next_payment(self) -> tuple[datetime, int] | None:
        """Return when the plan is paid for next, and how much, as the subscription stands."""
        row = self.subscription
        price = (row.next_plan or row.plan)["price_minor"]
        if row.cancel_at_end or row.period_end is None or not price:
            return None
        return row.period_end, price
